//! The loop: what ended is settled and what is ready is claimed, in one commit.

use std::{sync::Arc, time::Duration};

use backon::ExponentialBackoff;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Dispatcher,
    attempt::{Runner, Running},
    delays,
    leap::Leap,
    leases::{Cut, Leases},
    outage::{Operation, Outage},
    shares::Shares,
    verdict::Verdict,
};
use crate::{
    config,
    ids::InstallationId,
    store::{
        StoreError,
        jobs::{Claim, Claimed, Jobs, Lapsed, Owner, Run, Settled, Swept, Turn},
    },
};

/// What runs have to end once the service stops.
pub(super) const DRAIN: Duration = Duration::from_secs(10);
/// What runs have to give way once they are cancelled.
const GIVING_WAY: Duration = Duration::from_secs(1);
/// What the store then has to take the last settlements.
const SETTLING: Duration = Duration::from_secs(4);

/// Jobs come due without anybody saying so, and other processes add some: the store is
/// looked at as often as this, and no more often than that.
const LOOK_AT_LEAST: Duration = Duration::from_secs(1);
const LOOK_AT_MOST: Duration = Duration::from_millis(50);

/// After the time of day has leapt: another process of this machine, which looks as often,
/// has to find out as well before anybody takes leases away.
const LOOK_AFTER_LEAP: Duration = Duration::from_secs(2);

/// After a claim that brought nothing. While an installation has its share of the places,
/// each of its further events wakes the loop and has nothing to offer: a claim for each would
/// cost the store as much as the events.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Between attempts to reach a store that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// No store gives more at once.
const MOST_CLAIMED: usize = 256;

/// The state of the loop. Runs and what they leave to be settled are at most `workers`.
pub(super) struct Turns<'a> {
    jobs: &'a dyn Jobs,
    runner: &'a Arc<Runner>,
    settings: &'a config::Inbox,
    wake: &'a Notify,
    owner: Owner,
    leases: &'a Leases,
    outage: &'a Outage,
    running: FuturesUnordered<Running>,
    shares: Shares,
    /// Runs that have ended and that the store has not heard of, for all we know.
    settled: Vec<Settled>,
    /// The installation that was served last.
    after: Option<InstallationId>,
    /// Whether there may be jobs that are ready.
    hungry: bool,
    claim_at: Instant,
    sweep_at: Instant,
    leap: Leap,
    pauses: Option<ExponentialBackoff>,
}

impl<'a> Turns<'a> {
    pub(super) fn new(
        dispatcher: &'a Dispatcher,
        owner: Owner,
        leases: &'a Leases,
        outage: &'a Outage,
    ) -> Self {
        Self {
            jobs: &*dispatcher.jobs,
            runner: &dispatcher.runner,
            settings: &dispatcher.settings,
            wake: &dispatcher.wake,
            owner,
            leases,
            outage,
            running: FuturesUnordered::new(),
            shares: Shares::new(dispatcher.settings.workers),
            settled: Vec::new(),
            after: None,
            hungry: false,
            claim_at: Instant::now(),
            sweep_at: Instant::now(),
            leap: Leap::new(dispatcher.runner.clock().clone()),
            pauses: None,
        }
    }

