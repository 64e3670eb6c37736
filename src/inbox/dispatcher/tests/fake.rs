//! Jobs in memory, on paused time, that fail and stall when they are told to.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use super::{NOW, PAGE, installation, job, token};
use crate::{
    store::{
        StoreError,
        jobs::{
            Added, Claim, Claimed, Counts, Ending, JobId, JobKind, JobRecord, Jobs, Lapsed, NewJob,
            Owner, Run, Settled, Swept, Turn, Which,
        },
    },
    trace::TraceId,
};

/// As the bound around every operation of a store.
const STALL: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum State {
    Ready,
    Delayed(Instant),
    Parked,
    Running { owner: Owner, until: Instant },
    Done,
    Dead(String),
}

#[derive(Clone)]
pub(in super::super) struct Row {
    pub(in super::super) state: State,
    pub(in super::super) attempts: u32,
    pub(in super::super) claimed: Claimed,
}

/// What a store in trouble does to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) enum Trouble {
    FailTurns,
    /// They take their time, and then nobody knows.
    StallTurns,
    /// They commit, and say that they failed.
    HideTurns,
    FailRenewals,
    StallRenewals,
    FailSweeps,
}

#[derive(Default)]
pub(in super::super) struct Books {
    pub(in super::super) rows: BTreeMap<JobId, Row>,
    pub(in super::super) claims: Vec<Claim>,
    pub(in super::super) settled: Vec<(Run, Ending)>,
    pub(in super::super) lost: Vec<Run>,
    pub(in super::super) turns: usize,
    pub(in super::super) sweeps: usize,
    pub(in super::super) renewals: usize,
    pub(in super::super) counts: Counts,
    /// What the next prunes delete.
    pub(in super::super) prunable: Vec<u64>,
    /// No settlement of this one can be written.
    pub(in super::super) unwritable: Option<JobId>,
}

#[derive(Default)]
pub(in super::super) struct FakeJobs {
    books: Arc<Mutex<Books>>,
    changed: Arc<Notify>,
    trouble: Mutex<HashSet<Trouble>>,
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("told to fail".into())
}

impl Books {
    pub(in super::super) fn state(&self, number: u128) -> &State {
        &self.rows[&job(number)].state
    }

    pub(in super::super) fn all_done(&self) -> bool {
        self.rows.values().all(|row| row.state == State::Done)
    }

    fn running(&mut self, owner: Owner, run: Run) -> Option<&mut Row> {
        let row = self.rows.get_mut(&run.job)?;
        let ours = matches!(row.state, State::Running { owner: theirs, .. } if theirs == owner);
        (ours && row.attempts == run.attempt).then_some(row)
    }

    fn settle(&mut self, settled: &Settled) -> bool {
        let Some(row) = self.running(settled.owner, settled.run) else {
            self.lost.push(settled.run);
            return false;
        };
        let now = Instant::now();
        row.state = match &settled.how {
            Ending::Done => State::Done,
            Ending::Retry { after, .. } => State::Delayed(now + *after),
            Ending::Postponed { after, .. } => {
                row.attempts -= 1;
                State::Delayed(now + *after)
            }
            Ending::AwaitsToken { .. } => {
                row.attempts -= 1;
                State::Parked
            }
            Ending::Dead { error } => State::Dead(error.clone()),
        };
        self.settled.push((settled.run, settled.how.clone()));
        true
    }

    fn claim(&mut self, claim: &Claim) -> Vec<Claimed> {
        self.claims.push(claim.clone());
        let ready = self.rows.values_mut();
        ready
            .filter(|row| row.state == State::Ready)
            .take(claim.most)
            .map(|row| {
                row.attempts += 1;
                row.claimed.run.attempt = row.attempts;
                row.state = State::Running {
                    owner: claim.owner,
                    until: Instant::now() + claim.lease,
                };
                row.claimed.clone()
            })
            .collect()
    }

    fn sweep(&mut self, most_attempts: u32) -> Swept {
        let now = Instant::now();
        let mut swept = Swept::default();
        for row in self.rows.values_mut() {
            match row.state {
                State::Delayed(due) if due <= now => {
                    row.state = State::Ready;
                    swept.woken += 1;
                }
                State::Running { until, .. } if until <= now => {
                    let dead = row.attempts >= most_attempts;
                    swept.lapsed.push(Lapsed {
                        run: row.claimed.run,
                        installation: row.claimed.installation,
                        name: row.claimed.name.clone(),
                        dead,
                    });
                    row.state = if dead {
                        State::Dead("lost".to_owned())
                    } else {
                        State::Ready
                    };
                }
                _ => {}
            }
        }
        let waits = self.rows.values().filter_map(|row| match row.state {
            State::Delayed(at) | State::Running { until: at, .. } => Some(at - now),
            _ => None,
        });
        swept.next = waits.min();
        swept
    }
}

