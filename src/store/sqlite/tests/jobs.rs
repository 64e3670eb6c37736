use super::*;
use crate::store::{
    Database,
    jobs::{Claim, Jobs, Owner},
    tests::jobs::{LEASE, job as new_job, suite},
};

mod damaged;
mod files;
mod plans;

async fn open(clock: Clock) -> (Database, TempDir) {
    let bench = Bench {
        folder: TempDir::new().unwrap(),
        clock,
    };
    let store = Arc::new(bench.open().await);
    let database = Database {
        installations: Arc::clone(&store) as _,
        jobs: Arc::clone(&store) as _,
        sealed: store,
        shared: None,
    };
    (database, bench.folder)
}

fn claim() -> Claim {
    Claim {
        owner: Owner::random(),
        most: 9,
        lease: LEASE,
        after: None,
        each: usize::MAX,
        except: Vec::new(),
    }
}

suite!(super::open);
