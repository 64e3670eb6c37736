use super::*;
use crate::store::{
    Database,
    jobs::{Claim, Jobs, Order, Owner, Which},
    tests::jobs::{LEASE, job as new_job, suite},
};

async fn open(clock: Clock) -> (Database, TestDatabase) {
    let bench = Bench::telling(clock).await;
    let store = Arc::new(bench.open().await);
    let database = Database {
        installations: Arc::clone(&store) as _,
        jobs: Arc::clone(&store) as _,
        sealed: Arc::clone(&store) as _,
        shared: Some(store),
    };
    (database, bench.database)
}

suite!(super::open);

#[tokio::test]
async fn a_job_that_cannot_be_read_is_a_dead_letter_and_holds_up_nobody() {
    let logs = Logs::capture();
    let bench = Bench::new().await;
    let store = bench.open().await;
    run(
        &store,
        "ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check; \
         ALTER TABLE jobs DROP CONSTRAINT jobs_check;",
    )
    .await;
    let damages = ["kind = 'x'", "attempt = 5000000000", "payload = NULL"];
    for (number, damage) in (1..).zip(damages) {
        for place in [0, 1] {
            let mut job = new_job(number * 2 + place, number);
            job.order = Some(Order([number.try_into().unwrap(); 16]));
            store.add(&[job]).await.unwrap();
        }
        let first = format!("WHERE seq = {}", number * 2 - 1);
        run(&store, &format!("UPDATE jobs SET {damage} {first}")).await;
    }
    store.add(&[new_job(99, 99)]).await.unwrap();

    let claim = Claim {
        owner: Owner::random(),
        most: 9,
        lease: LEASE,
        after: None,
        each: usize::MAX,
        except: Vec::new(),
    };
    let turn = store.turn(&[], Some(&claim)).await.unwrap();
    // Those behind them are not held up either.
    assert_eq!(turn.unreadable, 3);
    let rest = store.turn(&[], Some(&claim)).await.unwrap();
    assert_eq!(turn.claimed.len() + rest.claimed.len(), 4);
    assert_eq!(store.counts().await.unwrap().dead, 3);
    assert_eq!(logs.count("ERROR", "it is a dead letter"), 3);
    // A list does not read payloads.
    assert_eq!(store.list(&Which::default()).await.unwrap().len(), 1);
    assert_eq!(store.purge(&Which::default()).await.unwrap(), 3);
}
