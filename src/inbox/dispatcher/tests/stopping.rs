//! How it lets go.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    fake::{State, Trouble},
    *,
};
use crate::{captured_log::Logs, inbox::dispatcher::turns::DRAIN, store::jobs::Ending};

async fn busy_for(remote: &Remote, jobs: u128, seconds: u64) -> Working {
    (1..=jobs).for_each(|number| remote.jobs.put(number));
    let working = remote.start(pages(move |_| async move {
        sleep(Duration::from_secs(seconds)).await;
        Ok(())
    }));
    remote
        .jobs
        .until(|books| *books.state(1) != State::Ready)
        .await;
    working
}

#[tokio::test]
async fn an_idle_dispatcher_stops_at_once() {
    let remote = Remote::paused().await;
    let working = remote.start(pages(never));
    remote.jobs.until(|books| books.sweeps == 2).await;
    let begin = Instant::now();
    working.stop().await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn runs_that_end_within_the_drain_are_done_and_no_more_are_begun() {
    let remote = Remote::paused().await;
    let working = busy_for(&remote, 5, 7).await;
    let begin = Instant::now();
    working.stop().await;
    assert!(about(begin.elapsed(), Duration::from_secs(7)));
    let books = remote.jobs.books();
    assert_eq!(books.settled.len(), WORKERS);
    assert!(books.settled.iter().all(|(_, how)| *how == Ending::Done));
    assert_eq!(
        (books.state(4), books.state(5)),
        (&State::Ready, &State::Ready)
    );
}

#[tokio::test]
async fn what_does_not_end_in_time_is_given_back_uncounted() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    let working = busy_for(&remote, 2, 3600).await;
    let begin = Instant::now();
    working.stop().await;
    assert!(about(begin.elapsed(), DRAIN));
    {
        let books = remote.jobs.books();
        assert_eq!(books.settled.len(), 2);
        assert!(books.rows.values().all(|row| row.attempts == 0));
    }
    assert_eq!(logs.count("INFO", "given back"), 2);
    // Whoever comes next takes them up at once.
    let next = remote.start(pages(|_| async { Ok(()) }));
    remote.jobs.until(fake::Books::all_done).await;
    assert!(about(begin.elapsed(), DRAIN));
    next.stop().await;
}

async fn stops_over_a_store_in(trouble: Trouble) {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    let working = busy_for(&remote, 2, 3600).await;
    remote.jobs.trouble(&[trouble]);
    let begin = Instant::now();
    working.stop().await;
    assert!(begin.elapsed() <= Duration::from_secs(20));
    assert_eq!(logs.count("WARN", "did not take how jobs ended"), 1);
    let books = remote.jobs.books();
    assert!(matches!(books.state(1), State::Running { .. }));
}

#[tokio::test]
async fn a_store_that_fails_does_not_keep_it_from_stopping() {
    stops_over_a_store_in(Trouble::FailTurns).await;
}

#[tokio::test]
async fn a_store_that_stalls_does_not_keep_it_from_stopping() {
    stops_over_a_store_in(Trouble::StallTurns).await;
}

#[tokio::test]
async fn a_store_that_comes_back_while_it_stops_is_told() {
    let remote = Remote::paused().await;
    let working = busy_for(&remote, 2, 3).await;
    remote.jobs.trouble(&[Trouble::FailTurns]);
    let back = async {
        sleep(DRAIN + Duration::from_secs(2)).await;
        remote.jobs.trouble(&[]);
    };
    tokio::join!(working.stop(), back);
    assert!(remote.jobs.books().all_done());
}