    pub(super) async fn run(mut self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            self.gather();
            // Not while the store fails. What ended is told before leases are looked at: a
            // run that outlasted the outage must not be taken for one that was lost.
            if self.pauses.is_none() && Instant::now() >= self.sweep_at {
                self.sweep().await;
                if stop.is_cancelled() {
                    break;
                }
            }
            let is_due = !self.settled.is_empty() || self.may_claim();
            if is_due || self.pauses.is_some() {
                if !self.turn(true).await {
                    self.pause(stop).await;
                }
            } else {
                self.wait(stop).await;
            }
        }
        self.drain().await;
    }

    /// Until there is something to do.
    async fn wait(&mut self, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            Some((run, verdict)) = self.running.next() => self.take(run, verdict),
            () = self.wake.notified() => self.hungry = true,
            () = sleep_until(self.sweep_at) => {}
            () = sleep_until(self.claim_at), if self.hungry && self.free() > 0 => {}
        }
    }

    fn may_claim(&self) -> bool {
        self.hungry && self.free() > 0 && Instant::now() >= self.claim_at
    }

    /// Whatever has ended by now.
    fn gather(&mut self) {
        while let Some(Some((run, verdict))) = self.running.next().now_or_never() {
            self.take(run, verdict);
        }
    }

    fn take(&mut self, run: Run, verdict: Verdict) {
        self.shares.release(run);
        match verdict.ending() {
            Some(how) => self.settled.push(Settled {
                owner: self.owner,
                run,
                how,
            }),
            None => self.leases.release(run),
        }
    }

    fn free(&self) -> usize {
        self.settings.workers.saturating_sub(self.running.len())
    }

    /// Settles and claims; false if the store failed. What was to be settled is kept then
    /// and handed in again: the store takes it once.
    async fn turn(&mut self, claims: bool) -> bool {
        let most = self.free().min(MOST_CLAIMED);
        let (each, except) = self.shares.terms();
        let claim = (claims && most > 0).then_some(Claim {
            owner: self.owner,
            most,
            lease: self.settings.lease,
            after: self.after,
            each,
            except,
        });
        let asked = Instant::now();
        let outcome = self.jobs.turn(&self.settled, claim.as_ref()).await;
        if let Err(StoreError::Damaged(_)) = &outcome
            && !self.settled.is_empty()
        {
            self.settle_each().await;
        }
        let Some(Turn {
            claimed,
            lost,
            unreadable,
        }) = self.outage.note(Operation::Turn, outcome)
        else {
            return false;
        };
        let handed_in_again = self.pauses.take().is_some();
        for settled in self.settled.drain(..) {
            self.leases.release(settled.run);
        }
        if !handed_in_again {
            lost.iter().for_each(too_late);
        }
        if claim.is_some() {
            self.hungry = claimed.len() + unreadable >= most;
            if claimed.is_empty() {
                self.claim_at = Instant::now() + LOOK_AGAIN;
            }
        }
        (0..unreadable).for_each(|_| self.runner.tally().dead_letter());
        self.start(claimed, asked);
        true
    }

    fn start(&mut self, claimed: Vec<Claimed>, asked: Instant) {
        for claimed in claimed {
            self.after = Some(claimed.installation);
            self.shares.take(claimed.run, claimed.installation);
            let cut = self.leases.grant(claimed.run, asked);
            self.running.push(self.runner.start(claimed, cut));
        }
    }

    /// One settlement can never be written. It must not hold up the others: its job is taken
    /// up again when its lease lapses.
    async fn settle_each(&mut self) {
        let mut left = Vec::new();
        for settled in self.settled.drain(..) {
            match self.jobs.turn(std::slice::from_ref(&settled), None).await {
                Ok(_) => self.leases.release(settled.run),
                Err(StoreError::Damaged(source)) => {
                    tracing::error!(
                        job = %settled.run.job,
                        cause = %source,
                        "how a job ended cannot be written: it will run again"
                    );
                    self.leases.release(settled.run);
                }
                Err(_) => left.push(settled),
            }
        }
        self.settled = left;
    }

    async fn sweep(&mut self) {
        if self.leap.is_ahead() {
            // Where the clock of this machine tells when a lease lapses, those of runs that
            // are well would seem to have.
            if self.leases.renew(self.jobs, self.outage).await {
                self.leap.is_over();
            }
            self.sweep_at = Instant::now() + LOOK_AFTER_LEAP;
            self.hungry = true;
            return;
        }
        let swept = self.jobs.sweep(self.settings.max_attempts).await;
        // Jobs of other processes are not announced here.
        self.hungry = true;
        let pause = match self.outage.note(Operation::Sweep, swept) {
            Some(Swept { lapsed, next, .. }) => {
                for lapsed in &lapsed {
                    self.lost(lapsed);
                }
                next.unwrap_or(LOOK_AT_LEAST)
            }
            None => LOOK_AT_LEAST,
        };
        self.sweep_at = Instant::now() + pause.clamp(LOOK_AT_MOST, LOOK_AT_LEAST);
    }

    fn lost(&self, lapsed: &Lapsed) {
        if lapsed.dead {
            self.runner.tally().dead_letter();
        }
        lost(lapsed);
    }

    async fn pause(&mut self, stop: &CancellationToken) {
        let pauses = self
            .pauses
            .get_or_insert_with(|| delays::of_outage(LONGEST_PAUSE));
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        let _ = timeout(pause, stop.cancelled()).await;
    }

    async fn drain(&mut self) {
        let told = Instant::now();
        let _ = timeout_at(told + DRAIN, self.let_go()).await;
        self.leases.cut_all(Cut::Stopping);
        let given_way = timeout(GIVING_WAY, async {
            while let Some((run, verdict)) = self.running.next().await {
                self.take(run, verdict);
            }
        });
        if given_way.await.is_err() {
            // A job whose handler may still be at work is not given to anybody else yet.
            tracing::warn!(
                jobs = self.running.len(),
                "handlers block their threads; their jobs run again when the leases lapse"
            );
        }
        let last = told + DRAIN + GIVING_WAY + SETTLING;
        let _ = timeout_at(last, self.settle_all()).await;
        if !self.settled.is_empty() {
            tracing::warn!(
                jobs = self.settled.len(),
                "the store did not take how jobs ended; they run again when the leases lapse"
            );
        }
    }

    /// Lets runs end by themselves, and settles them as they do.
    async fn let_go(&mut self) {
        while let Some((run, verdict)) = self.running.next().await {
            self.take(run, verdict);
            self.gather();
            self.turn(false).await;
        }
    }

    async fn settle_all(&mut self) {
        let pauses = delays::of_outage(Duration::from_secs(1));
        for pause in pauses {
            if self.settled.is_empty() || self.turn(false).await {
                return;
            }
            sleep(pause).await;
        }
    }
}

fn too_late(run: &Run) {
    tracing::warn!(
        job = %run.job,
        attempt = run.attempt,
        "a run ended when the job was not its own any more: its lease had lapsed, and what it \
         did may be done again, or its installation is gone"
    );
}

fn lost(lapsed: &Lapsed) {
    let run = lapsed.run;
    if lapsed.dead {
        tracing::error!(
            job = %run.job,
            "job.name" = &*lapsed.name,
            attempt = run.attempt,
            "installation.id" = %lapsed.installation,
            "the job is a dead letter: its last run was lost, its process died or lost sight of the store"
        );
    } else {
        tracing::warn!(
            job = %run.job,
            "job.name" = &*lapsed.name,
            attempt = run.attempt,
            "installation.id" = %lapsed.installation,
            "a run was lost, its process died or lost sight of the store: the job runs again"
        );
    }
}
