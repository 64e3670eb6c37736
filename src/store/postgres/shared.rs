//! Account tokens and the quota of exchanges, for all replicas.

mod quota;
mod tokens;

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};

use super::PostgresStore;
use crate::{
    ids::AppId,
    store::{
        StoreError,
        shared::{Claiming, ExchangeClaim, Shared, SharedSubject, SharedToken, Taken},
    },
};

impl Shared for PostgresStore {
    fn account_token<'a>(
        &'a self,
        subject: &'a SharedSubject,
    ) -> BoxFuture<'a, Result<Option<SharedToken>, StoreError>> {
        self.token_of(subject).boxed()
    }

    fn claim_exchange<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
    ) -> BoxFuture<'a, Result<Claiming, StoreError>> {
        self.claim_for(subject, claim).boxed()
    }

    fn keep_claim<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.prolong(subject, claim).boxed()
    }

    fn end_exchange<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
        token: Option<&'a SharedToken>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.end_claim(subject, claim, token).boxed()
    }

    fn take_place(
        &self,
        app: AppId,
        limit: u32,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Taken, StoreError>> {
        self.take(app, limit, patience).boxed()
    }

    fn is_epoch(&self, app: AppId, epoch: i64) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.has_epoch(app, epoch).boxed()
    }

    fn limit_places(
        &self,
        app: AppId,
        limit: u32,
        ago: Duration,
        pause: Duration,
    ) -> BoxFuture<'_, Result<Duration, StoreError>> {
        self.limit(app, limit, ago, pause).boxed()
    }
}
