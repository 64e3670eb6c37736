//! What the remote keeps: installations, their app tokens, and the jobs that wait for a
//! handler.
//!
//! ```text
//! invocation ──remember──► Installations (memory) ──queue──► writer ──► dyn Store
//! background ──find──────►      │                                          │
//!                               └────────────── on a miss ─────────────────┘
//! ```
//!
//! [`Installations`] is the door. An invocation tells it what it brought and goes on at
//! once: the comparison is made in memory, and a write happens behind the invocation's
//! back, only when something changed. Work that no invocation started asks it for an
//! installation by id or by site, and only there does a store that fails matter.
//!
//! [`Store`] is what a database has to do for it, and [`jobs::Jobs`] what it has to do for
//! jobs. [`open`] picks one by `store.url`: SQLite in a file, or PostgreSQL, which several
//! replicas may share, and with it what they know of impersonated tokens.
//! Tokens are sealed with `store.encryption_key` before they reach a file, and
//! sealed anew in the background when another key takes over.
//!
//! A user of the library meets what it keeps of an installation:
//!
//! ```
//! use forge_remote::{Error, Forge, ids::CloudId};
//! async fn versions(forge: &Forge, cloud: &CloudId) -> Result<Vec<String>, Error> {
//!     let installed = forge.installations_of_cloud(cloud).await?;
//!     let versions = installed.iter().filter_map(|one| one.record().app_version.as_deref());
//!     Ok(versions.map(str::to_owned).collect())
//! }
//! ```

mod backup;
mod bounded;
mod installations;
#[doc(hidden)] // the inside of the inbox, for the command and the benchmarks
pub mod jobs;
#[doc(hidden)] // what the command `keys` walks with; a remote does it by itself
pub mod keys;
mod postgres;
mod record;
mod resealing;
mod rows;
mod schema;
mod seal;
pub(crate) mod shared;
mod sqlite;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

pub(crate) use self::resealing::keep_under_one_key;
#[doc(hidden)]
pub use self::seal::Sealing;
pub use self::{
    backup::{BackupError, Leniency, Progress, Restored, back_up, restore},
    installations::Installations,
    record::{Installation, Remembered, StoredContext, TokenOrigin},
    seal::{KeyError, KeyId, fresh_key},
};
use self::{
    bounded::Bounded,
    jobs::Jobs,
    keys::Sealed,
    postgres::PostgresStore,
    seal::{SealError, Sealer},
    shared::Shared,
    sqlite::SqliteStore,
};
use crate::{
    clock::Clock,
    config,
    error::{Error, ErrorCode},
    ids::{CloudId, InstallationId},
    token::AppToken,
};

/// What callers are asked to wait when the store does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(5);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A place where installations last longer than the process.
///
/// Several processes may use one store. Every operation ends within a few seconds, and
/// may be dropped at any point without harm.
#[doc(hidden)]
pub trait Store: Send + Sync + 'static {
    /// Writes all records or none.
    ///
    /// A record that is older than the stored one (by `last_seen`) changes nothing of the
    /// installation. A site URL that is left out stays. A token is replaced only by one
    /// that lives longer, or by one of the platform if a [browser](TokenOrigin::Browser)
    /// brought it; a browser's replaces none of the platform's that lives. A record without
    /// a token leaves it alone.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: the same call may succeed later.
    /// [`StoreError::Damaged`]: one of the records can never be written.
    fn save<'a>(&'a self, records: &'a [Arc<Remembered>]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The installation of that id. A token that cannot be unsealed reads as none.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer or the record cannot be read.
    fn load(&self, id: InstallationId) -> BoxFuture<'_, Result<Option<Remembered>, StoreError>>;

    /// The installations in that site, the last seen first; at most 100.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer or a record cannot be read.
    fn of_cloud<'a>(
        &'a self,
        cloud: &'a CloudId,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, StoreError>>;

    /// Drops the token of an installation if it is this one.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn forget_app_token<'a>(
        &'a self,
        id: InstallationId,
        token: &'a AppToken,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Deletes an installation with its contexts, its token and its jobs, whatever their
    /// state, in one commit.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer; the same call may be made again.
    fn delete(&self, id: InstallationId) -> BoxFuture<'_, Result<Deleted, StoreError>>;

    /// Asks whether the store answers.
    ///
    /// # Errors
    /// [`StoreError`] if it does not.
    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// What was deleted with an installation.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub struct Deleted {
    /// Whether the store knew the installation.
    pub known: bool,
    /// How many jobs went: those that had not ended, and dead letters.
    pub jobs: u64,
}

