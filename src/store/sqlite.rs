//! SQLite: the store that needs no other server.
//!
//! WAL and `synchronous = FULL`: what was acknowledged survives a kill and a power cut, and
//! a writer never keeps a reader waiting. One connection writes, a few read.

mod backup;
mod fault;
mod file;
mod jobs;
mod place;
mod restore;
mod rows;
mod sealed;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{
    ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::Migrator,
    pool::PoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::fault::{fault, may_pass};
pub(super) use self::{backup::back_up, place::Place, restore::restore};
use super::{
    Deleted, OpenError, Remembered, Store, StoreError,
    rows::fold,
    schema::{self, SchemaError},
    seal::{Purpose, Sealer},
};
use crate::{
    clock::Clock,
    deadline::Deadline,
    ids::{CloudId, InstallationId},
    token::AppToken,
};

/// How long a statement waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an operation waits for one of our own connections.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
const READERS: u32 = 4;
/// Keys of jobs are hashes: each lands on another page of its index, and a cache that is
/// smaller than the index reads each of them anew. Negative: in KiB.
const WRITER_CACHE: &str = "-16384";
/// A reader looks up a few rows now and then, and the system keeps the file's pages anyway: caches
/// of SQLite's default would only fill for hours, each with the same.
const READER_CACHE: &str = "-256";
/// 64 MiB. A page that many commits touch is copied into the database once for all of them.
const PAGES_TO_CHECKPOINT: &str = "16384";
/// Processes that create or migrate the same file at once collide, and try again so long.
const OPEN_LIMIT: Duration = Duration::from_secs(3);
const OPEN_PAUSE: Duration = Duration::from_millis(100);
/// Whoever reinstalls an app more often finds only the latest.
const MOST_OF_A_CLOUD: i64 = 100;

pub(super) struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    file: Option<file::Opened>,
    sealer: Sealer,
    clock: Clock,
}

impl SqliteStore {
    /// Opens the database and brings its tables up to date.
    pub(super) async fn open(
        place: Place,
        sealer: Sealer,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let (writer, readers, file) = match &place {
            Place::Memory => {
                let only = pool(1).connect_lazy_with(writing(SqliteConnectOptions::new()));
                (only.clone(), only, None)
            }
            Place::File(path) => {
                let unusable = |source| OpenError::File {
                    path: path.clone(),
                    source,
                };
                file::prepare(path).await.map_err(unusable)?;
                let file = file::Opened::at(path).await.map_err(unusable)?;
                let options = SqliteConnectOptions::new().filename(path);
                (
                    pool(1).connect_lazy_with(writing(options.clone())),
                    pool(READERS).connect_lazy_with(reading(options)),
                    Some(file),
                )
            }
        };
        let store = Self {
            writer,
            readers,
            file,
            sealer,
            clock,
        };
        store
            .migrate()
            .await
            .map_err(|error| place.open_error(error))?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<(), SchemaError> {
        let migrator = schema::among_later_ones(sqlx::migrate!("migrations/sqlite"));
        let deadline = Deadline::after(OPEN_LIMIT);
        while let Err(error) = self.try_migrate(&migrator).await {
            if !may_pass(&error) || !deadline.allows(OPEN_PAUSE) {
                return Err(error);
            }
            tokio::time::sleep(OPEN_PAUSE).await;
        }
        Ok(())
    }

    async fn try_migrate(&self, migrator: &Migrator) -> Result<(), SchemaError> {
        let mut connection = self.writer.acquire().await?;
        schema::check(migrator, rows::schema_floor(&mut connection).await?)?;
        migrator.run(&mut *connection).await?;
        // A newer release may have come in between.
        schema::check(migrator, rows::schema_floor(&mut connection).await?)
    }

    /// A transaction with the write lock from its first moment: one that upgrades its lock
    /// may fail at once, without waiting for the busy timeout.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        begun.map_err(fault)
    }

