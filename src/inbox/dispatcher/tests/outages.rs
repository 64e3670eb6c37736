//! A store that fails costs time and nothing else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::sleep};

use super::{
    fake::{State, Trouble},
    *,
};
use crate::captured_log::Logs;

const ALL: &[Trouble] = &[
    Trouble::FailTurns,
    Trouble::FailRenewals,
    Trouble::FailSweeps,
];

/// A handler that ends when the gate lets it, and how often it began.
fn gated() -> (Events, Arc<Semaphore>, Arc<AtomicUsize>) {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let events = pages({
        let (gate, begun) = (Arc::clone(&gate), Arc::clone(&begun));
        move |_| {
            let gate = Arc::clone(&gate);
            begun.fetch_add(1, SeqCst);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok(())
            }
        }
    });
    (events, gate, begun)
}

#[tokio::test]
async fn how_a_run_ended_is_told_when_the_store_is_back_however_late() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    (1..=3).for_each(|number| remote.jobs.put(number));
    let (events, gate, begun) = gated();
    let working = remote.start(events);
    remote
        .jobs
        .until(|books| *books.state(3) != State::Ready)
        .await;
    remote.jobs.trouble(ALL);
    gate.add_permits(3);
    // Ten times as long as the leases.
    sleep(Duration::from_mins(10)).await;
    let turns = remote.jobs.books().turns;
    assert!((40..150).contains(&turns), "{turns}");
    remote.jobs.trouble(&[]);
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    assert_eq!(begun.load(SeqCst), 3);
    assert!(remote.jobs.books().lost.is_empty());
    assert_eq!(logs.count("WARN", ""), 1, "{}", logs.text());
    assert_eq!(logs.count("WARN", "cannot use the store for now"), 1);
    assert_eq!(logs.count("INFO", "can use the store again"), 1);
}

#[tokio::test]
async fn work_goes_on_when_the_store_is_back() {
    let remote = Remote::paused().await;
    remote.jobs.trouble(ALL);
    (1..=10).for_each(|number| remote.jobs.put(number));
    let working = remote.start(pages(|_| async { Ok(()) }));
    sleep(Duration::from_mins(30)).await;
    assert!(remote.jobs.books().settled.is_empty());
    remote.jobs.trouble(&[]);
    let back = tokio::time::Instant::now();
    remote.jobs.until(fake::Books::all_done).await;
    assert!(back.elapsed() <= Duration::from_secs(20));
    working.stop().await;
}

/// The answer is lost on the way: what was claimed is not known here, and what was settled
/// is settled again.
#[tokio::test]
async fn a_commit_that_nobody_heard_of_is_neither_lost_nor_done_twice() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    (1..=3).for_each(|number| remote.jobs.put(number));
    let (events, gate, begun) = gated();
    let working = remote.start(events);
    remote
        .jobs
        .until(|books| *books.state(3) != State::Ready)
        .await;
    (4..=6).for_each(|number| remote.jobs.put(number));
    remote.jobs.trouble(&[Trouble::HideTurns]);
    gate.add_permits(6);
    // Settled and claimed, and nobody knows.
    remote
        .jobs
        .until(|books| *books.state(6) != State::Ready)
        .await;
    sleep(Duration::from_secs(5)).await;
    remote.jobs.trouble(&[]);
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    assert_eq!(begun.load(SeqCst), 6);
    assert_eq!(logs.count("WARN", "not its own any more"), 0);
    assert_eq!(logs.count("WARN", "a run was lost"), 3);
}

#[tokio::test]
async fn a_store_that_stalls_does_not_stop_runs() {
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let (events, gate, begun) = gated();
    let working = remote.start(events);
    remote
        .jobs
        .until(|books| *books.state(1) != State::Ready)
        .await;
    remote.jobs.trouble(&[Trouble::StallTurns]);
    gate.add_permits(1);
    sleep(Duration::from_mins(5)).await;
    remote.jobs.trouble(&[]);
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    assert_eq!(begun.load(SeqCst), 1);
}

#[tokio::test]
async fn an_end_that_cannot_be_written_holds_up_no_other() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    (1..=6).for_each(|number| remote.jobs.put(number));
    remote.jobs.books().unwritable = Some(job(2));
    let working = remote.start(pages(|_| async { Ok(()) }));
    remote.jobs.until(|books| books.settled.len() == 5).await;
    assert_eq!(logs.count("ERROR", "cannot be written"), 1);
    remote.jobs.books().unwritable = None;
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    assert_eq!(logs.count("WARN", "a run was lost"), 1);
    assert_eq!(logs.count("WARN", &job(2).to_string()), 1);
}

#[tokio::test]
async fn a_sweep_that_fails_does_not_keep_jobs_from_running() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    remote.jobs.trouble(&[Trouble::FailSweeps]);
    let working = remote.start(pages(|_| async { Ok(()) }));
    sleep(Duration::from_secs(30)).await;
    remote.jobs.put(1);
    remote.jobs.until(fake::Books::all_done).await;
    assert!(remote.jobs.books().sweeps <= 40);
    assert_eq!(logs.count("WARN", "cannot use the store"), 1);
    working.stop().await;
}
