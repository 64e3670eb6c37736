//! Jobs in SQLite: every operation is one transaction of the one writer.

mod adding;
mod operating;
mod running;
pub(super) mod sql;

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use sqlx::SqliteConnection;

use super::{SqliteStore, fault};
use crate::store::{
    StoreError,
    jobs::{
        Added, Claim, Counts, JobId, JobRecord, Jobs, NewJob, Owner, Run, Settled, Swept, Turn,
        Which,
    },
};

impl Jobs for SqliteStore {
    fn add<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Result<Vec<Added>, StoreError>> {
        self.add_jobs(jobs).boxed()
    }

    fn turn<'a>(
        &'a self,
        settled: &'a [Settled],
        claim: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        self.take_turn(settled, claim).boxed()
    }

    fn renew<'a>(
        &'a self,
        owner: Owner,
        runs: &'a [Run],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Run>, StoreError>> {
        self.renew_leases(owner, runs, lease).boxed()
    }

    fn sweep(&self, max_attempts: u32) -> BoxFuture<'_, Result<Swept, StoreError>> {
        self.sweep_jobs(max_attempts).boxed()
    }

    fn prune(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.prune_jobs().boxed()
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>> {
        self.count_jobs().boxed()
    }

    fn list<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<Vec<JobRecord>, StoreError>> {
        self.list_jobs(which).boxed()
    }

    fn show(&self, id: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, StoreError>> {
        self.show_job(id).boxed()
    }

    fn replay<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.replay_jobs(which).boxed()
    }

    fn purge<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.purge_jobs(which).boxed()
    }
}

/// Makes ready whatever is first in its order now; tells how many that are.
async fn unblock(connection: &mut SqliteConnection, orders: &[String]) -> Result<u64, StoreError> {
    if orders.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(sql::UNBLOCK)
        .bind(json(orders)?)
        .execute(connection)
        .await;
    Ok(done.map_err(fault)?.rows_affected())
}

/// A list, as the statements take it.
fn json<T: serde::Serialize + ?Sized>(list: &T) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(StoreError::damaged)
}

/// As SQLite's `unhex` reads it. By a table: a formatter takes a tenth of all the time that
/// an event costs.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
