//! With the store that is built in, in real time; its clock is moved by hand.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::mpsc, time::sleep};

use super::*;
use crate::{
    captured_log::Logs,
    inbox::Tick,
    store::jobs::{JobKind, JobRecord, JobState, NewJob, Order, Which},
    trace::TraceId,
};

/// Until something is seen in the store: longer than any machine takes.
const PATIENCE: Duration = Duration::from_mins(1);

fn new_job(number: u128, whose: u128) -> NewJob {
    NewJob {
        id: job(number),
        installation: installation(whose),
        kind: JobKind::Event,
        name: PAGE.into(),
        digest: [u8::try_from(number % 256).unwrap(); 32],
        unless_within: None,
        coalesces: false,
        remember_for: Duration::from_hours(24),
        order: None,
        payload: format!(r#"{{"number":{number}}}"#).into(),
        trace: TraceId::random(),
        app_token: Some(token("t0ken-of-the-event")),
    }
}

impl Remote {
    fn work(&self, events: Events) -> Working {
        let (forge, wake) = (self.forge.clone(), Arc::clone(&self.wake));
        let ticks = Schedule::new().handlers;
        let dispatcher = Dispatcher::new(forge, events.handlers, ticks, wake);
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatcher.run(stop.clone()));
        Working { stop, task }
    }

    async fn add(&self, jobs: &[NewJob]) {
        self.forge.jobs().add(jobs).await.unwrap();
        self.wake.notify_one();
    }

    /// The job once it stands there.
    async fn until(&self, number: u128, state: JobState) -> JobRecord {
        let seen = async {
            loop {
                let record = self.forge.jobs().show(job(number)).await.unwrap().unwrap();
                if record.state == state {
                    return record;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        seen.unwrap_or_else(|_| panic!("{number} is never {state:?}"))
    }
}

#[tokio::test]
async fn jobs_of_one_order_run_one_after_the_other_and_others_pass_them() {
    let remote = Remote::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let working = remote.work(pages(move |event: Event| {
        let number = event.payload["number"].as_u64().unwrap();
        tell.send((number, event.attempt())).unwrap();
        async move {
            match (number, event.attempt()) {
                (1, 1) => Err(JobError::retry_after(Duration::from_mins(1), "not yet")),
                _ => Ok(()),
            }
        }
    }));
    let order = Some(Order([7; 16]));
    let mut jobs: Vec<_> = (1..=5).map(|number| new_job(number, 1)).collect();
    jobs[..3].iter_mut().for_each(|job| job.order = order);
    remote.add(&jobs).await;
    for number in [4, 5] {
        remote.until(number, JobState::Done).await;
    }
    remote.until(1, JobState::Delayed).await;
    for number in [2, 3] {
        remote.until(number, JobState::Blocked).await;
    }
    remote.clock.advance(Duration::from_secs(70));
    remote.until(3, JobState::Done).await;
    working.stop().await;
    let mut ran = Vec::new();
    while let Some(run) = told.recv().await {
        ran.push(run);
    }
    let ordered: Vec<_> = ran.into_iter().filter(|(number, _)| *number <= 3).collect();
    assert_eq!(ordered, [(1, 1), (1, 2), (2, 1), (3, 1)]);
}

#[tokio::test]
async fn a_job_without_a_token_runs_once_its_installation_has_one() {
    let logs = Logs::capture();
    let remote = Remote::new().await;
    remote.install(7, None);
    let (tell, mut told) = mpsc::unbounded_channel();
    let working = remote.work(pages(move |event: Event| {
        let tell = tell.clone();
        async move {
            event.as_app()?;
            tell.send(event.attempt()).unwrap();
            Ok(())
        }
    }));
    let job = NewJob {
        app_token: None,
        ..new_job(1, 7)
    };
    remote.add(&[job]).await;
    let parked = remote.until(1, JobState::Parked).await;
    assert!(parked.error.unwrap().starts_with("missing_app_token"));
    remote.install(7, Some(token("t0ken-that-came-later")));
    remote.until(1, JobState::Done).await;
    // Waiting cost no attempt.
    assert_eq!(told.recv().await, Some(1));
    working.stop().await;
    assert_eq!(logs.count("INFO", "waits for the next app token"), 1);
    assert!(!logs.text().contains("t0ken"), "{}", logs.text());
}

#[tokio::test]
async fn a_job_that_kills_its_process_ends_as_a_dead_letter() {
    let remote = Remote::new().await;
    remote.add(&[new_job(1, 1)]).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    for attempt in 1..=MOST_ATTEMPTS {
        let tell = tell.clone();
        let working = remote.work(pages(move |event| {
            tell.send(event.attempt()).unwrap();
            never(event)
        }));
        assert_eq!(told.recv().await, Some(attempt));
        working.task.abort();
        let _ = working.task.await;
        remote.clock.advance(LEASE);
    }
    let working = remote.work(pages(never));
    let dead = remote.until(1, JobState::Dead).await;
    assert_eq!(dead.attempts, MOST_ATTEMPTS);
    assert!(dead.error.unwrap().contains("its process died"));
    assert!(dead.payload.is_some());
    working.stop().await;
}

#[tokio::test]
async fn a_dead_letter_that_is_replayed_runs_again() {
    let remote = Remote::new().await;
    remote.add(&[new_job(1, 1)]).await;
    let without = remote.work(Events::new());
    remote.until(1, JobState::Dead).await;
    without.stop().await;
    let with = remote.work(pages(|event: Event| async move {
        assert_eq!(event.attempt(), 1);
        Ok(())
    }));
    remote.forge.jobs().replay(&Which::default()).await.unwrap();
    remote.until(1, JobState::Done).await;
    with.stop().await;
}

#[tokio::test]
async fn many_jobs_survive_a_restart_and_run_once_each() {
    let remote = Remote::new().await;
    let jobs: Vec<_> = (1..=240)
        .map(|number| new_job(number, number % 3 + 1))
        .collect();
    let ran = Arc::new(Mutex::new(Vec::new()));
    let events = {
        let ran = Arc::clone(&ran);
        pages(move |event: Event| {
            let ran = Arc::clone(&ran);
            async move {
                tokio::task::yield_now().await;
                ran.lock().unwrap().push(event.idempotency_key());
                Ok(())
            }
        })
    };
    let first = remote.work(events.clone());
    remote.add(&jobs).await;
    remote.until(10, JobState::Done).await;
    first.stop().await;
    let second = remote.work(events);
    for number in 1..=240 {
        remote.until(number, JobState::Done).await;
    }
    second.stop().await;
    let mut ran = std::mem::take(&mut *ran.lock().unwrap());
    ran.sort();
    assert_eq!(ran, jobs.iter().map(|job| job.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_tick_gets_to_its_handler() {
    let remote = Remote::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let schedule = Schedule::new().on("digest-hourly", move |tick: Tick| {
        tell.send(tick.schedule().to_owned()).unwrap();
        async { Ok(()) }
    });
    let dispatcher = Dispatcher::new(
        remote.forge.clone(),
        Events::new().handlers,
        schedule.handlers,
        Arc::clone(&remote.wake),
    );
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatcher.run(stop.clone()));
    let tick = NewJob {
        kind: JobKind::Tick,
        name: "digest-hourly".into(),
        ..new_job(1, 1)
    };
    remote.add(&[tick]).await;
    assert_eq!(told.recv().await.as_deref(), Some("digest-hourly"));
    remote.until(1, JobState::Done).await;
    Working { stop, task }.stop().await;
}

#[tokio::test]
async fn a_job_that_is_on_disk_before_its_installation_waits_for_it() {
    let remote = Remote::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let working = remote.work(pages(move |event: Event| {
        let told = tell.send(event.attempt()).map_err(JobError::retry);
        std::future::ready(told)
    }));
    // As after a crash between two commits, or as another replica sees it.
    remote.add(&[new_job(1, 9)]).await;
    let waiting = remote.until(1, JobState::Delayed).await;
    assert!(waiting.error.unwrap().contains("not known"));
    remote.install(9, Some(token("t0ken-of-installation")));
    remote.clock.advance(Duration::from_mins(1));
    remote.until(1, JobState::Done).await;
    assert_eq!(told.recv().await, Some(1));
    working.stop().await;
}

#[tokio::test]
async fn a_job_whose_installation_is_gone_is_dropped() {
    let remote = Remote::new().await;
    let working = remote.work(pages(never));
    remote
        .forge
        .delete_installation(&installation(2))
        .await
        .unwrap();
    remote.add(&[new_job(1, 2), new_job(2, 9)]).await;
    remote.until(1, JobState::Done).await;
    // And so is one whose installation does not come.
    remote.until(2, JobState::Delayed).await;
    remote.clock.advance(Duration::from_mins(15));
    remote.until(2, JobState::Done).await;
    working.stop().await;
}

#[tokio::test]
async fn a_clock_that_leaps_takes_no_lease_from_a_run() {
    let remote = Remote::new().await;
    let working = remote.work(pages(|event: Event| async move {
        match (event.payload["number"].as_u64(), event.attempt()) {
            (Some(1), _) => std::future::pending().await,
            (_, 1) => Err(JobError::retry_after(Duration::from_mins(1), "not yet")),
            _ => Ok(()),
        }
    }));
    remote.add(&[new_job(1, 1), new_job(2, 1)]).await;
    remote.until(2, JobState::Delayed).await;
    remote.clock.advance(Duration::from_hours(5));
    // It was swept since the leap.
    remote.until(2, JobState::Done).await;
    let record = remote.until(1, JobState::Running).await;
    assert_eq!(record.attempts, 1);
    working.stop().await;
}

#[tokio::test]
async fn an_installation_whose_handlers_hang_does_not_hold_all_places() {
    let remote = Remote::new().await;
    let working = remote.work(pages(|event: Event| async move {
        if event.payload["number"].as_u64() < Some(100) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }));
    let hanging: Vec<_> = (1..=20).map(|number| new_job(number, 1)).collect();
    remote.add(&hanging).await;
    remote.until(1, JobState::Running).await;
    remote.add(&[new_job(101, 2)]).await;
    remote.until(101, JobState::Done).await;
    working.task.abort();
}
