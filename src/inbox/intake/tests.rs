//! The intake over a store that fails, stalls and counts on command.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{BoxFuture, FutureExt, join_all};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::*;
use crate::{
    ids::InstallationId,
    store::jobs::{
        Claim, Counts, JobId, JobKind, JobRecord, Owner, Run, Settled, Swept, Turn, Which,
    },
    trace::TraceId,
};

/// A commit waits for a permit, so that a test says when the disk turns.
struct Disk {
    turns: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: HashSet<JobId>,
    batches: Vec<usize>,
    outage: bool,
    damaged: Option<JobId>,
}

impl Disk {
    fn turning(turns: usize) -> Arc<Self> {
        Arc::new(Self {
            turns: Semaphore::new(turns),
            state: Mutex::default(),
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, jobs: &[NewJob]) -> Result<Vec<Added>, StoreError> {
        self.change(|state| {
            state.batches.push(jobs.len());
            if state.outage {
                return Err(StoreError::Unavailable("the disk is full".into()));
            }
            if jobs.iter().any(|job| Some(job.id) == state.damaged) {
                return Err(StoreError::Damaged("it cannot be sealed".into()));
            }
            let add = |job: &NewJob| Added {
                id: job.id,
                duplicate: !state.held.insert(job.id),
            };
            Ok(jobs.iter().map(add).collect())
        })
    }
}

impl Jobs for Disk {
    fn add<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Result<Vec<Added>, StoreError>> {
        async {
            self.turns.acquire().await.unwrap().forget();
            self.write(jobs)
        }
        .boxed()
    }

    fn turn<'a>(
        &'a self,
        _: &'a [Settled],
        _: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        unreachable!()
    }

    fn renew<'a>(
        &'a self,
        _: Owner,
        _: &'a [Run],
        _: Duration,
    ) -> BoxFuture<'a, Result<Vec<Run>, StoreError>> {
        unreachable!()
    }

    fn sweep(&self, _: u32) -> BoxFuture<'_, Result<Swept, StoreError>> {
        unreachable!()
    }

    fn prune(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        unreachable!()
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>> {
        unreachable!()
    }

    fn list<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<Vec<JobRecord>, StoreError>> {
        unreachable!()
    }

    fn show(&self, _: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, StoreError>> {
        unreachable!()
    }

    fn replay<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        unreachable!()
    }

    fn purge<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        unreachable!()
    }
}

fn id(n: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(n))
}

fn job(n: u128) -> NewJob {
    NewJob {
        id: id(n),
        installation: InstallationId::from(Uuid::from_u128(1)),
        kind: JobKind::Event,
        name: "avi:a".into(),
        digest: [0; 32],
        unless_within: None,
        coalesces: false,
        remember_for: Duration::from_hours(24),
        order: None,
        payload: "{}".into(),
        trace: TraceId::random(),
        app_token: None,
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(4500))
}

fn intake(disk: &Arc<Disk>) -> (Intake, Arc<Notify>) {
    let wake = Arc::new(Notify::new());
    let jobs: Arc<dyn Jobs> = Arc::clone(disk) as _;
    (Intake::start(jobs, Arc::clone(&wake)), wake)
}

fn code(error: IntakeError) -> (ErrorCode, bool) {
    let error = Error::from(error);
    (error.code(), error.wait().is_some())
}

