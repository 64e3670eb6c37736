//! That a job is worked on by one process at a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    fake::{State, Trouble},
    *,
};
use crate::{
    captured_log::Logs,
    inbox::dispatcher::{
        leases::{Cut, Leases},
        outage::Outage,
    },
    store::jobs::{Ending, Owner, Run},
};

/// Says when it is dropped.
struct Bell(mpsc::UnboundedSender<Instant>);

impl Drop for Bell {
    fn drop(&mut self) {
        let _ = self.0.send(Instant::now());
    }
}

/// A handler that works until it is cut, and tells when that was.
fn works_until_cut() -> (Events, mpsc::UnboundedReceiver<Instant>) {
    let (tell, told) = mpsc::unbounded_channel();
    let events = pages(move |_| {
        let bell = Bell(tell.clone());
        async move {
            std::future::pending::<()>().await;
            drop(bell);
            Ok(())
        }
    });
    (events, told)
}

#[tokio::test]
async fn a_long_run_keeps_its_lease() {
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let working = remote.start(pages(|_| async {
        sleep(Duration::from_mins(10)).await;
        Ok(())
    }));
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    let books = remote.jobs.books();
    let [(run, Ending::Done)] = books.settled.as_slice() else {
        panic!("{:?}", books.settled)
    };
    assert_eq!(run.attempt, 1);
    assert!((28..=31).contains(&books.renewals), "{}", books.renewals);
}

#[tokio::test]
async fn the_leases_of_all_runs_are_renewed_at_once() {
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let working = remote.start(pages(never));
    sleep(Duration::from_secs(5)).await;
    remote.jobs.put(2);
    sleep(Duration::from_secs(5)).await;
    remote.jobs.put(3);
    sleep(Duration::from_mins(10)).await;
    assert!(remote.jobs.books().renewals <= 31);
    for number in 1..=3 {
        let books = remote.jobs.books();
        let state = books.state(number);
        assert!(matches!(state, State::Running { .. }), "{state:?}");
    }
    working.stop().await;
}

#[tokio::test]
async fn a_run_whose_lease_is_lost_is_cancelled_and_says_nothing() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let (events, mut cut) = works_until_cut();
    let working = remote.start(events);
    remote
        .jobs
        .until(|books| *books.state(1) != State::Ready)
        .await;
    // Somebody else has it now.
    let owner = Owner::random();
    let until = Instant::now() + Duration::from_hours(1);
    remote.jobs.books().rows.get_mut(&job(1)).unwrap().state = State::Running { owner, until };
    let begin = Instant::now();
    let cut = cut.recv().await.unwrap();
    assert!(cut - begin <= LEASE / 3 + Duration::from_secs(1));
    working.stop().await;
    let books = remote.jobs.books();
    assert!(books.settled.is_empty() && books.lost.is_empty());
    assert_eq!(logs.count("WARN", "another run may hold it"), 1);
}

async fn is_cut_over_a_store_in(trouble: Trouble) {
    let remote = Remote::paused().await;
    remote.jobs.trouble(&[trouble]);
    remote.jobs.put(1);
    let (events, mut cut) = works_until_cut();
    let begin = Instant::now();
    let working = remote.start(events);
    let worked = cut.recv().await.unwrap() - begin;
    assert!(about(worked, LEASE * 5 / 6), "{worked:?}");
    remote.jobs.until(|books| !books.settled.is_empty()).await;
    // It was not the job's fault.
    let given_back = Ending::Postponed {
        after: Duration::ZERO,
        error: None,
    };
    assert_eq!(remote.jobs.books().settled[0].1, given_back);
    assert!(remote.jobs.books().renewals < 50);
    working.stop().await;
}

#[tokio::test]
async fn a_run_is_cut_before_a_lease_lapses_that_cannot_be_renewed() {
    is_cut_over_a_store_in(Trouble::FailRenewals).await;
}

#[tokio::test]
async fn a_store_that_stalls_does_not_put_off_the_cut() {
    is_cut_over_a_store_in(Trouble::StallRenewals).await;
}

