//! A copy of the SQLite file while it is in use, and the way back.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    BoxError, KeyId, OpenError,
    keys::{KeyRing, Survey},
    postgres, sealer, sqlite,
};
use crate::{clock::Clock, config};

/// A backup or a restore did not come about. What was there before is there still.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The store is a PostgreSQL database.
    #[error(
        "`store.url` names a PostgreSQL database: back it up with `pg_dump --format=custom`, \
         and restore it with `pg_restore`"
    )]
    Postgres,
    /// The store is in memory.
    #[error("`store.url` names a store in memory: there is no file")]
    Memory,
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is a file of that name already.
    #[error("`{}` exists already, and is not written over", .0.display())]
    Exists(PathBuf),
    /// There is no such file.
    #[error("`{}` does not exist", .0.display())]
    Missing(PathBuf),
    /// Another process does the same.
    #[error("another process is writing `{}`", .0.display())]
    AtWork(PathBuf),
    /// A file cannot be read or written.
    #[error("`{}` cannot be written or read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// SQLite failed: the disk is full, for example.
    #[error("`{}` could not be copied", path.display())]
    Database {
        /// The file that was to be copied.
        path: PathBuf,
        /// What SQLite says.
        source: BoxError,
    },
    /// SQLite finds the copy damaged.
    #[error("`{}` is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found first.
        what: String,
    },
    /// It is a database, and not of a remote.
    #[error("`{}` is no store of a remote: there are no installations in it", .0.display())]
    Foreign(PathBuf),
    /// What stands beside the file belongs to it and would be lost.
    #[error(
        "`{}` has changes beside it that are not in it: it was copied while it was in use. \
         Take one that `forge-remote backup` has made",
        .0.display()
    )]
    NotClosed(PathBuf),
    /// Tokens in it cannot be opened.
    #[error(
        "{count} of the {total} tokens in the backup cannot be read{}: \
         add their keys to `store.additional_encryption_keys`, or go on without them with \
         `--accept-unreadable` (each installation brings another with its next call)",
        sealed_with(.keys)
    )]
    Unreadable {
        /// How many.
        count: u64,
        /// Of how many.
        total: u64,
        /// The keys that sealed them, as far as they say so.
        keys: Vec<KeyId>,
    },
    /// A remote has the file open.
    #[error("`{}` is in use: stop the remote first", .0.display())]
    InUse(PathBuf),
    /// Nobody can tell whether a remote has the file open.
    #[error(
        "`{}` is no database that SQLite can open, so nobody can tell whether a remote uses it: \
         stop the remote, and go on with `--force`",
        path.display()
    )]
    Unsure {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: BoxError,
    },
}

fn sealed_with(keys: &[KeyId]) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
    format!(" (sealed with {})", keys.join(", "))
}

/// How far a backup is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Written so far.
    pub written: u64,
    /// What the file takes that is copied. The copy may take less.
    pub of: u64,
}

/// Copies the SQLite file that `store.url` names into a new file, while remotes use it.
///
/// The copy is of one moment, and on the disk when this ends. It has the mode 0600, for tokens
/// are in it, sealed. `tell` is called about once a second. While it goes on, the file's log
/// (`-wal`) grows by what is written.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use forge_remote::{clock::Clock, config, store};
/// # let folder = tempfile::tempdir()?;
/// let settings = config::Store {
///     url: format!("sqlite://{}/remote.db", folder.path().display()),
///     encryption_key: None,
///     additional_encryption_keys: Vec::new(),
/// };
/// # let local = config::Environment::Test;
/// # let _open = store::open(&settings, &local, Clock::system()).await?;
/// let bytes = store::back_up(&settings, &folder.path().join("backup.db"), |_| {}).await?;
/// assert!(bytes > 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`BackupError`]; nothing is left behind of the copy then.
pub async fn back_up(
    settings: &config::Store,
    to: &Path,
    tell: impl Fn(Progress) + Send + Sync,
) -> Result<u64, BackupError> {
    let path = file_of(settings)?;
    if !tokio::fs::try_exists(&path).await.unwrap_or(true) {
        return Err(OpenError::Missing { path }.into());
    }
    sqlite::back_up(&path, to, &tell).await
}

/// What a restore does although something is wrong.
#[derive(Debug, Default, Clone, Copy)]
pub struct Leniency {
    /// Tokens that cannot be opened are no reason to stop.
    pub accept_unreadable: bool,
    /// A file that SQLite cannot open is put aside as it is.
    pub replace_damaged: bool,
}

/// What was restored.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// Where the file that was there is now.
    pub aside: Option<PathBuf>,
    /// The tokens of the backup.
    pub survey: Survey,
    /// The keys that they were looked at with.
    pub ring: KeyRing,
}

/// Puts a backup in the place of the SQLite file that `store.url` names.
///
/// It works on a copy, which is checked (whole, of a remote, not of a release that is too new,
/// tokens readable) and brought up to date, and takes the place in one step. The file that was
/// there stays beside it, under another name.
///
/// ```no_run
/// use forge_remote::{Config, store::{self, BackupError, Leniency, Progress, Restored}};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::load()?;
/// let tell = |so_far: Progress| println!("{} of {} bytes", so_far.written, so_far.of);
/// store::back_up(&config.store, "backup.db".as_ref(), tell).await?;
///
/// // Later, while no remote runs.
/// let strict = Leniency::default();
/// match store::restore(&config.store, &config.environment, "backup.db".as_ref(), strict).await {
///     Ok(Restored { aside: Some(path), .. }) => println!("the old file: {}", path.display()),
///     Ok(_) => println!("there was no file before"),
///     Err(BackupError::InUse(path)) => println!("{} is in use", path.display()),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`BackupError`]; the file that was there is untouched then.
pub async fn restore(
    settings: &config::Store,
    environment: &config::Environment,
    from: &Path,
    leniency: Leniency,
) -> Result<Restored, BackupError> {
    let path = file_of(settings)?;
    let sealer = sealer(settings, environment)?;
    sqlite::restore(&path, from, sealer, leniency, Clock::system()).await
}

fn file_of(settings: &config::Store) -> Result<PathBuf, BackupError> {
    if postgres::Place::of_url(&settings.url).is_some() {
        return Err(BackupError::Postgres);
    }
    match sqlite::Place::of_url(&settings.url) {
        Some(sqlite::Place::File(path)) => Ok(path),
        Some(sqlite::Place::Memory) => Err(BackupError::Memory),
        None => Err(OpenError::Url.into()),
    }
}