impl FakeJobs {
    /// The same jobs as another process sees them, with trouble of its own.
    pub(in super::super) fn replica(&self) -> Self {
        Self {
            books: Arc::clone(&self.books),
            changed: Arc::clone(&self.changed),
            trouble: Mutex::default(),
        }
    }

    /// Job `number` of installation 1.
    pub(in super::super) fn put(&self, number: u128) {
        self.put_of(number, 1, |_| {});
    }

    pub(in super::super) fn put_of(
        &self,
        number: u128,
        whose: u128,
        change: impl FnOnce(&mut Claimed),
    ) {
        let mut claimed = claimed(number, whose);
        change(&mut claimed);
        let row = Row {
            state: State::Ready,
            attempts: 0,
            claimed,
        };
        self.books().rows.insert(job(number), row);
    }

    pub(in super::super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(in super::super) fn trouble(&self, trouble: &[Trouble]) {
        *self.trouble.lock().unwrap() = trouble.iter().copied().collect();
    }

    /// Waits until the books show it; two days of paused time at most.
    pub(in super::super) async fn until(&self, shows: impl Fn(&Books) -> bool) {
        let seen = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if shows(&self.books()) {
                    return;
                }
                changed.await;
            }
        };
        timeout(Duration::from_hours(48), seen)
            .await
            .expect("the books never show it");
    }

    fn has(&self, trouble: Trouble) -> bool {
        self.trouble.lock().unwrap().contains(&trouble)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        let brought = change(&mut self.books());
        self.changed.notify_waiters();
        brought
    }
}

pub(in super::super) fn claimed(number: u128, whose: u128) -> Claimed {
    Claimed {
        run: Run {
            job: job(number),
            attempt: 1,
        },
        installation: installation(whose),
        kind: JobKind::Event,
        name: PAGE.into(),
        payload: format!(r#"{{"number":{number}}}"#).into(),
        trace: TraceId::of_text("463ac35c9f6413ad"),
        app_token: Some(token("t0ken-of-the-event")),
        received_at: NOW,
    }
}

impl Jobs for FakeJobs {
    fn add<'a>(&'a self, _: &'a [NewJob]) -> BoxFuture<'a, Result<Vec<Added>, StoreError>> {
        unimplemented!("a dispatcher adds none")
    }

    fn turn<'a>(
        &'a self,
        settled: &'a [Settled],
        claim: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        async move {
            self.change(|books| books.turns += 1);
            // Others get to run, as with a database.
            tokio::task::yield_now().await;
            if self.has(Trouble::StallTurns) {
                sleep(STALL).await;
                return Err(unavailable());
            }
            if self.has(Trouble::FailTurns) {
                return Err(unavailable());
            }
            let brought = self.change(|books| {
                if settled
                    .iter()
                    .any(|it| Some(it.run.job) == books.unwritable)
                {
                    return Err(StoreError::Damaged("told to be damaged".into()));
                }
                let late = settled.iter().filter(|it| !books.settle(it));
                let lost = late.map(|it| it.run).collect();
                let claimed = claim.map(|claim| books.claim(claim)).unwrap_or_default();
                Ok(Turn {
                    claimed,
                    lost,
                    unreadable: 0,
                })
            });
            if self.has(Trouble::HideTurns) {
                return Err(unavailable());
            }
            brought
        }
        .boxed()
    }

    fn renew<'a>(
        &'a self,
        owner: Owner,
        runs: &'a [Run],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Run>, StoreError>> {
        async move {
            self.change(|books| books.renewals += 1);
            if self.has(Trouble::StallRenewals) {
                sleep(STALL).await;
                return Err(unavailable());
            }
            if self.has(Trouble::FailRenewals) {
                return Err(unavailable());
            }
            Ok(self.change(|books| {
                let mut lost = Vec::new();
                for run in runs {
                    match books.running(owner, *run) {
                        Some(row) => {
                            let until = Instant::now() + lease;
                            row.state = State::Running { owner, until };
                        }
                        None => lost.push(*run),
                    }
                }
                lost
            }))
        }
        .boxed()
    }

    fn sweep(&self, most_attempts: u32) -> BoxFuture<'_, Result<Swept, StoreError>> {
        async move {
            self.change(|books| books.sweeps += 1);
            if self.has(Trouble::FailSweeps) {
                return Err(unavailable());
            }
            Ok(self.change(|books| books.sweep(most_attempts)))
        }
        .boxed()
    }

    fn prune(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        async { Ok(self.change(|books| books.prunable.pop().unwrap_or(0))) }.boxed()
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>> {
        async { Ok(self.books().counts) }.boxed()
    }

    fn list<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<Vec<JobRecord>, StoreError>> {
        unimplemented!("a dispatcher lists none")
    }

    fn show(&self, _: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, StoreError>> {
        unimplemented!("a dispatcher shows none")
    }

    fn replay<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        unimplemented!("a dispatcher replays none")
    }

    fn purge<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        unimplemented!("a dispatcher purges none")
    }
}
