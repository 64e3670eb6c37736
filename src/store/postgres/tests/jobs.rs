use super::*;
use crate::store::{Database, tests::jobs::suite};

async fn open(clock: Clock) -> (Database, TestDatabase) {
    let bench = Bench::telling(clock).await;
    let store = Arc::new(bench.open().await);
    let database = Database {
        installations: Arc::clone(&store) as _,
        jobs: Arc::clone(&store) as _,
        shared: Some(store),
    };
    (database, bench.database)
}

suite!(super::open);
