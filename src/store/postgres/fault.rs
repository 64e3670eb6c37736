//! What a failure of PostgreSQL means.

use sqlx::{
    Error,
    error::{DatabaseError, ErrorKind},
    migrate::MigrateError,
    postgres::PgDatabaseError,
};

use crate::store::{BoxError, OpenError, StoreError, schema::SchemaError};

/// What the server said, without its details: those quote rows.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code})")]
struct Said {
    code: String,
    message: String,
}

/// The server refuses user or password. Its own words would name the user.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses the user or the password ({0})")]
struct Refused(String);

/// Sorts a failure by whether the same call may succeed later.
pub(super) fn fault(error: Error) -> StoreError {
    match error {
        Error::Database(error) => {
            let passes = may_pass(error.as_ref());
            let said = said(error.as_ref());
            if passes {
                StoreError::Unavailable(said)
            } else {
                StoreError::Damaged(said)
            }
        }
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => StoreError::unavailable(error),
        _ => StoreError::damaged(error),
    }
}

/// Whether the same transaction may succeed at once: it met another one.
pub(super) fn met_another(error: &StoreError) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK_DETECTED: &str = "40P01";

    let StoreError::Unavailable(said) = error else {
        return false;
    };
    said.downcast_ref::<Said>()
        .is_some_and(|said| matches!(&*said.code, SERIALIZATION_FAILURE | DEADLOCK_DETECTED))
}

/// What the values are to blame for does not pass; all else may: a server that starts or
/// stops, is full, or has not the tables or the rights yet.
fn may_pass(error: &dyn DatabaseError) -> bool {
    const DATA_EXCEPTION: &str = "22";
    const PROGRAM_LIMIT: &str = "54";

    let code = error.code().unwrap_or_default();
    matches!(error.kind(), ErrorKind::Other)
        && !code.starts_with(DATA_EXCEPTION)
        && !code.starts_with(PROGRAM_LIMIT)
}

fn said(error: &dyn DatabaseError) -> BoxError {
    const INVALID_AUTHORIZATION: &str = "28";

    let code = error.code().unwrap_or_default().into_owned();
    if code.starts_with(INVALID_AUTHORIZATION) {
        return Refused(code).into();
    }
    let message = error
        .try_downcast_ref::<PgDatabaseError>()
        .map_or_else(String::new, |error| error.message().to_owned());
    Said { code, message }.into()
}

/// Why the first connection failed.
pub(super) fn open_error(error: Error) -> OpenError {
    OpenError::Unreachable(without_details(error))
}

/// Why the tables could not be brought up to date.
pub(super) fn migrate_error(error: SchemaError) -> OpenError {
    OpenError::Tables(match error {
        SchemaError::Newer { floor, newest } => return OpenError::NewerTables { floor, newest },
        SchemaError::Migrate(
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _),
        ) => without_details(error),
        SchemaError::Migrate(other) => other.into(),
    })
}

fn without_details(error: Error) -> BoxError {
    match error {
        Error::Database(error) => said(error.as_ref()),
        other => other.into(),
    }
}
