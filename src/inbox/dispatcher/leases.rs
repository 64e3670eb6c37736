//! The leases of the runs of this process.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    delays,
    outage::{Operation, Outage},
};
use crate::store::jobs::{Jobs, Owner, Run};

/// Why a run must end before its handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The store says that another run may hold the job.
    LeaseLost,
    /// The store could not be asked in time: another process may soon hold the job.
    NotRenewed,
    /// The service stops.
    Stopping,
}

/// Every lease that this process holds, of runs and of what is still to be settled.
///
/// Each is taken to begin when the store was *asked* for it, so that it lapses here before
/// it does there, however long the answer took and whatever the clocks say.
pub(super) struct Leases {
    owner: Owner,
    lease: Duration,
    /// Taken for moments, never across an await.
    held: Mutex<Held>,
    changed: Notify,
}

#[derive(Default)]
struct Held {
    grants: HashMap<Run, Grant>,
    last: u64,
}

struct Grant {
    /// A job whose attempt was given back may come again as the same run.
    serial: u64,
    until: Instant,
    /// Gone once the run was cut.
    cut: Option<oneshot::Sender<Cut>>,
}

impl Grant {
    fn cut(&mut self, why: Cut) {
        if let Some(cut) = self.cut.take() {
            // A run that has ended listens no more.
            let _ = cut.send(why);
        }
    }
}

impl Leases {
    pub(super) fn new(owner: Owner, lease: Duration) -> Self {
        Self {
            owner,
            lease,
            held: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Takes down a lease that the store was asked for at `asked`. The run listens to what
    /// is returned.
    pub(super) fn grant(&self, run: Run, asked: Instant) -> oneshot::Receiver<Cut> {
        let (cut, listens) = oneshot::channel();
        let mut held = self.held();
        held.last += 1;
        let grant = Grant {
            serial: held.last,
            until: asked + self.lease,
            cut: Some(cut),
        };
        held.grants.insert(run, grant);
        drop(held);
        self.changed.notify_one();
        listens
    }

    /// The run is settled, or nothing of it matters any more.
    pub(super) fn release(&self, run: Run) {
        self.held().grants.remove(&run);
    }

    pub(super) fn cut_all(&self, why: Cut) {
        self.held().grants.values_mut().for_each(|it| it.cut(why));
    }

    /// Renews when the first has lost a third of its time, all at once, and cuts runs whose
    /// lease is about to lapse.
    pub(super) async fn keep(&self, jobs: &dyn Jobs, outage: &Outage) -> Infallible {
        // A sixth in hand: for a handler to give way, and for clocks that do not run alike.
        let margin = self.lease / 6;
        let mut pauses = delays::of_outage(self.lease / 12);
        let mut not_before = Instant::now();
        loop {
            let Some(first) = self.first_to_lapse() else {
                // Whatever failed before, nothing is asked any more.
                outage.ended(Operation::Renew);
                self.changed.notified().await;
                continue;
            };
            let cut_at = first - margin;
            let renew_at = (first - self.lease * 2 / 3).max(not_before);
            tokio::select! {
                () = self.changed.notified() => continue,
                () = sleep_until(renew_at.min(cut_at)) => {}
            }
            self.cut_before(Instant::now() + margin);
            if Instant::now() < renew_at {
                continue;
            }
            // A store that stalls must not keep us from cutting in time.
            if timeout_at(cut_at, self.renew(jobs, outage)).await == Ok(true) {
                pauses = delays::of_outage(self.lease / 12);
            } else {
                not_before = Instant::now() + pauses.next().unwrap_or(margin);
            }
        }
    }

    /// Renews all at once; false if the store failed.
    pub(super) async fn renew(&self, jobs: &dyn Jobs, outage: &Outage) -> bool {
        let asked = Instant::now();
        let held: Vec<_> = {
            let held = self.held();
            let serials = held.grants.iter().map(|(run, grant)| (*run, grant.serial));
            serials.collect()
        };
        let runs: Vec<_> = held.iter().map(|(run, _)| *run).collect();
        let renewed = jobs.renew(self.owner, &runs, self.lease).await;
        let Some(lost) = outage.note(Operation::Renew, renewed) else {
            return false;
        };
        let mut now_held = self.held();
        for (run, serial) in held {
            let Some(grant) = now_held.grants.get_mut(&run) else {
                continue;
            };
            if grant.serial != serial {
                continue;
            }
            if lost.contains(&run) {
                grant.cut(Cut::LeaseLost);
            } else {
                grant.until = asked + self.lease;
            }
        }
        true
    }

    /// When the first of the leases lapses that a run still depends on.
    fn first_to_lapse(&self) -> Option<Instant> {
        let held = self.held();
        let running = held.grants.values().filter(|grant| grant.cut.is_some());
        running.map(|grant| grant.until).min()
    }

    fn cut_before(&self, moment: Instant) {
        for grant in self.held().grants.values_mut() {
            if grant.until <= moment {
                grant.cut(Cut::NotRenewed);
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