    /// Whether what is written will be found after a restart.
    async fn is_in_place(&self) -> Result<(), StoreError> {
        match &self.file {
            Some(file) => file.is_there().await,
            None => Ok(()),
        }
    }

    async fn answers(&self) -> Result<(), StoreError> {
        self.is_in_place().await?;
        rows::ping(&self.readers).await
    }

    async fn write(&self, records: &[Arc<Remembered>]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut transaction = self.begin().await?;
        for record in records {
            let id = record.installation.id;
            rows::put_installation(&mut transaction, record, now).await?;
            if let Some(token) = &record.app_token {
                let sealed = self.sealer.seal(Purpose::AppToken, id, token.secret());
                let sealed = sealed.map_err(StoreError::damaged)?;
                rows::put_app_token(&mut transaction, record, token, &sealed, now).await?;
            }
        }
        rows::drop_lapsed_tokens(&mut transaction, now).await?;
        transaction.commit().await.map_err(fault)
    }

    async fn read(&self, id: InstallationId) -> Result<Option<Remembered>, StoreError> {
        let rows = rows::of_installation(&self.readers, id).await?;
        Ok(fold(rows, &self.sealer)?.pop())
    }

    async fn read_cloud(&self, cloud: &CloudId) -> Result<Vec<Remembered>, StoreError> {
        let rows = rows::of_cloud(&self.readers, cloud, MOST_OF_A_CLOUD).await?;
        fold(rows, &self.sealer)
    }

    async fn drop_token(&self, id: InstallationId, token: &AppToken) -> Result<(), StoreError> {
        // The same token may be sealed anew between a look and the deletion.
        while let Some(sealed) = rows::sealed_app_token(&self.readers, id).await? {
            match self.sealer.open(Purpose::AppToken, id, &sealed) {
                Ok(held) if held == *token.secret() => {}
                _ => break,
            }
            // By its ciphertext: a token that came in the meantime stays.
            if rows::drop_app_token(&self.writer, id, &sealed).await? {
                break;
            }
        }
        Ok(())
    }

    /// In several transactions, so that no installation is too large to be deleted in time.
    /// What is gone stays gone, and the next call goes on from there.
    async fn delete_all_of(&self, id: InstallationId) -> Result<Deleted, StoreError> {
        let mut deleted = Deleted::default();
        loop {
            let mut transaction = self.begin().await?;
            let is_gone = rows::delete(&mut transaction, id, &mut deleted).await?;
            transaction.commit().await.map_err(fault)?;
            if is_gone {
                return Ok(deleted);
            }
        }
    }
}

impl Store for SqliteStore {
    fn save<'a>(&'a self, records: &'a [Arc<Remembered>]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(records).boxed()
    }

    fn load(&self, id: InstallationId) -> BoxFuture<'_, Result<Option<Remembered>, StoreError>> {
        self.read(id).boxed()
    }

    fn of_cloud<'a>(
        &'a self,
        cloud: &'a CloudId,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, StoreError>> {
        self.read_cloud(cloud).boxed()
    }

    fn forget_app_token<'a>(
        &'a self,
        id: InstallationId,
        token: &'a AppToken,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.drop_token(id, token).boxed()
    }

    fn delete(&self, id: InstallationId) -> BoxFuture<'_, Result<Deleted, StoreError>> {
        self.delete_all_of(id).boxed()
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.answers().boxed()
    }
}

impl SqliteStore {
    /// Lets go of the file.
    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        // SQLite itself rolls back when the disk is full. The driver does not notice, takes
        // the connection for one in a transaction, and would refuse to begin another for ever.
        .after_release(|connection: &mut SqliteConnection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
}

fn writing(options: SqliteConnectOptions) -> SqliteConnectOptions {
    quiet(options)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", PAGES_TO_CHECKPOINT)
        .foreign_keys(true)
}

fn reading(options: SqliteConnectOptions) -> SqliteConnectOptions {
    quiet(options)
        .pragma("query_only", "ON")
        .pragma("cache_size", READER_CACHE)
}

fn quiet(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

#[cfg(test)]
pub(super) mod tests;
