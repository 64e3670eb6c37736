//! Claiming, settling and leases.

use std::{collections::HashMap, time::Duration};

use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{sql, unblock};
use crate::{
    ids::InstallationId,
    store::{
        BoxError, StoreError,
        jobs::{
            Claim, Claimed, Found, JobId, MOST_CLAIMED, Owner, Run, Settled, Settlement, Turn,
            UNREADABLE, moment, unreadable, without,
        },
        postgres::{PostgresStore, fault, moment::millis},
    },
    trace::TraceId,
};

/// How often a claim looks at further installations, where another replica is just taking
/// what it found.
const MOST_LOOKS: u32 = 8;

/// A job that was claimed.
#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    installation_id: Uuid,
    kind: String,
    name: String,
    attempt: i64,
    payload: String,
    trace: String,
    sealed: Option<Vec<u8>>,
    token_expires_at: Option<i64>,
    received_at: i64,
}

impl PostgresStore {
    pub(super) async fn take_turn(
        &self,
        settled: &[Settled],
        claim: Option<&Claim>,
    ) -> Result<Turn, StoreError> {
        if settled.is_empty() && claim.is_none() {
            return Ok(Turn::default());
        }
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        let lost = self.settle(&mut transaction, settled).await?;
        let (found, unreadable) = match claim {
            Some(claim) => self.claim(&mut transaction, claim).await?,
            None => Default::default(),
        };
        transaction.commit().await.map_err(fault)?;
        let claimed = found.into_iter().map(|found| found.open(&self.sealer));
        Ok(Turn {
            claimed: claimed.collect(),
            lost,
            unreadable,
        })
    }

    pub(super) async fn renew_leases(
        &self,
        owner: Owner,
        runs: &[Run],
        lease: Duration,
    ) -> Result<Vec<Run>, StoreError> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let jobs: Vec<_> = runs.iter().map(|run| run.job.uuid()).collect();
        let attempts: Vec<_> = runs.iter().map(|run| i64::from(run.attempt)).collect();
        let held: Vec<Uuid> = sqlx::query_scalar(sql::RENEW)
            .bind(jobs)
            .bind(attempts)
            .bind(owner.uuid())
            .bind(millis(lease))
            .bind(self.set_by_hand())
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        Ok(without(runs.iter().copied(), ids(held)))
    }

    /// Settles what is still held, and names the rest.
    async fn settle(
        &self,
        connection: &mut PgConnection,
        settled: &[Settled],
    ) -> Result<Vec<Run>, StoreError> {
        if settled.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = Settlements::default();
        for settled in settled {
            list.push(settled);
        }
        let done: Vec<(Uuid, Option<Vec<u8>>)> = sqlx::query_as(sql::SETTLE)
            .bind(list.jobs)
            .bind(list.owners)
            .bind(list.attempts)
            .bind(list.states)
            .bind(list.after)
            .bind(list.counted)
            .bind(list.errors)
            .bind(self.set_by_hand())
            .fetch_all(&mut *connection)
            .await
            .map_err(fault)?;
        let (jobs, orders): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        let orders: Vec<_> = orders.into_iter().flatten().collect();
        unblock(connection, &orders).await?;
        Ok(without(settled.iter().map(|it| it.run), ids(jobs)))
    }

    /// Gives out what is ready, and buries what cannot be read; tells how many that are.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        claim: &Claim,
    ) -> Result<(Vec<Found>, usize), StoreError> {
        let most = claim.most.min(MOST_CLAIMED);
        let mut after = claim.after.map_or(Uuid::nil(), |id| id.uuid());
        let (mut claimed, mut damaged) = (Vec::new(), Vec::new());
        let each = claim.each.max(1);
        let mut except: Vec<_> = claim.except.iter().map(InstallationId::uuid).collect();
        for _ in 0..MOST_LOOKS {
            let left = i64::try_from(most - claimed.len() - damaged.len()).unwrap_or(0);
            if left == 0 {
                break;
            }
            let rows = sqlx::query(sql::CLAIM)
                .bind(left)
                .bind(after)
                .bind(claim.owner.uuid())
                .bind(millis(claim.lease))
                .bind(self.set_by_hand())
                .bind(i64::try_from(each).unwrap_or(i64::MAX))
                .bind(&except)
                .fetch_all(&mut *connection)
                .await
                .map_err(fault)?;
            let (visited, last) = match rows.first() {
                Some(row) => visit(row).map_err(fault)?,
                None => (0, None),
            };
            let before = claimed.len() + damaged.len();
            for row in &rows {
                let Some(id) = row.try_get("id").map_err(fault)? else {
                    continue;
                };
                match Row::read(row) {
                    Ok(found) => claimed.push(found),
                    Err(cause) => {
                        unreadable(id, &cause);
                        damaged.push(id);
                    }
                }
            }
            except.extend(served(&claimed[..], each));
            match last {
                // There may be installations that were not visited.
                Some(last) if visited >= left => after = last,
                // All were: go round again if they had something.
                Some(_) if claimed.len() + damaged.len() > before => {}
                _ => break,
            }
        }
        self.bury(connection, &damaged).await?;
        Ok((claimed, damaged.len()))
    }

    async fn bury(
        &self,
        connection: &mut PgConnection,
        damaged: &[Uuid],
    ) -> Result<(), StoreError> {
        if damaged.is_empty() {
            return Ok(());
        }
        let orders: Vec<Option<Vec<u8>>> = sqlx::query_scalar(sql::BURY)
            .bind(damaged)
            .bind(UNREADABLE)
            .bind(self.set_by_hand())
            .fetch_all(&mut *connection)
            .await
            .map_err(fault)?;
        let orders: Vec<_> = orders.into_iter().flatten().collect();
        unblock(connection, &orders).await?;
        Ok(())
    }
}

