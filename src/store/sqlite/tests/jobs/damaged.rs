//! Rows that somebody, or something, has changed behind the store's back.

use super::*;
use crate::store::jobs::{JobState, Order, Which};

const DAMAGE: [&str; 6] = [
    "kind = 'x'",
    "id = 'x'",
    "installation_id = 'x'",
    "attempt = -1",
    "payload = CAST(X'FF' AS TEXT)",
    "payload = NULL",
];

/// A job with each of the damages, and a sound one behind each in its order.
async fn damaged(bench: &Bench, store: &SqliteStore) {
    let mut connection = connect(&bench.path()).await;
    run(&mut connection, "PRAGMA ignore_check_constraints = on").await;
    for (number, damage) in (1..).zip(DAMAGE) {
        for place in [0, 1] {
            let mut job = new_job(number * 2 + place, number);
            job.order = Some(Order([number.try_into().unwrap(); 16]));
            store.add(&[job]).await.unwrap();
        }
        let damage = format!("UPDATE jobs SET {damage} WHERE seq = {}", number * 2 - 1);
        run(&mut connection, &damage).await;
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_a_dead_letter_and_holds_up_nobody() {
    let logs = Logs::capture();
    let bench = Bench::new();
    let store = bench.open().await;
    damaged(&bench, &store).await;
    store.add(&[new_job(99, 99)]).await.unwrap();

    let turn = store.turn(&[], Some(&claim())).await.unwrap();
    assert_eq!(turn.unreadable, DAMAGE.len());
    assert_eq!(turn.claimed.len(), 1);
    assert_eq!(store.counts().await.unwrap().dead, 6);
    assert_eq!(logs.count("ERROR", "it is a dead letter"), 6);
    // Those behind them are not held up either.
    let turn = store.turn(&[], Some(&claim())).await.unwrap();
    assert_eq!((turn.claimed.len(), turn.unreadable), (6, 0));
}

#[tokio::test]
async fn what_cannot_be_read_is_left_out_of_a_list_and_can_be_purged() {
    let bench = Bench::new();
    let store = bench.open().await;
    damaged(&bench, &store).await;
    store.turn(&[], Some(&claim())).await.unwrap();
    let list = store.list(&Which::default()).await.unwrap();
    // A list does not read payloads.
    assert_eq!(list.len(), 2);
    for letter in &list {
        let error = letter.error.as_deref().unwrap();
        assert!(error.contains("cannot be read"), "{error}");
        assert_eq!(letter.state, JobState::Dead);
    }
    assert_eq!(store.purge(&Which::default()).await.unwrap(), 6);
}

#[tokio::test]
async fn a_lease_of_a_job_that_cannot_be_read_lapses_all_the_same() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.add(&[new_job(1, 1), new_job(2, 2)]).await.unwrap();
    store.turn(&[], Some(&claim())).await.unwrap();
    let mut connection = connect(&bench.path()).await;
    run(&mut connection, "UPDATE jobs SET id = 'x' WHERE seq = 1").await;
    bench.clock.advance(LEASE);
    assert_eq!(store.sweep(3).await.unwrap().lapsed.len(), 1);
    let turn = store.turn(&[], Some(&claim())).await.unwrap();
    assert_eq!((turn.claimed.len(), turn.unreadable), (1, 1));
}
