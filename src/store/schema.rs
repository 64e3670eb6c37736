//! Which releases can work with the tables as they are.
//!
//! A newer release may have changed them while an older one still runs, or is started again.
//! Migrations only add, so that the older one can go on; one that takes something away raises
//! the *floor*, and a release that does not know that migration refuses to work.

use sqlx::migrate::{MigrateError, Migrator};

/// The tables cannot be brought up to date, or are none for this release.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("the tables want migration {floor}, and this release knows {newest}")]
    Newer { floor: i64, newest: i64 },
}

impl From<sqlx::Error> for SchemaError {
    fn from(error: sqlx::Error) -> Self {
        Self::Migrate(MigrateError::Execute(error))
    }
}

/// The migrations of this release, beside which there may be later ones.
pub(super) fn among_later_ones(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true);
    migrator
}

/// Whether this release may work with tables that have that floor; before there were floors,
/// every release could.
pub(super) fn check(migrator: &Migrator, floor: Option<i64>) -> Result<(), SchemaError> {
    let newest = migrator.iter().map(|migration| migration.version).max();
    let newest = newest.unwrap_or(0);
    match floor {
        Some(floor) if floor > newest => Err(SchemaError::Newer { floor, newest }),
        _ => Ok(()),
    }
}
