//! What a failure of SQLite means.

use sqlx::{
    Error,
    error::{DatabaseError, ErrorKind},
    migrate::MigrateError,
};

use crate::store::StoreError;

/// Sorts a failure by whether the same call may succeed later.
pub(super) fn fault(error: Error) -> StoreError {
    match error {
        // The database's own words, without the driver's repetition of them.
        Error::Database(error) if matches!(error.kind(), ErrorKind::Other) => {
            StoreError::unavailable(error)
        }
        Error::Io(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed
        | Error::InvalidSavePointStatement => StoreError::unavailable(error),
        _ => StoreError::damaged(error),
    }
}

/// Whether a failed migration may succeed at once: another process may just be doing the
/// same, so that the file is busy or a table is suddenly there. Not if the file is no
/// database or cannot be opened.
pub(super) fn may_pass(error: &MigrateError) -> bool {
    const ERROR: i32 = 1;
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const CONSTRAINT: i32 = 19;

    let (MigrateError::Execute(Error::Database(error))
    | MigrateError::ExecuteMigration(Error::Database(error), _)) = error
    else {
        return false;
    };
    matches!(
        kind(error.as_ref()),
        Some(ERROR | BUSY | LOCKED | CONSTRAINT)
    )
}

/// The lower byte of SQLite's code; the rest is detail.
fn kind(error: &dyn DatabaseError) -> Option<i32> {
    let code = error.code()?.parse::<i32>().ok()?;
    Some(code & 0xff)
}
