//! A backup in the place of the file.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{Place, SqliteStore, backup, fault, file, quiet};
use crate::{
    clock::Clock,
    store::{
        OpenError, StoreError,
        backup::{BackupError, Leniency, Restored},
        keys::{Cursor, KeyRing, Sealed, Survey, Walk},
        seal::Sealer,
    },
};

/// How long it waits for a statement of somebody who is about to go.
const PATIENCE: Duration = Duration::from_millis(500);

/// Makes a copy of the backup ready beside the file, and puts it in its place.
pub(in crate::store) async fn restore(
    path: &Path,
    from: &Path,
    sealer: Sealer,
    leniency: Leniency,
    clock: Clock,
) -> Result<Restored, BackupError> {
    is_complete(from).await?;
    // A link stays one: it is the file behind it that is replaced.
    let linked = tokio::fs::canonicalize(path).await;
    let path = linked.as_deref().unwrap_or(path);
    let unusable = |source| BackupError::File {
        path: path.to_owned(),
        source,
    };
    file::make_folder_of(path).await.map_err(unusable)?;
    let partial = file::beside(path, ".restoring");
    if file::is_same(&partial, from).await {
        return Err(BackupError::Exists(partial));
    }
    let begun = file::Partial::begin(partial.clone()).map_err(unusable)?;
    let partial = begun.ok_or(BackupError::AtWork(partial))?;
    let outcome = async {
        partial.copy_from(from).await.map_err(unusable)?;
        let ring = KeyRing::of(&sealer);
        let survey = make_ready(&partial, from, sealer, clock).await?;
        if !leniency.accept_unreadable {
            all_readable(&survey, &ring)?;
        }
        let aside = put_in_place(&partial, path, leniency).await?;
        Ok(Restored {
            aside,
            survey,
            ring,
        })
    };
    let outcome = outcome.await;
    if outcome.is_err() {
        partial.give_up();
    }
    outcome
}

/// A file beside which there is a log that nobody has written back is half a database.
async fn is_complete(from: &Path) -> Result<(), BackupError> {
    let unreadable = |source| BackupError::File {
        path: from.to_owned(),
        source,
    };
    match tokio::fs::metadata(from).await {
        Ok(metadata) if metadata.is_file() => {}
        // A pipe may never end, and a device neither.
        Ok(_) => return Err(unreadable(io::Error::other("it is no regular file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(BackupError::Missing(from.to_owned()));
        }
        Err(error) => return Err(unreadable(error)),
    }
    for suffix in ["-wal", "-journal"] {
        let log = tokio::fs::metadata(file::beside(from, suffix)).await;
        if log.is_ok_and(|log| log.len() > 0) {
            return Err(BackupError::NotClosed(from.to_owned()));
        }
    }
    Ok(())
}

/// Checks the copy, brings its tables up to date, and looks at all that is sealed in it.
async fn make_ready(
    partial: &file::Partial,
    from: &Path,
    sealer: Sealer,
    clock: Clock,
) -> Result<Survey, BackupError> {
    let named = |error| match error {
        // It is the backup that is damaged, under whatever name it is looked at.
        BackupError::Damaged { what, .. } => BackupError::Damaged {
            path: from.to_owned(),
            what,
        },
        other => other,
    };
    let copy = partial.path();
    let sound = backup::check(copy, "PRAGMA integrity_check(1)").await;
    sound.map_err(named)?;
    let failed = |error: sqlx::Error| BackupError::Database {
        path: from.to_owned(),
        source: backup::said(error),
    };
    let options = quiet(SqliteConnectOptions::new().filename(copy));
    let mut connection = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed)?;
    let tables = "SELECT count(*) FROM sqlite_master \
        WHERE type = 'table' AND name IN ('_sqlx_migrations', 'installations', 'app_tokens')";
    let tables: i64 = sqlx::query_scalar(tables)
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    connection.close().await.map_err(failed)?;
    if tables < 3 {
        return Err(BackupError::Foreign(from.to_owned()));
    }
    let place = Place::File(copy.to_owned());
    let opened = SqliteStore::open(place, sealer, clock).await;
    let store = opened.map_err(|error| match error {
        OpenError::Newer { floor, newest, .. } => OpenError::Newer {
            path: from.to_owned(),
            floor,
            newest,
        },
        other => other,
    })?;
    let survey = look_at_all(&store).await;
    store.close().await;
    // One file again, without a log beside it.
    let mut connection = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed)?;
    sqlx::query("PRAGMA journal_mode = DELETE")
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    connection.close().await.map_err(failed)?;
    partial.sync().await.map_err(|source| BackupError::File {
        path: copy.to_owned(),
        source,
    })?;
    survey.map_err(|error| BackupError::Database {
        path: from.to_owned(),
        source: error.into(),
    })
}

