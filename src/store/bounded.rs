//! A bound and a measure around every operation of a store.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
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

/// A store whose every operation ends in time and is counted.
pub(super) struct Bounded<S>(pub(super) S);

/// Runs one operation: `forge_store_seconds` and `forge_store_failures_total` tell how it went.
async fn bounded<T>(
    operation: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let start = Instant::now();
    let outcome = timeout(LIMIT, work)
        .await
        .unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)));
    metrics::histogram!("forge_store_seconds", "operation" => operation)
        .record(start.elapsed().as_secs_f64());
    if outcome.is_err() {
        metrics::counter!("forge_store_failures_total", "operation" => operation).increment(1);
    }
    outcome
}

impl<S: Store> Store for Bounded<S> {
    fn save<'a>(&'a self, records: &'a [Arc<Remembered>]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(bounded("save", self.0.save(records)))
    }

    fn load(&self, id: InstallationId) -> BoxFuture<'_, Result<Option<Remembered>, StoreError>> {
        Box::pin(bounded("load", self.0.load(id)))
    }

    fn of_cloud<'a>(
        &'a self,
        cloud: &'a CloudId,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, StoreError>> {
        Box::pin(bounded("of_cloud", self.0.of_cloud(cloud)))
    }

    fn forget_app_token<'a>(
        &'a self,
        id: InstallationId,
        token: &'a AppToken,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(bounded(
            "forget_app_token",
            self.0.forget_app_token(id, token),
        ))
    }

    fn delete(&self, id: InstallationId) -> BoxFuture<'_, Result<Deleted, StoreError>> {
        Box::pin(bounded("delete", self.0.delete(id)))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(bounded("ping", self.0.ping()))
    }
}

impl<S: Jobs> Jobs for Bounded<S> {
    fn add<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Result<Vec<Added>, StoreError>> {
        Box::pin(bounded("add_jobs", self.0.add(jobs)))
    }

    fn turn<'a>(
        &'a self,
        settled: &'a [Settled],
        claim: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        Box::pin(bounded("turn_jobs", self.0.turn(settled, claim)))
    }

    fn renew<'a>(
        &'a self,
        owner: Owner,
        runs: &'a [Run],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Run>, StoreError>> {
        Box::pin(bounded("renew_jobs", self.0.renew(owner, runs, lease)))
    }

    fn sweep(&self, max_attempts: u32) -> BoxFuture<'_, Result<Swept, StoreError>> {
        Box::pin(bounded("sweep_jobs", self.0.sweep(max_attempts)))
    }

    fn prune(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(bounded("prune_jobs", self.0.prune()))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>> {
        Box::pin(bounded("count_jobs", self.0.counts()))
    }

    fn list<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<Vec<JobRecord>, StoreError>> {
        Box::pin(bounded("list_jobs", self.0.list(which)))
    }

    fn show(&self, id: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, StoreError>> {
        Box::pin(bounded("show_job", self.0.show(id)))
    }

    fn replay<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(bounded("replay_jobs", self.0.replay(which)))
    }

    fn purge<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(bounded("purge_jobs", self.0.purge(which)))
    }
}

impl<S: Sealed> Sealed for Bounded<S> {
    fn key_ring(&self) -> KeyRing {
        self.0.key_ring()
    }

    fn step<'a>(&'a self, from: &'a Cursor, walk: Walk) -> BoxFuture<'a, Result<Step, StoreError>> {
        Box::pin(bounded("walk_sealed", self.0.step(from, walk)))
    }
}

impl<S: Shared> Shared for Bounded<S> {
    fn account_token<'a>(
        &'a self,
        subject: &'a SharedSubject,
    ) -> BoxFuture<'a, Result<Option<SharedToken>, StoreError>> {
        Box::pin(bounded("account_token", self.0.account_token(subject)))
    }

    fn claim_exchange<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
    ) -> BoxFuture<'a, Result<Claiming, StoreError>> {
        let claiming = self.0.claim_exchange(subject, claim);
        Box::pin(bounded("claim_exchange", claiming))
    }

    fn keep_claim<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(bounded("keep_claim", self.0.keep_claim(subject, claim)))
    }

    fn end_exchange<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
        token: Option<&'a SharedToken>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let ending = self.0.end_exchange(subject, claim, token);
        Box::pin(bounded("end_exchange", ending))
    }

    fn take_place(
        &self,
        app: AppId,
        limit: u32,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Taken, StoreError>> {
        Box::pin(bounded(
            "take_place",
            self.0.take_place(app, limit, patience),
        ))
    }

    fn is_epoch(&self, app: AppId, epoch: i64) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(bounded("is_epoch", self.0.is_epoch(app, epoch)))
    }

    fn limit_places(
        &self,
        app: AppId,
        limit: u32,
        ago: Duration,
        pause: Duration,
    ) -> BoxFuture<'_, Result<Duration, StoreError>> {
        let limiting = self.0.limit_places(app, limit, ago, pause);
        Box::pin(bounded("limit_places", limiting))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::atomic::Ordering::SeqCst};

    use super::*;
    use crate::store::tests::{fake::FakeStore, fixtures::id};

    #[tokio::test(start_paused = true)]
    async fn an_operation_that_never_ends_is_cut_off() {
        let start = Instant::now();
        let outcome = bounded::<()>("test", pending()).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_in_time_is_passed_on() {
        assert!(matches!(bounded("test", async { Ok(7) }).await, Ok(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn every_operation_is_measured_and_every_failure_counted() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _here = metrics::set_default_local_recorder(&recorder);
        let store = Bounded(FakeStore::default());
        store.0.failures.store(1, SeqCst);
        assert!(store.ping().await.is_err());
        assert!(store.ping().await.is_ok());
        assert!(store.load(id(1)).await.unwrap().is_none());
        let text = metrics.render();
        for line in [
            "forge_store_seconds_count{operation=\"ping\"} 2",
            "forge_store_seconds_count{operation=\"load\"} 1",
            "forge_store_failures_total{operation=\"ping\"} 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("failures_total{operation=\"load\"}"));
    }
}
