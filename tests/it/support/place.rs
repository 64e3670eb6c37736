//! Where a remote keeps what must not be lost.

use super::postgres::TestDatabase;

/// 32 bytes in base64.
pub(crate) const STORE_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A store of one test's own, which outlives the remotes that use it.
pub(crate) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(TestDatabase),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) async fn postgres() -> Self {
        Self::Postgres(TestDatabase::create().await)
    }

    /// As `store.url` has it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}/store.db", folder.path().display()),
            Self::Postgres(database) => database.url(),
        }
    }
}
