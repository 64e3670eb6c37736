//! What is claimed and when, and that all of it is settled.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep},
};

use super::{fake::State, *};
use crate::{
    captured_log::Logs,
    inbox::Tick,
    store::jobs::{Ending, JobKind},
};

#[tokio::test]
async fn every_job_runs_once_and_is_done() {
    let remote = Remote::paused().await;
    (1..=20).for_each(|number| remote.jobs.put(number));
    let (ran, mut runs) = mpsc::unbounded_channel();
    let working = remote.start(pages(move |event| {
        ran.send(event.idempotency_key()).unwrap();
        async { Ok(()) }
    }));
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    let mut ran = Vec::new();
    while let Some(run) = runs.recv().await {
        ran.push(run);
    }
    ran.sort();
    assert_eq!(ran, (1..=20).map(job).collect::<Vec<_>>());
    let books = remote.jobs.books();
    assert_eq!(books.settled.len(), 20);
    assert!(books.lost.is_empty());
}

#[tokio::test]
async fn no_more_run_at_once_than_there_are_workers() {
    let remote = Remote::paused().await;
    (1..=10).for_each(|number| remote.jobs.put(number));
    let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handler = {
        let most = Arc::clone(&most);
        move |_| {
            let (at_once, most) = (Arc::clone(&at_once), Arc::clone(&most));
            async move {
                most.fetch_max(at_once.fetch_add(1, SeqCst) + 1, SeqCst);
                sleep(Duration::from_millis(10)).await;
                at_once.fetch_sub(1, SeqCst);
                Ok(())
            }
        }
    };
    let working = remote.start(pages(handler));
    remote.jobs.until(fake::Books::all_done).await;
    assert_eq!(most.load(SeqCst), WORKERS);
    assert!(
        remote
            .jobs
            .books()
            .claims
            .iter()
            .all(|claim| claim.most <= WORKERS)
    );
    working.stop().await;
}

#[tokio::test]
async fn a_free_place_is_filled_while_others_are_busy() {
    let remote = Remote::paused().await;
    (1..=5).for_each(|number| remote.jobs.put(number));
    let busy = job(1);
    let working = remote.start(pages(move |event| async move {
        if event.idempotency_key() == busy {
            std::future::pending::<()>().await;
        }
        Ok(())
    }));
    let begin = Instant::now();
    let four_done = |books: &fake::Books| books.settled.len() == 4;
    remote.jobs.until(four_done).await;
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(matches!(
        remote.jobs.books().state(1),
        State::Running { .. }
    ));
    working.stop().await;
}

#[tokio::test]
async fn the_next_claim_goes_on_after_the_installation_that_was_served_last() {
    let remote = Remote::paused().await;
    for number in 1..=6 {
        remote.jobs.put_of(number, (number - 1) % 3 + 1, |_| {});
    }
    let begun = Arc::new(Mutex::new(Vec::new()));
    let working = remote.start(pages({
        let begun = Arc::clone(&begun);
        move |event: Event| {
            begun.lock().unwrap().push(event.idempotency_key());
            async { Ok(()) }
        }
    }));
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    // The order in which the store hands them is the order in which they begin.
    assert_eq!(*begun.lock().unwrap(), (1..=6).map(job).collect::<Vec<_>>());
    let books = remote.jobs.books();
    assert_eq!(books.claims[0].after, None);
    assert!(
        books.claims[1..]
            .iter()
            .all(|claim| claim.after == Some(installation(3)))
    );
}

#[tokio::test]
async fn who_wakes_it_need_not_wait() {
    let remote = Remote::paused().await;
    let working = remote.start(pages(|_| async { Ok(()) }));
    remote.jobs.until(|books| books.sweeps == 2).await;
    let begin = Instant::now();
    remote.jobs.put(1);
    remote.wake.notify_one();
    remote.jobs.until(fake::Books::all_done).await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
    working.stop().await;
}

#[tokio::test]
async fn a_job_that_nobody_announced_is_found_within_a_second() {
    let remote = Remote::paused().await;
    let working = remote.start(pages(|_| async { Ok(()) }));
    remote.jobs.until(|books| books.sweeps == 2).await;
    let begin = Instant::now();
    remote.jobs.put(1);
    remote.jobs.until(fake::Books::all_done).await;
    assert!(begin.elapsed() <= Duration::from_secs(1));
    working.stop().await;
}

#[tokio::test]
async fn an_idle_dispatcher_asks_the_store_once_a_second() {
    let remote = Remote::paused().await;
    let working = remote.start(pages(|_| async { Ok(()) }));
    sleep(Duration::from_secs(100)).await;
    {
        let books = remote.jobs.books();
        assert!((99..=102).contains(&books.sweeps), "{}", books.sweeps);
        assert!((99..=102).contains(&books.turns), "{}", books.turns);
        assert_eq!(books.renewals, 0);
    }
    working.stop().await;
}

#[tokio::test]
async fn a_full_house_claims_nothing_and_does_not_spin() {
    let remote = Remote::paused().await;
    (1..=10).for_each(|number| remote.jobs.put(number));
    let working = remote.start(pages(never));
    sleep(Duration::from_secs(100)).await;
    {
        let books = remote.jobs.books();
        assert_eq!(books.turns, 1);
        assert!(books.sweeps <= 102, "{}", books.sweeps);
    }
    working.stop().await;
}