/// How many installations a claim visited, and the last of them.
fn visit(row: &PgRow) -> Result<(i64, Option<Uuid>), sqlx::Error> {
    Ok((row.try_get("visited")?, row.try_get("last")?))
}

impl Row {
    fn read(row: &PgRow) -> Result<Found, BoxError> {
        let row = Self::from_row(row)?;
        Ok(Found {
            claimed: Claimed {
                run: Run {
                    job: JobId::from_uuid(row.id),
                    attempt: row.attempt.try_into()?,
                },
                installation: row.installation_id.into(),
                kind: row.kind.parse()?,
                name: row.name.into(),
                payload: row.payload.into(),
                trace: TraceId::of_text(&row.trace),
                app_token: None,
                received_at: moment(row.received_at),
            },
            sealed: row.sealed,
            token_expires_at: row.token_expires_at,
        })
    }
}

/// Settlements by their columns.
#[derive(Default)]
struct Settlements {
    jobs: Vec<Uuid>,
    owners: Vec<Uuid>,
    attempts: Vec<i64>,
    states: Vec<&'static str>,
    after: Vec<Option<i64>>,
    counted: Vec<i64>,
    errors: Vec<Option<String>>,
}

impl Settlements {
    fn push(&mut self, settled: &Settled) {
        let Run { job, attempt } = settled.run;
        let it = Settlement::of(settled);
        self.jobs.push(job.uuid());
        self.owners.push(settled.owner.uuid());
        self.attempts.push(attempt.into());
        self.states.push(it.state.as_str());
        self.after.push(it.after.map(millis));
        self.counted.push(it.counted.into());
        self.errors.push(it.error);
    }
}

/// Ids that a statement gave back.
fn ids(uuids: Vec<Uuid>) -> impl Iterator<Item = JobId> {
    uuids.into_iter().map(JobId::from_uuid)
}

/// Installations that have got all that one claim gives them.
fn served(claimed: &[Found], each: usize) -> Vec<Uuid> {
    let mut counts: HashMap<Uuid, usize> = HashMap::new();
    for found in claimed {
        *counts.entry(found.claimed.installation.uuid()).or_default() += 1;
    }
    counts.retain(|_, count| *count >= each);
    counts.into_keys().collect()
}
