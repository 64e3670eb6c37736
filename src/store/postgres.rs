//! PostgreSQL: the store that several replicas share.
//!
//! What was acknowledged is on the server's disk. The database tells the time in every
//! statement on jobs and quotas, so that the clocks of the replicas need not agree.
//!
//! It wants a session of its own: a pooler in front of it has to pool sessions, not
//! transactions or statements.

mod fault;
mod jobs;
mod moment;
mod place;
mod rows;
mod sealed;
mod shared;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    pool::{PoolConnectionMetadata, PoolOptions},
    postgres::PgPoolOptions,
};
use tokio::time::timeout;

use self::fault::fault;
pub(super) use self::place::Place;
use super::{
    Deleted, OpenError, Remembered, Store, StoreError,
    rows::fold,
    schema::{self, SchemaError},
    seal::{Purpose, Sealer},
};
use crate::{
    clock::Clock,
    ids::{CloudId, InstallationId},
    token::AppToken,
};

/// Connections of one replica. A stock server takes a hundred.
const CONNECTIONS: u32 = 10;
/// How long an operation waits for one of our own connections, or for a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection that was idle for longer is tried first: the server may have gone meanwhile.
const FRESH: Duration = Duration::from_millis(500);
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);
const MAX_LIFETIME: Duration = Duration::from_mins(30);
/// How long the start waits for the database's answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// And for its tables: another replica may just be making them.
const MIGRATE_LIMIT: Duration = Duration::from_mins(2);
/// The server gives up what the process gave up waiting for. The last one is for a process
/// that lost its power in the middle of a transaction.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "4s"),
    ("lock_timeout", "3s"),
    ("idle_in_transaction_session_timeout", "10s"),
];
/// Whoever reinstalls an app more often finds only the latest.
const MOST_OF_A_CLOUD: i64 = 100;

pub(super) struct PostgresStore {
    pool: PgPool,
    sealer: Sealer,
    clock: Clock,
}

impl PostgresStore {
    /// Connects, and brings the tables up to date.
    pub(super) async fn open(
        place: Place,
        sealer: Sealer,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let options = place.into_options().disable_statement_logging();
        let connecting = timeout(CONNECT_LIMIT, PgConnection::connect_with(&options)).await;
        let mut first = connecting
            .map_err(|elapsed| OpenError::Unreachable(elapsed.into()))?
            .map_err(fault::open_error)?;
        let migrating = timeout(MIGRATE_LIMIT, migrate(&mut first)).await;
        migrating
            .map_err(|elapsed| OpenError::Tables(elapsed.into()))?
            .map_err(fault::migrate_error)?;
        // Whatever it says: the connection has done what it was there for.
        let _ = first.close().await;
        Ok(Self {
            pool: pool().connect_lazy_with(options.options(LIMITS)),
            sealer,
            clock,
        })
    }

    /// The moment that overrules the database's clock, in milliseconds.
    fn set_by_hand(&self) -> Option<i64> {
        let now = self.clock.set_by_hand()?;
        Some(now.unix().saturating_mul(1000))
    }

    async fn write(&self, records: &[Arc<Remembered>]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut records: Vec<_> = records.iter().collect();
        // Replicas that write the same installations at once must not wait for each other.
        records.sort_by_key(|record| record.installation.id);
        let mut transaction = self.pool.begin().await.map_err(fault)?;
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
        let rows = rows::of_installation(&self.pool, id).await?;
        Ok(fold(rows, &self.sealer)?.pop())
    }

    async fn read_cloud(&self, cloud: &CloudId) -> Result<Vec<Remembered>, StoreError> {
        let rows = rows::of_cloud(&self.pool, cloud, MOST_OF_A_CLOUD).await?;
        fold(rows, &self.sealer)
    }

    async fn drop_token(&self, id: InstallationId, token: &AppToken) -> Result<(), StoreError> {
        // The same token may be sealed anew between a look and the deletion.
        while let Some(sealed) = rows::sealed_app_token(&self.pool, id).await? {
            match self.sealer.open(Purpose::AppToken, id, &sealed) {
                Ok(held) if held == *token.secret() => {}
                _ => break,
            }
            // By its ciphertext: a token that came in the meantime stays.
            if rows::drop_app_token(&self.pool, id, &sealed).await? {
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
            let mut transaction = self.pool.begin().await.map_err(fault)?;
            let is_gone = rows::delete(&mut transaction, id, &mut deleted).await?;
            transaction.commit().await.map_err(fault)?;
            if is_gone {
                return Ok(deleted);
            }
        }
    }
}

impl Store for PostgresStore {
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
        rows::ping(&self.pool).boxed()
    }
}

/// Replicas that start at once take turns by a lock of the migrator. A migration that this
/// release does not know is a newer one's, beside which it can work while that rolls out, or
/// after a step back, unless the floor says otherwise.
async fn migrate(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let migrator = schema::among_later_ones(sqlx::migrate!("migrations/postgres"));
    schema::check(&migrator, rows::schema_floor(connection).await?)?;
    migrator.run(&mut *connection).await?;
    // A newer release may have come in between.
    schema::check(&migrator, rows::schema_floor(connection).await?)
}

fn pool() -> PgPoolOptions {
    PoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(MAX_LIFETIME)
        .test_before_acquire(false)
        .before_acquire(
            |connection: &mut PgConnection, used: PoolConnectionMetadata| {
                Box::pin(async move {
                    if used.idle_for > FRESH {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            },
        )
}

#[cfg(test)]
pub(crate) mod tests;
