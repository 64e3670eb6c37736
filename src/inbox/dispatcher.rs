//! Jobs become runs of handlers.
//!
//! ```text
//!        ┌────────── turns: settle what ended, claim for the free places ◄── woken, 1 s
//!        │                       │ starts                ▲
//! Jobs ◄─┼── leases: renew       ▼                       │ verdict
//!        │     └── cut ──► run: find the installation, call the handler, judge
//!        └────────── upkeep: prune, count
//! ```
//!
//! A handler runs at least once. No job runs in two processes at once as long as handlers
//! give way when they are cancelled: a run whose lease could not be renewed is cut before
//! the lease lapses, and whatever it still said would not be taken from it.

mod attempt;
mod delays;
mod judge;
mod leap;
mod leases;
mod outage;
mod shares;
mod signs;
mod tally;
#[cfg(test)]
mod tests;
mod turns;
mod upkeep;
mod verdict;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::{attempt::Runner, leases::Leases, outage::Outage, turns::Turns};
use super::handlers::Handlers;
use crate::{
    config,
    forge::Forge,
    store::jobs::{Jobs, Owner},
};

/// Takes jobs out of the store and runs their handlers, several at once.
///
/// `inbox.workers` bounds how many, `inbox.max_attempts` how often a job is tried, and
/// `inbox.lease_seconds` how long a job of a process that died stays its.
pub(super) struct Dispatcher {
    jobs: Arc<dyn Jobs>,
    runner: Arc<Runner>,
    settings: config::Inbox,
    wake: Arc<Notify>,
}

impl Dispatcher {
    /// A dispatcher of `forge`'s jobs. `wake` tells it that there are new ones: without, it
    /// finds them within a second.
    pub(super) fn new(forge: Forge, events: Handlers, ticks: Handlers, wake: Arc<Notify>) -> Self {
        let jobs = Arc::clone(forge.jobs());
        Self::over(jobs, forge, events, ticks, wake)
    }

    fn over(
        jobs: Arc<dyn Jobs>,
        forge: Forge,
        events: Handlers,
        ticks: Handlers,
        wake: Arc<Notify>,
    ) -> Self {
        let settings = forge.config().inbox.clone();
        let runner = Runner::new(forge, events, ticks, settings.max_attempts);
        Self {
            jobs,
            runner: Arc::new(runner),
            settings,
            wake,
        }
    }

    /// Works until `stop`. Then it claims nothing more, lets runs go on for
    /// [`turns::DRAIN`], cancels those that are left and gives their jobs back, uncounted.
    /// Within 20 s of `stop` it has returned.
    ///
    /// Dropping it cancels every run; their jobs are taken up again when the leases lapse.
    pub(super) async fn run(self, stop: CancellationToken) {
        let owner = Owner::random();
        let leases = Leases::new(owner, self.settings.lease);
        let outage = Outage::default();
        let turns = Turns::new(&self, owner, &leases, &outage);
        tokio::select! {
            () = turns.run(&stop) => {}
            never = leases.keep(&*self.jobs, &outage) => match never {},
            never = upkeep::go_on(&*self.jobs, &outage) => match never {},
        }
    }
}
