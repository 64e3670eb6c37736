use super::*;
use crate::store::{Database, tests::jobs::suite};

async fn open(clock: Clock) -> (Database, TempDir) {
    let bench = Bench {
        folder: TempDir::new().unwrap(),
        clock,
    };
    let store = Arc::new(bench.open().await);
    let database = Database {
        installations: Arc::clone(&store) as _,
        jobs: store,
    };
    (database, bench.folder)
}

suite!(super::open);
