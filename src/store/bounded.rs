//! A bound and a measure around every operation of a store.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use metrics::{Counter, Histogram};
use tokio::time::{Instant, timeout};

use super::{
    Deleted, Remembered, Store, StoreError,
    jobs::{
        Added, Claim, Counts, JobId, JobRecord, Jobs, NewJob, Owner, Run, Settled, Swept, Turn,
        Which,
    },
    keys::{Cursor, KeyRing, Sealed, Step, Walk},
    shared::{Claiming, ExchangeClaim, Shared, SharedSubject, SharedToken, Taken},
};
use crate::{
    ids::{AppId, CloudId, InstallationId},
    token::AppToken,
};

/// No operation takes longer, whatever the database does.
const LIMIT: Duration = Duration::from_secs(5);

macro_rules! operations {
    ($($variant:ident = $name:literal;)+) => {
        /// What is asked of a store.
        #[derive(Debug, Clone, Copy)]
        enum Operation {
            $($variant,)+
        }

        impl Operation {
            const NAMES: &'static [&'static str] = &[$($name,)+];
            const COUNT: usize = Self::NAMES.len();

            /// The name in a metric's label.
            const fn name(self) -> &'static str {
                Self::NAMES[self as usize]
            }
        }
    };
}

operations! {
    Save = "save";
    Load = "load";
    OfCloud = "of_cloud";
    ForgetAppToken = "forget_app_token";
    Delete = "delete";
    Ping = "ping";
    AddJobs = "add_jobs";
    TurnJobs = "turn_jobs";
    RenewJobs = "renew_jobs";
    SweepJobs = "sweep_jobs";
    PruneJobs = "prune_jobs";
    CountJobs = "count_jobs";
    ListJobs = "list_jobs";
    ShowJob = "show_job";
    ReplayJobs = "replay_jobs";
    PurgeJobs = "purge_jobs";
    AccountToken = "account_token";
    ClaimExchange = "claim_exchange";
    KeepClaim = "keep_claim";
    EndExchange = "end_exchange";
    TakePlace = "take_place";
    IsEpoch = "is_epoch";
    LimitPlaces = "limit_places";
    WalkSealed = "walk_sealed";
}

/// A store whose every operation ends in time and is counted.
pub(super) struct Bounded<S> {
    store: S,
    /// An operation has metrics once it was asked for, that of its failures too: a counter
    /// that appears with its first failure hides that failure from a rate.
    counted: [OnceLock<Counted>; Operation::COUNT],
}

struct Counted {
    seconds: Histogram,
    failures: Counter,
}

impl<S> Bounded<S> {
    pub(super) fn new(store: S) -> Self {
        Self {
            store,
            counted: [const { OnceLock::new() }; Operation::COUNT],
        }
    }

    /// Runs one operation: `forge_store_seconds` and `forge_store_failures_total` tell how it
    /// went.
    async fn bounded<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let start = Instant::now();
        let outcome = timeout(LIMIT, work)
            .await
            .unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)));
        let counted = self.counted[operation as usize].get_or_init(|| Counted::of(operation));
        counted.seconds.record(start.elapsed());
        if outcome.is_err() {
            counted.failures.increment(1);
        }
        outcome
    }
}

impl Counted {
    fn of(operation: Operation) -> Self {
        let operation = operation.name();
        Self {
            seconds: metrics::histogram!("forge_store_seconds", "operation" => operation),
            failures: metrics::counter!("forge_store_failures_total", "operation" => operation),
        }
    }
}

impl<S: Store> Store for Bounded<S> {
    fn save<'a>(&'a self, records: &'a [Arc<Remembered>]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.bounded(Operation::Save, self.store.save(records)))
    }

    fn load(&self, id: InstallationId) -> BoxFuture<'_, Result<Option<Remembered>, StoreError>> {
        Box::pin(self.bounded(Operation::Load, self.store.load(id)))
    }

    fn of_cloud<'a>(
        &'a self,
        cloud: &'a CloudId,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, StoreError>> {
        Box::pin(self.bounded(Operation::OfCloud, self.store.of_cloud(cloud)))
    }

    fn forget_app_token<'a>(
        &'a self,
        id: InstallationId,
        token: &'a AppToken,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.bounded(
            Operation::ForgetAppToken,
            self.store.forget_app_token(id, token),
        ))
    }

    fn delete(&self, id: InstallationId) -> BoxFuture<'_, Result<Deleted, StoreError>> {
        Box::pin(self.bounded(Operation::Delete, self.store.delete(id)))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.bounded(Operation::Ping, self.store.ping()))
    }
}

impl<S: Jobs> Jobs for Bounded<S> {
    fn add<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Result<Vec<Added>, StoreError>> {
        Box::pin(self.bounded(Operation::AddJobs, self.store.add(jobs)))
    }

