//! Where a SQLite database lives.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use crate::store::{BoxError, OpenError, schema::SchemaError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Place {
    File(PathBuf),
    Memory,
}

impl Place {
    pub(in crate::store) fn of_url(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("sqlite:")?;
        if rest == ":memory:" {
            return Some(Self::Memory);
        }
        let path = rest.strip_prefix("//").unwrap_or(rest);
        // `?mode=rwc` and the like would be lost in a file name.
        (!path.is_empty() && !path.contains('?')).then(|| Self::File(path.into()))
    }

    pub(super) fn open_error(self, error: SchemaError) -> OpenError {
        let path = match self {
            Self::File(path) => path,
            Self::Memory => ":memory:".into(),
        };
        let source: BoxError = match error {
            SchemaError::Newer { floor, newest } => {
                return OpenError::Newer {
                    path,
                    floor,
                    newest,
                };
            }
            SchemaError::Migrate(
                MigrateError::Execute(sqlx::Error::Database(error))
                | MigrateError::ExecuteMigration(sqlx::Error::Database(error), _),
            ) => error.into(),
            SchemaError::Migrate(other) => other.into(),
        };
        OpenError::Database { path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_literally() {
        for (url, path) in [
            ("sqlite://data/forge-remote.db", "data/forge-remote.db"),
            ("sqlite:///var/lib/remote.db", "/var/lib/remote.db"),
            ("sqlite:remote.db", "remote.db"),
            ("sqlite://a%20b#c.db", "a%20b#c.db"),
        ] {
            assert_eq!(Place::of_url(url), Some(Place::File(path.into())), "{url}");
        }
        assert_eq!(Place::of_url("sqlite::memory:"), Some(Place::Memory));
    }

    #[test]
    fn anything_else_is_refused() {
        for url in [
            "",
            "sqlite:",
            "sqlite://",
            "data/forge-remote.db",
            "postgres://user:password@db/forge",
            "sqlite://a.db?mode=rwc",
        ] {
            assert_eq!(Place::of_url(url), None, "{url}");
        }
    }
}