#[tokio::test]
async fn a_failed_job_comes_back_when_it_is_due_and_not_before() {
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let begun = Arc::new(Mutex::new(Vec::new()));
    let working = remote.start(pages({
        let begun = Arc::clone(&begun);
        move |event: Event| {
            begun.lock().unwrap().push(Instant::now());
            async move {
                match event.attempt() {
                    1 | 2 => Err(JobError::retry("not yet")),
                    _ => Ok(()),
                }
            }
        }
    }));
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    let begun = begun.lock().unwrap();
    for (pair, least) in begun.windows(2).zip([2, 8]) {
        let waited = pair[1] - pair[0];
        let least = Duration::from_secs(least);
        let slack = Duration::from_secs(1);
        assert!(waited >= least && waited <= least * 2 + slack, "{waited:?}");
    }
    assert_eq!(begun.len(), 3);
}

#[tokio::test]
async fn a_job_that_always_fails_ends_as_a_dead_letter() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let working = remote.start(pages(|_| async { Err(JobError::retry("no good")) }));
    remote
        .jobs
        .until(|books| matches!(books.state(1), State::Dead(_)))
        .await;
    working.stop().await;
    assert_eq!(remote.jobs.books().settled.len(), MOST_ATTEMPTS as usize);
    assert_eq!(
        *remote.jobs.books().state(1),
        State::Dead("no good".to_owned())
    );
    assert_eq!(
        logs.count("WARN", "is tried again"),
        MOST_ATTEMPTS as usize - 1
    );
    assert_eq!(logs.count("ERROR", "is a dead letter"), 1);
    let id = job(1).to_string();
    let whose = installation(1).uuid().to_string();
    for told in [
        &*id,
        &*whose,
        PAGE,
        "463ac35c9f6413ad",
        "forge.job.attempt=4",
        "no good",
    ] {
        assert_eq!(logs.count("ERROR", told), 1, "{told}\n{}", logs.text());
    }
    for hidden in ["t0ken", "number"] {
        assert!(!logs.text().contains(hidden), "{}", logs.text());
    }
}

#[tokio::test]
async fn a_panic_fails_one_run_and_nothing_else() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    (1..=3).for_each(|number| remote.jobs.put(number));
    let working = remote.start(pages(|event| async move {
        let first = event.attempt() == 1;
        assert!(!(event.idempotency_key() == job(2) && first), "s3cret");
        Ok(())
    }));
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    assert_eq!(remote.jobs.books().settled.len(), 4);
    assert_eq!(logs.count("WARN", "the handler panicked"), 1);
    assert!(!logs.text().contains("s3cret"));
}

#[tokio::test]
async fn a_handler_that_panics_before_its_first_await_is_caught_too() {
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let working = remote.start(pages(|event| {
        assert!(event.attempt() > 1, "at once");
        async { Ok(()) }
    }));
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    assert!(matches!(
        remote.jobs.books().settled[0].1,
        Ending::Retry { .. }
    ));
}

#[tokio::test]
async fn a_job_that_kills_its_process_each_time_ends_as_a_dead_letter() {
    let logs = Logs::capture();
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    // A process dies without a word: its dispatcher is dropped while the handler runs.
    for attempt in 1..=MOST_ATTEMPTS {
        let (began, mut begins) = mpsc::unbounded_channel();
        let working = remote.start(pages(move |event| {
            began.send(event.attempt()).unwrap();
            never(event)
        }));
        assert_eq!(begins.recv().await, Some(attempt));
        working.task.abort();
        let _ = working.task.await;
    }
    let working = remote.start(pages(never));
    remote
        .jobs
        .until(|books| matches!(books.state(1), State::Dead(_)))
        .await;
    working.stop().await;
    assert_eq!(
        logs.count("WARN", "a run was lost"),
        MOST_ATTEMPTS as usize - 1
    );
    assert_eq!(logs.count("ERROR", "is a dead letter"), 1);
}

#[tokio::test]
async fn a_dispatcher_that_is_dropped_cancels_its_runs() {
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    let (began, mut begins) = mpsc::channel::<mpsc::Sender<()>>(1);
    let (alive, mut ended) = mpsc::channel::<()>(1);
    let working = remote.start(pages(move |_| {
        let (began, alive) = (began.clone(), alive.clone());
        async move {
            began.send(alive).await.unwrap();
            std::future::pending().await
        }
    }));
    drop(begins.recv().await.unwrap());
    working.task.abort();
    // Nobody holds the other end any more: neither handler nor run.
    assert_eq!(ended.recv().await, None);
}

#[tokio::test]
async fn ticks_and_events_of_one_name_have_handlers_of_their_own() {
    let remote = Remote::paused().await;
    remote.jobs.put(1);
    remote
        .jobs
        .put_of(2, 1, |claimed| claimed.kind = JobKind::Tick);
    let ticks = Arc::new(Semaphore::new(0));
    let schedule = Schedule::new().on(PAGE, {
        let ticks = Arc::clone(&ticks);
        move |tick: Tick| {
            assert_eq!(tick.schedule(), PAGE);
            ticks.add_permits(1);
            async { Ok(()) }
        }
    });
    let working = remote.start_all(pages(|_| async { Ok(()) }), schedule);
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    assert_eq!(ticks.available_permits(), 1);
}
