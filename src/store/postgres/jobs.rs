//! Jobs in PostgreSQL.
//!
//! What two replicas do at once meets in three places. Claims and sweeps skip the rows that
//! another one has just locked. Runs are fenced by owner and attempt. And whoever adds to an
//! order, or ends one of its jobs, holds a lock of that order from before the look at who is
//! first until the commit, so that of two who look at once one sees what the other did; the
//! same holds for digests that must not come twice.

mod adding;
mod operating;
mod running;
pub(super) mod sql;
mod sweeping;

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use sqlx::PgConnection;

use super::{PostgresStore, fault, fault::met_another};
use crate::store::{
    StoreError,
    jobs::{
        Added, Claim, Counts, JobId, JobRecord, Jobs, NewJob, Owner, Run, Settled, Swept, Turn,
        Which,
    },
};

/// How often a transaction is tried that met another one.
const TRIES: u32 = 3;

impl Jobs for PostgresStore {
    fn add<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Result<Vec<Added>, StoreError>> {
        tried(|| self.add_jobs(jobs)).boxed()
    }

    fn turn<'a>(
        &'a self,
        settled: &'a [Settled],
        claim: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        tried(move || self.take_turn(settled, claim)).boxed()
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
        tried(move || self.sweep_jobs(max_attempts)).boxed()
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
        tried(|| self.replay_jobs(which)).boxed()
    }

    fn purge<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.purge_jobs(which).boxed()
    }
}

/// Does it again if the server broke it off in favour of another transaction.
async fn tried<T, Trial>(work: impl Fn() -> Trial) -> Result<T, StoreError>
where
    Trial: Future<Output = Result<T, StoreError>>,
{
    let mut left = TRIES;
    loop {
        left -= 1;
        match work().await {
            Err(error) if left > 0 && met_another(&error) => {}
            outcome => return outcome,
        }
    }
}

/// Locks what begins with those bytes until the transaction ends, in one order for all.
async fn lock(
    connection: &mut PgConnection,
    beginnings: impl Iterator<Item = [u8; 8]>,
) -> Result<(), StoreError> {
    let mut keys: Vec<_> = beginnings.map(i64::from_be_bytes).collect();
    if keys.is_empty() {
        return Ok(());
    }
    keys.sort_unstable();
    keys.dedup();
    sqlx::query(sql::LOCK)
        .bind(keys)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// Locks the orders, then makes ready whatever is first in each; tells how many that are.
async fn unblock(connection: &mut PgConnection, orders: &[Vec<u8>]) -> Result<u64, StoreError> {
    lock(connection, orders.iter().map(|order| beginning(order))).await?;
    unblock_locked(connection, orders).await
}

async fn unblock_locked(
    connection: &mut PgConnection,
    orders: &[Vec<u8>],
) -> Result<u64, StoreError> {
    if orders.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(sql::UNBLOCK)
        .bind(orders)
        .execute(connection)
        .await;
    Ok(done.map_err(fault)?.rows_affected())
}

/// The first bytes of a hash.
fn beginning(hash: &[u8]) -> [u8; 8] {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(hash) {
        *to = *from;
    }
    bytes
}