/// An open database, seen from each side.
#[derive(Clone)]
#[non_exhaustive]
#[doc(hidden)]
pub struct Database {
    /// Where installations and their app tokens are.
    pub installations: Arc<dyn Store>,
    /// Where events and ticks wait for their handlers.
    pub jobs: Arc<dyn Jobs>,
    /// All that is sealed, by the keys that sealed it.
    pub sealed: Arc<dyn Sealed>,
    /// What replicas share of impersonation; none where there can be only one.
    pub(crate) shared: Option<Arc<dyn Shared>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

/// The store failed.
///
/// ```
/// use forge_remote::{Error, store::StoreError};
/// let locked = StoreError::Unavailable("the file is locked".into());
/// assert_eq!(Error::from(locked).code().as_str(), "store_unavailable");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It does not answer: locked, full, unreachable or too slow. Later it may.
    #[error("the store does not answer")]
    Unavailable(#[source] BoxError),
    /// It answers, but this record cannot be read or written. Trying again does not help.
    #[error("a record cannot be read or written")]
    Damaged(#[source] BoxError),
}

impl StoreError {
    fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }

    fn damaged(source: impl Into<BoxError>) -> Self {
        Self::Damaged(source.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::new(
                ErrorCode::StoreUnavailable,
                "The remote cannot reach its store. Try again later.",
            )
            .retry_after(RETRY_AFTER)
            .caused_by(error),
            StoreError::Damaged(_) => Self::internal(error),
        }
    }
}

/// The store cannot be opened. The messages name the setting to mend and never its value.
///
/// ```no_run
/// use forge_remote::{Config, Forge, StartError, store::{KeyError, OpenError}};
///
/// # async fn start(config: Config) -> Result<Forge, StartError> {
/// Forge::from_config(config).await.inspect_err(|error| match error {
///     StartError::Store(OpenError::Key(KeyError::Length(bytes))) => println!("32 bytes, not {bytes}"),
///     StartError::Store(error) => println!("the store: {error}"),
///     _ => {}
/// })
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// `store.url` names no store that is built in.
    #[error(
        "`store.url` must be `sqlite://<path>`, with a path taken literally and no parameters, or \
         `postgres://<user>:<password>@<host>:<port>/<database>`, with no other parameters than \
         PostgreSQL's own such as `sslmode`"
    )]
    Url,
    /// There is no key and the environment is not a local one.
    #[error(
        "`store.encryption_key` is required unless `FORGE_REMOTE_ENV` is `development` or `test`: \
         32 random bytes in base64, for example from `openssl rand -base64 32`"
    )]
    MissingKey,
    /// There is no key, and replicas would each have their own.
    #[error(
        "`store.encryption_key` is required with PostgreSQL, the same for all replicas: \
         32 random bytes in base64, for example from `openssl rand -base64 32`"
    )]
    MissingSharedKey,
    /// `store.encryption_key` is not a key.
    #[error("`store.encryption_key` cannot be used: 32 bytes in base64 are wanted")]
    Key(#[source] KeyError),
    /// One of `store.additional_encryption_keys` is not a key.
    #[error("`store.additional_encryption_keys` cannot be used: each wants 32 bytes in base64")]
    AdditionalKey(#[source] KeyError),
    /// The folder or the file cannot be created, or its mode cannot be read.
    #[error("`{}` (`store.url`) cannot be created or accessed", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no such file, and it was not to be created.
    #[error("`{}` (`store.url`) does not exist: no remote has kept anything there", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A newer release has written the file, and this one cannot work with it any more.
    #[error(
        "`{}` (`store.url`) was changed by a newer release so that this one cannot work with it \
         (its tables want migration {floor}, this release knows {newest}): \
         run the newer one, restore a backup, or take another file",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The migration that a release has to know.
        floor: i64,
        /// The latest that this one knows.
        newest: i64,
    },
    /// The file is no SQLite database, or it is locked or damaged.
    #[error("`{}` (`store.url`) cannot be opened as a SQLite database", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: BoxError,
    },
    /// The PostgreSQL server is down, or does not let the remote in.
    #[error(
        "the PostgreSQL database that `store.url` names cannot be reached: \
         is the server up, and are host, user, password, database and `sslmode` right?"
    )]
    Unreachable(#[source] BoxError),
    /// A newer release has changed the tables, and this one cannot work with them any more.
    #[error(
        "the tables of the PostgreSQL database (`store.url`) were changed by a newer release so \
         that this one cannot work with them (they want migration {floor}, this release knows \
         {newest}): run the newer one, or restore a backup"
    )]
    NewerTables {
        /// The migration that a release has to know.
        floor: i64,
        /// The latest that this one knows.
        newest: i64,
    },
    /// The tables cannot be brought up to date.
    #[error("the tables of the PostgreSQL database (`store.url`) cannot be brought up to date")]
    Tables(#[source] BoxError),
}

