//! New jobs, without those that are held already.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{beginning, lock, sql, unblock_locked};
use crate::store::{
    StoreError,
    jobs::{Added, Batch, JobId, NewJob},
    postgres::{PostgresStore, fault, moment::millis},
    seal::Purpose,
};

/// Payloads of one statement.
const MOST_BYTES: usize = 16 * 1024 * 1024;

impl PostgresStore {
    pub(super) async fn add_jobs(&self, jobs: &[NewJob]) -> Result<Vec<Added>, StoreError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let sealed = self.sealed_tokens(jobs)?;
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        lock(&mut transaction, locked(jobs)).await?;
        let held = self.held(&mut transaction, jobs).await?;
        let mut batch = Batch::default();
        let mut added: Vec<_> = jobs
            .iter()
            .zip(held)
            .map(|(job, held)| batch.add(job, held))
            .collect();
        let new = jobs.iter().zip(sealed).zip(&added);
        let new: Vec<_> = new
            .filter(|(_, added)| !added.duplicate)
            .map(|(job, _)| job)
            .collect();
        let mut written = HashSet::with_capacity(new.len());
        for rows in Rows::in_parts(new) {
            written.extend(self.insert(&mut transaction, rows).await?);
        }
        let orders: Vec<_> = batch.orders().map(|order| order.0.to_vec()).collect();
        unblock_locked(&mut transaction, &orders).await?;
        transaction.commit().await.map_err(fault)?;
        for added in &mut added {
            // Another replica may have written it since the look.
            added.duplicate |= !written.contains(&added.id.uuid());
        }
        Ok(added)
    }

    fn sealed_tokens(&self, jobs: &[NewJob]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let sealed = jobs.iter().map(|job| {
            let token = job.app_token.as_ref()?.secret();
            let purpose = Purpose::JobToken;
            Some(self.sealer.seal(purpose, job.installation, token))
        });
        sealed
            .map(Option::transpose)
            .collect::<Result<_, _>>()
            .map_err(StoreError::damaged)
    }

    /// The job that the store holds of each, if any. Where only the ids matter, the insert
    /// finds out by itself.
    async fn held(
        &self,
        connection: &mut PgConnection,
        jobs: &[NewJob],
    ) -> Result<Vec<Option<JobId>>, StoreError> {
        if !jobs.iter().any(is_picky) {
            return Ok(vec![None; jobs.len()]);
        }
        let ids: Vec<_> = jobs.iter().map(|job| job.id.uuid()).collect();
        let digests: Vec<_> = jobs.iter().map(|job| job.digest.as_slice()).collect();
        let within: Vec<_> = jobs
            .iter()
            .map(|job| job.unless_within.map(millis))
            .collect();
        let orders: Vec<_> = jobs
            .iter()
            .map(|job| {
                job.order
                    .filter(|_| job.coalesces)
                    .map(|order| order.0.to_vec())
            })
            .collect();
        let rows: Vec<(Option<Uuid>, Option<Uuid>, Option<Uuid>)> = sqlx::query_as(sql::HELD)
            .bind(ids)
            .bind(digests)
            .bind(within)
            .bind(orders)
            .bind(self.set_by_hand())
            .fetch_all(connection)
            .await
            .map_err(fault)?;
        let ids = rows
            .into_iter()
            .map(|(same, alike, waiting)| same.or(alike).or(waiting).map(JobId::from_uuid));
        Ok(ids.collect())
    }

    /// Writes the jobs, and tells which ids were not there.
    async fn insert(
        &self,
        connection: &mut PgConnection,
        rows: Rows<'_>,
    ) -> Result<Vec<Uuid>, StoreError> {
        sqlx::query_scalar(sql::INSERT)
            .bind(rows.ids)
            .bind(rows.installations)
            .bind(rows.kinds)
            .bind(rows.names)
            .bind(rows.digests)
            .bind(rows.remember)
            .bind(rows.orders)
            .bind(rows.payloads)
            .bind(rows.traces)
            .bind(rows.sealed)
            .bind(rows.expiries)
            .bind(self.set_by_hand())
            .fetch_all(connection)
            .await
            .map_err(fault)
    }
}

/// Jobs by their columns.
#[derive(Default)]
struct Rows<'a> {
    ids: Vec<Uuid>,
    installations: Vec<Uuid>,
    kinds: Vec<&'static str>,
    names: Vec<&'a str>,
    digests: Vec<&'a [u8]>,
    remember: Vec<i64>,
    orders: Vec<Option<Vec<u8>>>,
    payloads: Vec<&'a str>,
    traces: Vec<&'a str>,
    sealed: Vec<Option<Vec<u8>>>,
    expiries: Vec<Option<i64>>,
}

impl<'a> Rows<'a> {
    /// The jobs in parts that are written by one statement each: a batch of the largest
    /// events would be more than the server takes at once.
    fn in_parts(jobs: Vec<(&'a NewJob, Option<Vec<u8>>)>) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        let mut bytes = 0;
        for (job, sealed) in jobs {
            bytes += job.payload.len();
            let part = match parts.last_mut() {
                Some(part) if bytes <= MOST_BYTES => part,
                _ => {
                    bytes = job.payload.len();
                    parts.push_mut(Self::default())
                }
            };
            part.push(job, sealed);
        }
        parts
    }

    fn push(&mut self, job: &'a NewJob, sealed: Option<Vec<u8>>) {
        let token = job.app_token.as_ref();
        self.ids.push(job.id.uuid());
        self.installations.push(job.installation.uuid());
        self.kinds.push(job.kind.as_str());
        self.names.push(&job.name);
        self.digests.push(&job.digest);
        self.remember.push(millis(job.remember_for));
        self.orders.push(job.order.map(|order| order.0.to_vec()));
        self.payloads.push(&job.payload);
        self.traces.push(job.trace.as_str());
        self.sealed.push(sealed);
        self.expiries
            .push(token.map(|token| token.expires_at().unix()));
    }
}

/// Whether it may be a duplicate of a job with another id.
fn is_picky(job: &NewJob) -> bool {
    job.unless_within.is_some() || job.coalesces
}

/// What nobody else may touch from the look to the commit.
fn locked(jobs: &[NewJob]) -> impl Iterator<Item = [u8; 8]> {
    let orders = jobs.iter().filter_map(|job| job.order);
    let digests = jobs.iter().filter(|job| is_picky(job));
    orders
        .map(|order| beginning(&order.0))
        .chain(digests.map(|job| beginning(&job.digest)))
}
