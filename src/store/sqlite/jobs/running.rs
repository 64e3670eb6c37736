//! Claiming, settling, leases, and what makes jobs ready again.

use std::{collections::HashSet, time::Duration};

use sqlx::SqliteConnection;

use super::{json, millis, sql, unblock};
use crate::{
    clock::Timestamp,
    ids::InstallationId,
    store::{
        StoreError,
        jobs::{
            Claim, Claimed, DEAD_LETTER_LIFE, Ending, JobId, JobState, LONGEST_HELD_UP, Lapsed,
            MOST_CLAIMED, MOST_SWEPT, Owner, RUN_LOST, Run, Settled, Swept, Turn, kept,
        },
        rows::unsealed,
        seal::Purpose,
        sqlite::{SqliteStore, fault},
    },
    token::AppToken,
    trace::TraceId,
};

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    id: String,
    installation_id: String,
    kind: String,
    name: String,
    attempt: u32,
    payload: String,
    trace: String,
    sealed: Option<Vec<u8>>,
    token_expires_at: Option<i64>,
    received_at: i64,
}

impl SqliteStore {
    pub(super) async fn take_turn(
        &self,
        settled: &[Settled],
        claim: Option<&Claim>,
    ) -> Result<Turn, StoreError> {
        if settled.is_empty() && claim.is_none() {
            return Ok(Turn::default());
        }
        let now = self.clock.now_millis();
        let mut transaction = self.begin().await?;
        let lost = settle(&mut transaction, settled, now).await?;
        let rows = match claim {
            Some(claim) => take(&mut transaction, claim, now).await?,
            None => Vec::new(),
        };
        transaction.commit().await.map_err(fault)?;
        let claimed = rows.into_iter().map(|row| self.claimed(row));
        Ok(Turn {
            claimed: claimed.collect::<Result<_, _>>()?,
            lost,
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
        let list: Vec<_> = runs.iter().map(|run| (run.job, run.attempt)).collect();
        let until = self.clock.now_millis().saturating_add(millis(lease));
        let mut transaction = self.begin().await?;
        let held: Vec<String> = sqlx::query_scalar(sql::RENEW)
            .bind(json(&list)?)
            .bind(owner.uuid().to_string())
            .bind(until)
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        without(runs.iter().copied(), &held)
    }

    pub(super) async fn sweep_jobs(&self, max_attempts: u32) -> Result<Swept, StoreError> {
        let now = self.clock.now_millis();
        let mut transaction = self.begin().await?;
        let too_long_ago = now.saturating_sub(millis(LONGEST_HELD_UP));
        let mut woken = wake(&mut transaction, sql::WAKE_DELAYED, now).await?;
        woken += wake(&mut transaction, sql::WAKE_HELD_UP, too_long_ago).await?;
        woken += self.wake_parked(&mut transaction).await?;
        let (lapsed, orders) = lapse(&mut transaction, now, max_attempts).await?;
        woken += lapsed.iter().map(|run| u64::from(!run.dead)).sum::<u64>();
        woken += unblock(&mut transaction, &orders).await?;
        let due: (Option<i64>, Option<i64>) = sqlx::query_as(sql::DUE)
            .fetch_one(&mut *transaction)
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        let due = due.0.into_iter().chain(due.1).min();
        Ok(Swept {
            woken,
            lapsed,
            next: due.map(|due| span(due.saturating_sub(now))),
        })
    }

    async fn wake_parked(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        // A token that lives by the same rule as everywhere: with a minute in hand.
        let outlives = self.clock.now().plus(AppToken::EXPIRY_MARGIN);
        let woken = sqlx::query(sql::WAKE_PARKED)
            .bind(outlives.unix())
            .bind(self.sealer.header())
            .bind(MOST_SWEPT)
            .execute(connection)
            .await;
        Ok(woken.map_err(fault)?.rows_affected())
    }

    pub(super) async fn prune_jobs(&self) -> Result<u64, StoreError> {
        let now = self.clock.now_millis();
        let mut transaction = self.begin().await?;
        let mut pruned = 0;
        for (statement, by) in [
            (sql::PRUNE_DONE, now),
            (
                sql::PRUNE_DEAD,
                now.saturating_sub(millis(DEAD_LETTER_LIFE)),
            ),
        ] {
            let done = sqlx::query(statement)
                .bind(by)
                .bind(MOST_SWEPT)
                .execute(&mut *transaction)
                .await;
            pruned += done.map_err(fault)?.rows_affected();
        }
        transaction.commit().await.map_err(fault)?;
        Ok(pruned)
    }

    fn claimed(&self, row: Row) -> Result<Claimed, StoreError> {
        let installation: InstallationId =
            row.installation_id.parse().map_err(StoreError::damaged)?;
        let token = row.sealed.zip(row.token_expires_at);
        let app_token = token.and_then(|(sealed, expires_at)| {
            let expires_at = Timestamp::from_unix(expires_at);
            unsealed(
                &self.sealer,
                Purpose::JobToken,
                installation,
                &sealed,
                expires_at,
            )
        });
        Ok(Claimed {
            run: Run {
                job: row.id.parse().map_err(StoreError::damaged)?,
                attempt: row.attempt.saturating_add(1),
            },
            installation,
            kind: row.kind.parse().map_err(StoreError::damaged)?,
            name: row.name.into(),
            payload: row.payload.into(),
            trace: TraceId::of_text(&row.trace),
            app_token,
            received_at: Timestamp::from_unix(row.received_at.div_euclid(1000)),
        })
    }
}

/// Settles what is still held, and names the rest.
async fn settle(
    connection: &mut SqliteConnection,
    settled: &[Settled],
    now: i64,
) -> Result<Vec<Run>, StoreError> {
    if settled.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<_> = settled.iter().map(|it| settlement(it, now)).collect();
    let done: Vec<(String, Option<String>)> = sqlx::query_as(sql::SETTLE)
        .bind(json(&list)?)
        .bind(now)
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    let (ids, orders): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    let orders: Vec<_> = orders.into_iter().flatten().collect();
    unblock(connection, &orders).await?;
    without(settled.iter().map(|it| it.run), &ids)
}

fn settlement(
    settled: &Settled,
    now: i64,
) -> (
    JobId,
    uuid::Uuid,
    u32,
    &'static str,
    Option<i64>,
    u32,
    Option<String>,
) {
    let Run { job, attempt } = settled.run;
    let given_back = attempt.saturating_sub(1);
    let later = |after: Duration| match millis(after) {
        0 => (JobState::Ready, None),
        after => (JobState::Delayed, Some(now.saturating_add(after))),
    };
    let ((state, due), counted, error) = match &settled.how {
        Ending::Done => ((JobState::Done, None), attempt, None),
        Ending::Retry { after, error } => (later(*after), attempt, Some(error)),
        Ending::Postponed { after, error } => (later(*after), given_back, error.as_ref()),
        Ending::AwaitsToken { error } => ((JobState::Parked, None), given_back, Some(error)),
        Ending::Dead { error } => ((JobState::Dead, None), attempt, Some(error)),
    };
    let error = error.map(|error| kept(error));
    let owner = settled.owner.uuid();
    (job, owner, attempt, state.as_str(), due, counted, error)
}

async fn take(
    connection: &mut SqliteConnection,
    claim: &Claim,
    now: i64,
) -> Result<Vec<Row>, StoreError> {
    let after = claim.after.map(|id| id.uuid().to_string());
    let rows: Vec<Row> = sqlx::query_as(sql::NEXT)
        .bind(i64::try_from(claim.most.min(MOST_CLAIMED)).unwrap_or(0))
        .bind(after.unwrap_or_default())
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    if rows.is_empty() {
        return Ok(rows);
    }
    let list: Vec<_> = rows.iter().map(|row| row.seq).collect();
    sqlx::query(sql::TAKE)
        .bind(json(&list)?)
        .bind(claim.owner.uuid().to_string())
        .bind(now.saturating_add(millis(claim.lease)))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(rows)
}

async fn wake(
    connection: &mut SqliteConnection,
    statement: &'static str,
    by: i64,
) -> Result<u64, StoreError> {
    let woken = sqlx::query(statement)
        .bind(by)
        .bind(MOST_SWEPT)
        .execute(connection)
        .await;
    Ok(woken.map_err(fault)?.rows_affected())
}

/// Takes the leases that have lapsed; names the runs, and the orders of those that are dead.
async fn lapse(
    connection: &mut SqliteConnection,
    now: i64,
    max_attempts: u32,
) -> Result<(Vec<Lapsed>, Vec<String>), StoreError> {
    let rows: Vec<(String, u32, String, String, bool, Option<String>)> = sqlx::query_as(sql::LAPSE)
        .bind(now)
        .bind(max_attempts)
        .bind(RUN_LOST)
        .bind(MOST_SWEPT)
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    let mut lapsed = Vec::with_capacity(rows.len());
    let mut orders = Vec::new();
    for (job, attempt, installation, name, dead, order) in rows {
        orders.extend(order.filter(|_| dead));
        lapsed.push(Lapsed {
            run: Run {
                job: job.parse().map_err(StoreError::damaged)?,
                attempt,
            },
            installation: installation.parse().map_err(StoreError::damaged)?,
            name: name.into(),
            dead,
        });
    }
    Ok((lapsed, orders))
}

/// The runs whose jobs are not among those ids.
fn without(runs: impl Iterator<Item = Run>, ids: &[String]) -> Result<Vec<Run>, StoreError> {
    let held: Result<HashSet<JobId>, _> = ids.iter().map(|id| id.parse()).collect();
    let held = held.map_err(StoreError::damaged)?;
    Ok(runs.filter(|run| !held.contains(&run.job)).collect())
}

fn span(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