/// Opens the store that `store.url` names, and brings its tables up to date.
///
/// `sqlite://<path>` is a file, relative to the working directory or absolute. It and its
/// folder are created; nobody but the owner can read it. `sqlite::memory:` keeps everything
/// in memory, for tests.
///
/// `postgres://<user>:<password>@<host>:<port>/<database>` is a database that several
/// replicas may share; `sslmode` and the other parameters are those of PostgreSQL. It wants
/// `store.encryption_key` in every environment: what one replica seals, the others open.
///
/// Without a key, which only SQLite in a local environment may leave out, tokens are sealed
/// with one that lasts as long as the process.
///
/// # Errors
/// [`OpenError`] names the setting that has to be mended.
#[doc(hidden)]
pub async fn open(
    settings: &config::Store,
    environment: &config::Environment,
    clock: Clock,
) -> Result<Database, OpenError> {
    SealError::count_none();
    if let Some(place) = postgres::Place::of_url(&settings.url) {
        return open_postgres(place, settings, clock).await;
    }
    let place = sqlite::Place::of_url(&settings.url).ok_or(OpenError::Url)?;
    let sealer = sealer(settings, environment)?;
    if !sealer.is_lasting() {
        tracing::info!("no store.encryption_key: a restart forgets the tokens of installations");
    }
    let store = Arc::new(Bounded::new(SqliteStore::open(place, sealer, clock).await?));
    Ok(Database {
        installations: Arc::clone(&store) as _,
        jobs: Arc::clone(&store) as _,
        sealed: store,
        shared: None,
    })
}

/// What seals and opens in a SQLite file.
fn sealer(
    settings: &config::Store,
    environment: &config::Environment,
) -> Result<Sealer, OpenError> {
    match &settings.encryption_key {
        Some(key) => Sealer::with_key(key),
        None if environment.is_local() => Sealer::for_this_process(),
        None => return Err(OpenError::MissingKey),
    }
    .map_err(OpenError::Key)?
    .knowing(&settings.additional_encryption_keys)
    .map_err(OpenError::AdditionalKey)
}

async fn open_postgres(
    place: postgres::Place,
    settings: &config::Store,
    clock: Clock,
) -> Result<Database, OpenError> {
    let key = settings.encryption_key.as_ref();
    let sealer = Sealer::with_key(key.ok_or(OpenError::MissingSharedKey)?);
    let sealer = sealer
        .map_err(OpenError::Key)?
        .knowing(&settings.additional_encryption_keys)
        .map_err(OpenError::AdditionalKey)?;
    let store = Arc::new(Bounded::new(
        PostgresStore::open(place, sealer, clock).await?,
    ));
    Ok(Database {
        installations: Arc::clone(&store) as _,
        jobs: Arc::clone(&store) as _,
        sealed: Arc::clone(&store) as _,
        shared: Some(store),
    })
}

/// As [`open`], but only what is there already: for a look from outside. The tables of a
/// PostgreSQL database are brought up to date all the same.
///
/// # Errors
/// [`OpenError::Missing`] if there is no such file, else as [`open`].
#[doc(hidden)]
pub async fn open_existing(
    settings: &config::Store,
    environment: &config::Environment,
    clock: Clock,
) -> Result<Database, OpenError> {
    let missing = match sqlite::Place::of_url(&settings.url) {
        Some(sqlite::Place::Memory) => Some(":memory:".into()),
        Some(sqlite::Place::File(path)) if !tokio::fs::try_exists(&path).await.unwrap_or(true) => {
            Some(path)
        }
        _ => None,
    };
    match missing {
        Some(path) => Err(OpenError::Missing { path }),
        None => open(settings, environment, clock).await,
    }
}

#[cfg(test)]
pub(crate) use self::postgres::tests::Bench as PostgresBench;
#[cfg(test)]
mod tests;
