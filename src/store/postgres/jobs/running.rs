//! Claiming, settling and leases.

use std::{collections::HashSet, time::Duration};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{sql, unblock};
use crate::{
    clock::Timestamp,
    store::{
        StoreError,
        jobs::{
            Claim, Claimed, Ending, JobId, JobState, MOST_CLAIMED, Owner, Run, Settled, Turn, kept,
        },
        postgres::{PostgresStore, fault, moment::millis},
        rows::unsealed,
        seal::Purpose,
    },
    trace::TraceId,
};

/// How often a claim looks at further installations, where another replica is just taking
/// what it found.
const MOST_LOOKS: u32 = 8;

/// A job that was claimed, or the bare news of the visit.
#[derive(sqlx::FromRow)]
struct Row {
    visited: i64,
    last: Option<Uuid>,
    id: Option<Uuid>,
    installation_id: Option<Uuid>,
    kind: Option<String>,
    name: Option<String>,
    attempt: Option<i64>,
    payload: Option<String>,
    trace: Option<String>,
    sealed: Option<Vec<u8>>,
    token_expires_at: Option<i64>,
    received_at: Option<i64>,
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
        let claimed = match claim {
            Some(claim) => self.claim(&mut transaction, claim).await?,
            None => Vec::new(),
        };
        transaction.commit().await.map_err(fault)?;
        Ok(Turn { claimed, lost })
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
        Ok(without(runs.iter().copied(), held))
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
        Ok(without(settled.iter().map(|it| it.run), jobs))
    }

    async fn claim(
        &self,
        connection: &mut PgConnection,
        claim: &Claim,
    ) -> Result<Vec<Claimed>, StoreError> {
        let most = claim.most.min(MOST_CLAIMED);
        let mut after = claim.after.map_or(Uuid::nil(), |id| id.uuid());
        let mut claimed = Vec::new();
        for _ in 0..MOST_LOOKS {
            let left = i64::try_from(most - claimed.len()).unwrap_or(0);
            if left == 0 {
                break;
            }
            let rows: Vec<Row> = sqlx::query_as(sql::CLAIM)
                .bind(left)
                .bind(after)
                .bind(claim.owner.uuid())
                .bind(millis(claim.lease))
                .bind(self.set_by_hand())
                .fetch_all(&mut *connection)
                .await
                .map_err(fault)?;
            let (visited, last) = rows
                .first()
                .map_or((0, None), |row| (row.visited, row.last));
            let before = claimed.len();
            for row in rows {
                claimed.extend(self.claimed(row)?);
            }
            match last {
                // There may be installations that were not visited.
                Some(last) if visited >= left => after = last,
                // All were: go round again if they had something.
                Some(_) if claimed.len() > before => {}
                _ => break,
            }
        }
        Ok(claimed)
    }

    fn claimed(&self, row: Row) -> Result<Option<Claimed>, StoreError> {
        let (Some(id), Some(installation)) = (row.id, row.installation_id) else {
            return Ok(None);
        };
        let installation = installation.into();
        let token = row.sealed.zip(row.token_expires_at);
        let app_token = token.and_then(|(sealed, expires_at)| {
            let expires_at = Timestamp::from_unix(expires_at);
            let purpose = Purpose::JobToken;
            unsealed(&self.sealer, purpose, installation, &sealed, expires_at)
        });
        let attempt = u32::try_from(row.attempt.unwrap_or(0)).map_err(StoreError::damaged)?;
        let kind = row.kind.unwrap_or_default();
        Ok(Some(Claimed {
            run: Run {
                job: JobId::from_uuid(id),
                attempt,
            },
            installation,
            kind: kind.parse().map_err(StoreError::damaged)?,
            name: row.name.unwrap_or_default().into(),
            payload: row.payload.unwrap_or_default().into(),
            trace: TraceId::of_text(&row.trace.unwrap_or_default()),
            app_token,
            received_at: Timestamp::from_unix(row.received_at.unwrap_or(0).div_euclid(1000)),
        }))
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
        let given_back = attempt.saturating_sub(1);
        let later = |after: Duration| match millis(after) {
            0 => (JobState::Ready, None),
            after => (JobState::Delayed, Some(after)),
        };
        let ((state, after), counted, error) = match &settled.how {
            Ending::Done => ((JobState::Done, None), attempt, None),
            Ending::Retry { after, error } => (later(*after), attempt, Some(error)),
            Ending::Postponed { after, error } => (later(*after), given_back, error.as_ref()),
            Ending::AwaitsToken { error } => ((JobState::Parked, None), given_back, Some(error)),
            Ending::Dead { error } => ((JobState::Dead, None), attempt, Some(error)),
        };
        self.jobs.push(job.uuid());
        self.owners.push(settled.owner.uuid());
        self.attempts.push(attempt.into());
        self.states.push(state.as_str());
        self.after.push(after);
        self.counted.push(counted.into());
        self.errors.push(error.map(|error| kept(error)));
    }
}

/// The runs whose jobs are not among those ids.
fn without(runs: impl Iterator<Item = Run>, held: Vec<Uuid>) -> Vec<Run> {
    let held: HashSet<_> = held.into_iter().map(JobId::from_uuid).collect();
    runs.filter(|run| !held.contains(&run.job)).collect()
}
