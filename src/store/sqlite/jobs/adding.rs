//! New jobs, without those that are held already.

use sqlx::SqliteConnection;

use super::{hex, json, millis, sql, unblock};
use crate::store::{
    StoreError,
    jobs::{Added, Batch, JobId, NewJob},
    seal::Purpose,
    sqlite::{SqliteStore, fault},
};

/// Payloads of one statement.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A job, as the statement that writes it takes it.
#[derive(serde::Serialize)]
struct Row<'a>(
    JobId,
    String,
    &'static str,
    &'a str,
    String,
    i64,
    Option<String>,
    &'a str,
    &'a str,
    Option<String>,
    Option<i64>,
);

impl SqliteStore {
    pub(super) async fn add_jobs(&self, jobs: &[NewJob]) -> Result<Vec<Added>, StoreError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        // Whoever is told that a job is kept does not send it again.
        self.is_in_place().await?;
        let now = self.clock.now_millis();
        // Before the writer is taken: sealing is our work and not the database's.
        let mut rows = Vec::with_capacity(jobs.len());
        for job in jobs {
            rows.push(self.row(job, now)?);
        }
        let mut transaction = self.begin().await?;
        let held = held(&mut transaction, jobs, now).await?;
        let mut batch = Batch::default();
        let added: Vec<_> = jobs
            .iter()
            .zip(held)
            .map(|(job, held)| batch.add(job, held))
            .collect();
        let mut kept = added.iter().map(|added| !added.duplicate);
        rows.retain(|_| kept.next().unwrap_or(false));
        if rows.is_empty() {
            return Ok(added);
        }
        for rows in chunks(&rows) {
            sqlx::query(sql::INSERT)
                .bind(json(rows)?)
                .bind(now)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        let orders: Vec<_> = batch.orders().map(|order| hex(&order.0)).collect();
        unblock(&mut transaction, &orders).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(added)
    }

    fn row<'a>(&self, job: &'a NewJob, now: i64) -> Result<Row<'a>, StoreError> {
        let sealed = job.app_token.as_ref().map(|token| {
            let purpose = Purpose::JobToken;
            self.sealer.seal(purpose, job.installation, token.secret())
        });
        let sealed = sealed.transpose().map_err(StoreError::damaged)?;
        Ok(Row(
            job.id,
            job.installation.uuid().to_string(),
            job.kind.as_str(),
            &job.name,
            half(&job.digest),
            now.saturating_add(millis(job.remember_for)),
            job.order.map(|order| hex(&order.0)),
            &job.payload,
            job.trace.as_str(),
            sealed.map(|sealed| hex(&sealed)),
            job.app_token
                .as_ref()
                .map(|token| token.expires_at().unix()),
        ))
    }
}

/// Parts that are written by one statement each: a batch of the largest events would be
/// more than SQLite takes at once, and a second copy of it in memory.
fn chunks<'r, 'a>(mut rows: &'r [Row<'a>]) -> impl Iterator<Item = &'r [Row<'a>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&Row<'_>| {
            bytes += row.7.len();
            bytes <= MOST_BYTES
        };
        let fitting = rows.iter().take_while(fits).count();
        let (chunk, rest) = rows.split_at(fitting.max(1).min(rows.len()));
        rows = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Half of a digest: 128 bits tell the events of an installation apart, and each bit more
/// makes an index larger whose pages every commit touches at random.
fn half(digest: &[u8; 32]) -> String {
    hex(&digest[..16])
}

/// The job that the store holds of each, if any.
async fn held(
    connection: &mut SqliteConnection,
    jobs: &[NewJob],
    now: i64,
) -> Result<Vec<Option<JobId>>, StoreError> {
    let keys: Vec<_> = jobs
        .iter()
        .map(|job| {
            let order = job.order.filter(|_| job.coalesces);
            (
                job.id,
                half(&job.digest),
                job.unless_within.map(millis),
                order.map(|order| hex(&order.0)),
            )
        })
        .collect();
    let rows: Vec<(Option<String>, Option<String>, Option<String>)> = sqlx::query_as(sql::HELD)
        .bind(json(&keys)?)
        .bind(now)
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    rows.into_iter()
        .map(|(same, alike, waiting)| {
            let id = same.or(alike).or(waiting);
            id.map(|id| id.parse().map_err(StoreError::damaged))
                .transpose()
        })
        .collect()
}
