//! Jobs in SQLite.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, ready};

use super::SqliteStore;
use crate::store::{
    StoreError,
    jobs::{
        Added, Claim, Counts, JobId, JobRecord, Jobs, NewJob, Owner, Run, Settled, Swept, Turn,
        Which,
    },
};

fn not_yet<T: Send + 'static>() -> BoxFuture<'static, Result<T, StoreError>> {
    ready(Err(StoreError::unavailable("jobs are not kept yet"))).boxed()
}

impl Jobs for SqliteStore {
    fn add<'a>(&'a self, _: &'a [NewJob]) -> BoxFuture<'a, Result<Vec<Added>, StoreError>> {
        not_yet()
    }
    fn turn<'a>(
        &'a self,
        _: &'a [Settled],
        _: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        not_yet()
    }
    fn renew<'a>(
        &'a self,
        _: Owner,
        _: &'a [Run],
        _: Duration,
    ) -> BoxFuture<'a, Result<Vec<Run>, StoreError>> {
        not_yet()
    }
    fn sweep(&self, _: u32) -> BoxFuture<'_, Result<Swept, StoreError>> {
        not_yet()
    }
    fn prune(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        not_yet()
    }
    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>> {
        not_yet()
    }
    fn list<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<Vec<JobRecord>, StoreError>> {
        not_yet()
    }
    fn show(&self, _: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, StoreError>> {
        not_yet()
    }
    fn replay<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        not_yet()
    }
    fn purge<'a>(&'a self, _: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        not_yet()
    }
}