#[tokio::test(start_paused = true)]
async fn what_gathers_during_a_commit_shares_the_next_one() {
    let disk = Disk::turning(0);
    let (intake, wake) = intake(&disk);
    // All of them wait before the writer looks for the first time.
    let mut all = Box::pin(join_all((0..301).map(|n| intake.keep(job(n), soon()))));
    assert!(all.as_mut().now_or_never().is_none());
    disk.turns.add_permits(10);
    for (n, added) in (0..).zip(all.await) {
        let expected = Added {
            id: id(n),
            duplicate: false,
        };
        assert_eq!(added.unwrap(), expected);
    }
    assert_eq!(disk.change(|state| state.batches.clone()), [256, 45]);
    // Somebody is told that there is work.
    wake.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_wakes_nobody() {
    let disk = Disk::turning(10);
    let (intake, wake) = intake(&disk);
    assert!(!intake.keep(job(1), soon()).await.unwrap().duplicate);
    wake.notified().await;
    assert!(intake.keep(job(1), soon()).await.unwrap().duplicate);
    assert!(wake.notified().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_to_all_and_the_next_ones_are_kept() {
    let disk = Disk::turning(100);
    let (intake, _wake) = intake(&disk);
    disk.change(|state| state.outage = true);
    for error in join_all((0..5).map(|n| intake.keep(job(n), soon()))).await {
        assert_eq!(
            code(error.unwrap_err()),
            (ErrorCode::StoreUnavailable, true)
        );
    }
    disk.change(|state| state.outage = false);
    assert!(!intake.keep(job(1), soon()).await.unwrap().duplicate);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_can_never_be_written_takes_no_other_down() {
    let disk = Disk::turning(100);
    let (intake, _wake) = intake(&disk);
    disk.change(|state| state.damaged = Some(id(2)));
    let outcomes = join_all((0..5).map(|n| intake.keep(job(n), soon()))).await;
    for (n, outcome) in (0..).zip(outcomes) {
        if n == 2 {
            assert_eq!(code(outcome.unwrap_err()).0, ErrorCode::InternalError);
        } else {
            assert_eq!(outcome.unwrap().id, id(n));
        }
    }
    // Together, and then one by one.
    assert_eq!(
        disk.change(|state| state.batches.clone()),
        [5, 1, 1, 1, 1, 1]
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stalls_is_answered_for_before_the_caller_goes() {
    let disk = Disk::turning(0);
    let (intake, _wake) = intake(&disk);
    let deadline = soon();
    let late = intake.keep(job(1), deadline).await.unwrap_err();
    assert_eq!(code(late), (ErrorCode::StoreUnavailable, true));
    assert_eq!(deadline.remaining(), TIME_TO_ANSWER);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_gone_is_not_written_for() {
    let disk = Disk::turning(0);
    let (intake, _wake) = intake(&disk);
    let mut first = Box::pin(intake.keep(job(1), soon()));
    assert!(first.as_mut().now_or_never().is_none());
    // The writer has the first in hand; the second waits, and its caller goes.
    tokio::task::yield_now().await;
    assert!(intake.keep(job(2), soon()).now_or_never().is_none());
    disk.turns.add_permits(10);
    assert_eq!(first.await.unwrap().id, id(1));
    assert!(!intake.keep(job(3), soon()).await.unwrap().duplicate);
    let held = disk.change(|state| state.held.clone());
    assert_eq!(held, HashSet::from([id(1), id(3)]));
}

#[tokio::test(start_paused = true)]
async fn more_jobs_than_may_wait_are_turned_away_at_once() {
    let disk = Disk::turning(0);
    let (intake, _wake) = intake(&disk);
    let mut waiting = Vec::new();
    let full = loop {
        let mut keep = Box::pin(intake.keep(job(waiting.len() as u128), soon()));
        match keep.as_mut().now_or_never() {
            Some(outcome) => break outcome.unwrap_err(),
            None => waiting.push(keep),
        }
        assert!(waiting.len() <= MOST_WAITING, "there is a bound");
    };
    assert_eq!(code(full), (ErrorCode::Overloaded, true));
    disk.turns.add_permits(100);
    assert!(join_all(waiting).await.iter().all(Result::is_ok));
    assert!(intake.keep(job(1), soon()).await.unwrap().duplicate);
}

#[tokio::test(start_paused = true)]
async fn large_jobs_are_turned_away_before_memory_is_full() {
    let disk = Disk::turning(0);
    let (intake, _wake) = intake(&disk);
    let large = |n| {
        let payload = "x".repeat(5 * 1024 * 1024).into();
        NewJob { payload, ..job(n) }
    };
    let mut waiting = Vec::new();
    for n in 0..12 {
        let mut keep = Box::pin(intake.keep(large(n), soon()));
        assert!(keep.as_mut().now_or_never().is_none());
        waiting.push(keep);
    }
    let full = intake.keep(large(99), soon()).await.unwrap_err();
    assert_eq!(code(full), (ErrorCode::Overloaded, true));
    disk.turns.add_permits(100);
    assert!(join_all(waiting).await.iter().all(Result::is_ok));
    // The room is free again.
    assert!(!intake.keep(large(99), soon()).await.unwrap().duplicate);
}