#[tokio::test]
async fn a_store_that_renews_again_in_time_costs_no_run() {
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let working = remote.start(pages(|_| async {
        sleep(Duration::from_mins(3)).await;
        Ok(())
    }));
    sleep(Duration::from_secs(15)).await;
    remote.jobs.trouble(&[Trouble::FailRenewals]);
    sleep(Duration::from_secs(25)).await;
    remote.jobs.trouble(&[]);
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    assert_eq!(remote.jobs.books().settled.len(), 1);
}

/// One process loses sight of the store, and another takes over its job.
#[tokio::test]
async fn no_job_runs_in_two_processes_at_once() {
    let remote = Remote::paused().await;
    let at_work = Arc::new(AtomicUsize::new(0));
    let runs = Arc::new(AtomicUsize::new(0));
    let handler = || {
        let (at_work, runs) = (Arc::clone(&at_work), Arc::clone(&runs));
        pages(move |_| {
            struct AtWork(Arc<AtomicUsize>);
            impl Drop for AtWork {
                fn drop(&mut self) {
                    self.0.fetch_sub(1, SeqCst);
                }
            }
            assert_eq!(at_work.fetch_add(1, SeqCst), 0, "two at once");
            let at_work = AtWork(Arc::clone(&at_work));
            let is_first = runs.fetch_add(1, SeqCst) == 0;
            async move {
                let _at_work = at_work;
                // The first would go on for ever.
                let most = if is_first { 3600 } else { 90 };
                sleep(Duration::from_secs(most)).await;
                Ok(())
            }
        })
    };
    let ours = Arc::new(remote.jobs.replica());
    remote.jobs.put(1);
    let isolated = remote.start_over(Arc::clone(&ours), handler(), Schedule::new());
    remote
        .jobs
        .until(|books| *books.state(1) != State::Ready)
        .await;
    let other = remote.start(handler());
    sleep(Duration::from_secs(30)).await;
    ours.trouble(&[
        Trouble::FailTurns,
        Trouble::FailRenewals,
        Trouble::FailSweeps,
    ]);
    remote.jobs.until(fake::Books::all_done).await;
    assert_eq!(runs.load(SeqCst), 2);
    // What the first says when it sees the store again is not taken from it.
    ours.trouble(&[]);
    remote.jobs.until(|books| books.lost.len() == 1).await;
    assert_eq!(remote.jobs.books().settled.len(), 1);
    isolated.stop().await;
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_counts_from_when_it_was_asked_for() {
    let leases = Leases::new(Owner::random(), LEASE);
    let jobs = FakeJobs::default();
    jobs.trouble(&[Trouble::FailRenewals]);
    let run = Run {
        job: job(1),
        attempt: 1,
    };
    let asked = Instant::now();
    // The store took its time to answer.
    sleep(Duration::from_secs(45)).await;
    let cut = leases.grant(run, asked);
    let outage = Outage::default();
    tokio::select! {
        never = leases.keep(&jobs, &outage) => match never {},
        cut = cut => assert_eq!(cut, Ok(Cut::NotRenewed)),
    }
    assert!(about(asked.elapsed(), LEASE * 5 / 6));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_given_back_and_came_again_is_not_cut_for_the_old_one() {
    let leases = Leases::new(Owner::random(), LEASE);
    let jobs = FakeJobs::default();
    jobs.trouble(&[Trouble::StallRenewals]);
    let run = Run {
        job: job(1),
        attempt: 1,
    };
    let old = leases.grant(run, Instant::now());
    let outage = Outage::default();
    let new = async {
        // While the store is asked about the old one.
        jobs.until(|books| books.renewals == 1).await;
        leases.release(run);
        let new = leases.grant(run, Instant::now());
        jobs.trouble(&[]);
        new.await
    };
    let begin = Instant::now();
    tokio::select! {
        never = leases.keep(&jobs, &outage) => match never {},
        cut = new => assert_eq!(cut, Ok(Cut::LeaseLost)),
    }
    // Not by the answer about the old one, but by the next.
    assert!(begin.elapsed() > LEASE / 3 + Duration::from_secs(1));
    drop(old);
}