async fn look_at_all(store: &SqliteStore) -> Result<Survey, StoreError> {
    let mut survey = Survey::default();
    let mut cursor = Some(Cursor::START);
    while let Some(from) = cursor {
        let step = store.step(&from, Walk::Open).await?;
        survey.add(&step.survey);
        cursor = step.next;
    }
    Ok(survey)
}

fn all_readable(survey: &Survey, ring: &KeyRing) -> Result<(), BackupError> {
    let count = survey.of_unknown_keys(ring) + survey.damaged.values().sum::<u64>();
    if count == 0 {
        return Ok(());
    }
    let keys = survey.by_key.keys().map(|(_, key)| *key);
    let mut keys: Vec<_> = keys.filter(|key| !ring.knows(*key)).collect();
    keys.sort_unstable();
    keys.dedup();
    Err(BackupError::Unreadable {
        count,
        total: survey.total(),
        keys,
    })
}

/// Nobody else opens the file that is there until it has another name; whoever did just
/// before notices, for it is no longer the one at its path.
async fn put_in_place(
    partial: &file::Partial,
    path: &Path,
    leniency: Leniency,
) -> Result<Option<PathBuf>, BackupError> {
    let unusable = |source| BackupError::File {
        path: path.to_owned(),
        source,
    };
    if !tokio::fs::try_exists(path).await.map_err(unusable)? {
        partial.replace(path, None).await.map_err(unusable)?;
        return Ok(None);
    }
    let held = match hold(path).await {
        Ok(held) => Some(held),
        Err(error) if fault::is_in_use(&error) => {
            return Err(BackupError::InUse(path.to_owned()));
        }
        Err(_) if leniency.replace_damaged => None,
        Err(error) => {
            return Err(BackupError::Unsure {
                path: path.to_owned(),
                source: backup::said(error),
            });
        }
    };
    let aside = free_name(path).await;
    // Of a file that could not be opened: its log may be worth a look.
    for suffix in ["-wal", "-shm"] {
        let log = file::beside(path, suffix);
        if held.is_none() && tokio::fs::try_exists(&log).await.unwrap_or(false) {
            let aside = file::beside(&aside, suffix);
            tokio::fs::rename(&log, &aside).await.map_err(unusable)?;
        }
    }
    let replaced = partial.replace(path, Some(&aside)).await;
    replaced.map_err(unusable)?;
    if let Some(held) = held {
        // Whatever it says: the file is aside, and complete.
        let _ = held.close().await;
    }
    Ok(Some(aside))
}

/// Writes back the log and locks the file. SQLite refuses to take it out of its log mode while
/// anybody else has it open, whether they are using it or not.
async fn hold(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path);
    let options = quiet(options.create_if_missing(false)).busy_timeout(PATIENCE);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    for statement in [
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA journal_mode = DELETE",
        "BEGIN EXCLUSIVE",
    ] {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    Ok(connection)
}

async fn free_name(path: &Path) -> PathBuf {
    let now = Clock::system().now().unix();
    let mut name = file::beside(path, &format!(".replaced-{now}"));
    let mut number = 1;
    while tokio::fs::try_exists(&name).await.unwrap_or(false) {
        number += 1;
        name = file::beside(path, &format!(".replaced-{now}-{number}"));
    }
    name
}