    fn turn<'a>(
        &'a self,
        settled: &'a [Settled],
        claim: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        Box::pin(self.bounded(Operation::TurnJobs, self.store.turn(settled, claim)))
    }

    fn renew<'a>(
        &'a self,
        owner: Owner,
        runs: &'a [Run],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Run>, StoreError>> {
        Box::pin(self.bounded(Operation::RenewJobs, self.store.renew(owner, runs, lease)))
    }

    fn sweep(&self, max_attempts: u32) -> BoxFuture<'_, Result<Swept, StoreError>> {
        Box::pin(self.bounded(Operation::SweepJobs, self.store.sweep(max_attempts)))
    }

    fn prune(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.bounded(Operation::PruneJobs, self.store.prune()))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>> {
        Box::pin(self.bounded(Operation::CountJobs, self.store.counts()))
    }

    fn list<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<Vec<JobRecord>, StoreError>> {
        Box::pin(self.bounded(Operation::ListJobs, self.store.list(which)))
    }

    fn show(&self, id: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, StoreError>> {
        Box::pin(self.bounded(Operation::ShowJob, self.store.show(id)))
    }

    fn replay<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(self.bounded(Operation::ReplayJobs, self.store.replay(which)))
    }

    fn purge<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(self.bounded(Operation::PurgeJobs, self.store.purge(which)))
    }
}

impl<S: Sealed> Sealed for Bounded<S> {
    fn key_ring(&self) -> KeyRing {
        self.store.key_ring()
    }

    fn step<'a>(&'a self, from: &'a Cursor, walk: Walk) -> BoxFuture<'a, Result<Step, StoreError>> {
        Box::pin(self.bounded(Operation::WalkSealed, self.store.step(from, walk)))
    }
}

impl<S: Shared> Shared for Bounded<S> {
    fn account_token<'a>(
        &'a self,
        subject: &'a SharedSubject,
    ) -> BoxFuture<'a, Result<Option<SharedToken>, StoreError>> {
        Box::pin(self.bounded(Operation::AccountToken, self.store.account_token(subject)))
    }

    fn claim_exchange<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
    ) -> BoxFuture<'a, Result<Claiming, StoreError>> {
        let claiming = self.store.claim_exchange(subject, claim);
        Box::pin(self.bounded(Operation::ClaimExchange, claiming))
    }

    fn keep_claim<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.bounded(Operation::KeepClaim, self.store.keep_claim(subject, claim)))
    }

    fn end_exchange<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
        token: Option<&'a SharedToken>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let ending = self.store.end_exchange(subject, claim, token);
        Box::pin(self.bounded(Operation::EndExchange, ending))
    }

    fn take_place(
        &self,
        app: AppId,
        limit: u32,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Taken, StoreError>> {
        Box::pin(self.bounded(
            Operation::TakePlace,
            self.store.take_place(app, limit, patience),
        ))
    }

    fn is_epoch(&self, app: AppId, epoch: i64) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.bounded(Operation::IsEpoch, self.store.is_epoch(app, epoch)))
    }

    fn limit_places(
        &self,
        app: AppId,
        limit: u32,
        ago: Duration,
        pause: Duration,
    ) -> BoxFuture<'_, Result<Duration, StoreError>> {
        let limiting = self.store.limit_places(app, limit, ago, pause);
        Box::pin(self.bounded(Operation::LimitPlaces, limiting))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::atomic::Ordering::SeqCst};

    use super::*;
    use crate::store::tests::{fake::FakeStore, fixtures::id};

    #[tokio::test(start_paused = true)]
    async fn an_operation_that_never_ends_is_cut_off() {
        let store = Bounded::new(FakeStore::default());
        let start = Instant::now();
        let outcome = store.bounded::<()>(Operation::Ping, pending()).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_in_time_is_passed_on() {
        let store = Bounded::new(FakeStore::default());
        let outcome = store.bounded(Operation::Ping, async { Ok(7) }).await;
        assert!(matches!(outcome, Ok(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn every_operation_is_measured_and_every_failure_counted() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _here = metrics::set_default_local_recorder(&recorder);
        let store = Bounded::new(FakeStore::default());
        store.store.failures.store(1, SeqCst);
        assert!(store.ping().await.is_err());
        assert!(store.ping().await.is_ok());
        assert!(store.load(id(1)).await.unwrap().is_none());
        let text = metrics.render();
        for line in [
            "forge_store_seconds_count{operation=\"ping\"} 2",
            "forge_store_seconds_count{operation=\"load\"} 1",
            "forge_store_failures_total{operation=\"ping\"} 1",
            "forge_store_failures_total{operation=\"load\"} 0",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
