use self::server::TestDatabase;
use super::*;
use crate::{
    clock::Timestamp,
    store::{
        Installation,
        tests::fixtures::{Logs, NOW, bare, cloud, id, installation, record, token, token_of},
    },
};

mod failures;
mod installations;
mod jobs;
mod keys;
mod plans;
mod quota;
mod replicas;
pub(crate) mod server;
mod sharing;
mod storms;
mod tokens;

/// A database of the test's own, and the time.
pub(crate) struct Bench {
    database: TestDatabase,
    clock: Clock,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::telling(Clock::manual(NOW)).await
    }

    /// The database tells the time.
    pub(crate) async fn real_time() -> Self {
        Self::telling(Clock::system()).await
    }

    async fn telling(clock: Clock) -> Self {
        Self {
            database: TestDatabase::create().await,
            clock,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    async fn try_open(&self) -> Result<PostgresStore, OpenError> {
        let place = Place::of_url(&self.database.url()).unwrap();
        PostgresStore::open(place, sealer(1), self.clock.clone()).await
    }

    async fn open(&self) -> PostgresStore {
        self.try_open().await.unwrap()
    }

    /// A replica, as impersonation sees it.
    pub(crate) async fn replica(&self) -> Arc<dyn super::super::shared::Shared> {
        Arc::new(self.open().await)
    }

    async fn open_with(&self, sealer: Sealer) -> PostgresStore {
        let place = Place::of_url(&self.database.url()).unwrap();
        let store = PostgresStore::open(place, sealer, self.clock.clone()).await;
        store.unwrap()
    }
}

fn sealer(byte: u8) -> Sealer {
    use base64::{Engine, engine::general_purpose::STANDARD};
    Sealer::with_key(&crate::secret::Secret::new(STANDARD.encode([byte; 32]))).unwrap()
}

async fn load(store: &PostgresStore, number: u128) -> Remembered {
    store.load(id(number)).await.unwrap().unwrap()
}

async fn run(store: &PostgresStore, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(&store.pool)
        .await
        .unwrap();
}
