//! A copy of the file while it is in use.

use std::{path::Path, time::Duration};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::time::{MissedTickBehavior, interval};

use super::{file, quiet};
use crate::store::{
    BoxError,
    backup::{BackupError, Progress},
};

const TELL_EVERY: Duration = Duration::from_secs(1);

/// Copies the database in one read transaction, so that the copy is of one moment.
pub(in crate::store) async fn back_up(
    path: &Path,
    to: &Path,
    tell: &(impl Fn(Progress) + Send + Sync),
) -> Result<u64, BackupError> {
    let unusable = |source| BackupError::File {
        path: to.to_owned(),
        source,
    };
    if tokio::fs::try_exists(to).await.map_err(unusable)? {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let partial = file::beside(to, ".partial");
    if file::is_same(&partial, path).await {
        return Err(BackupError::Exists(partial));
    }
    let begun = file::Partial::begin(partial.clone()).map_err(unusable)?;
    let partial = begun.ok_or(BackupError::AtWork(partial))?;
    let outcome = async {
        copy(path, &partial, tell).await?;
        check(partial.path(), "PRAGMA quick_check(1)").await?;
        let length = partial.length();
        let named = partial.become_new(to).await;
        named.map_err(|source| match source.kind() {
            std::io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
            _ => unusable(source),
        })?;
        Ok(length)
    };
    let outcome = outcome.await;
    if outcome.is_err() {
        partial.give_up();
    }
    outcome
}

async fn copy(
    path: &Path,
    partial: &file::Partial,
    tell: &(impl Fn(Progress) + Send + Sync),
) -> Result<(), BackupError> {
    let failed = |source: sqlx::Error| BackupError::Database {
        path: path.to_owned(),
        source: said(source),
    };
    let options = SqliteConnectOptions::new().filename(path);
    let options = quiet(options.create_if_missing(false));
    let mut connection = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed)?;
    let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let size: i64 = sqlx::query_scalar(size)
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    let of = u64::try_from(size).unwrap_or(0);
    let name = partial.path().to_string_lossy().into_owned();
    let vacuum = sqlx::query("VACUUM INTO ?1")
        .bind(name)
        .execute(&mut connection);
    tokio::pin!(vacuum);
    let mut ticks = interval(TELL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    loop {
        tokio::select! {
            done = &mut vacuum => {
                done.map_err(failed)?;
                break;
            }
            _ = ticks.tick() => tell(Progress { written: partial.length(), of }),
        }
    }
    // SQLite itself leaves that to the system.
    partial.sync().await.map_err(|source| BackupError::File {
        path: partial.path().to_owned(),
        source,
    })
}

/// Asks SQLite whether a file that nobody writes is sound.
pub(super) async fn check(path: &Path, pragma: &'static str) -> Result<(), BackupError> {
    let damaged = |what: String| BackupError::Damaged {
        path: path.to_owned(),
        what,
    };
    let options = SqliteConnectOptions::new().filename(path);
    let options = quiet(
        options
            .create_if_missing(false)
            .read_only(true)
            .immutable(true),
    );
    let looked = async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let found: Vec<String> = sqlx::query_scalar(pragma)
            .fetch_all(&mut connection)
            .await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(found)
    };
    match looked.await {
        Ok(found) if found == ["ok"] => Ok(()),
        Ok(found) => Err(damaged(found.first().cloned().unwrap_or_default())),
        Err(error) => Err(damaged(said(error).to_string())),
    }
}

/// SQLite's own words, without the driver's repetition of them.
pub(super) fn said(error: sqlx::Error) -> BoxError {
    match error {
        sqlx::Error::Database(error) => error.into(),
        other => other.into(),
    }
}
