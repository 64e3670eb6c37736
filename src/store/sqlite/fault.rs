//! What a failure of SQLite means.

use sqlx::{
    Error,
    error::{DatabaseError, ErrorKind},
    migrate::MigrateError,
};

use crate::store::{StoreError, schema::SchemaError};

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
pub(super) fn may_pass(error: &SchemaError) -> bool {
    const ERROR: i32 = 1;
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const CONSTRAINT: i32 = 19;

    let SchemaError::Migrate(
        MigrateError::Execute(Error::Database(error))
        | MigrateError::ExecuteMigration(Error::Database(error), _),
    ) = error
    else {
        return false;
    };
    matches!(
        kind(error.as_ref()),
        Some(ERROR | BUSY | LOCKED | CONSTRAINT)
    )
}

/// Whether somebody else has the file open, or is using it.
pub(super) fn is_in_use(error: &Error) -> bool {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;

    let Error::Database(error) = error else {
        return false;
    };
    matches!(kind(error.as_ref()), Some(BUSY | LOCKED))
}

/// The lower byte of SQLite's code; the rest is detail.
fn kind(error: &dyn DatabaseError) -> Option<i32> {
    let code = error.code()?.parse::<i32>().ok()?;
    Some(code & 0xff)
}
