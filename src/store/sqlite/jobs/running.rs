//! Claiming, settling, leases, and what makes jobs ready again.

use std::time::Duration;

use sqlx::{FromRow, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{hex, json, millis, sql, unblock};
use crate::{
    ids::InstallationId,
    store::{
        BoxError, StoreError,
        jobs::{
            Claim, Claimed, DEAD_LETTER_LIFE, Found, JobId, LONGEST_HELD_UP, LONGEST_LEASE, Lapsed,
            MOST_CLAIMED, MOST_SWEPT, Owner, RUN_LOST, Run, Settled, Settlement, Swept, Turn,
            UNREADABLE, moment, readable, unreadable, without,
        },
        sqlite::{SqliteStore, fault},
    },
    token::AppToken,
    trace::TraceId,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    installation_id: String,
    kind: String,
    name: String,
    attempt: u32,
    /// SQLite reads a null as an empty text if it is not asked.
    payload: Option<String>,
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
        let (found, unreadable) = match claim {
            Some(claim) => take(&mut transaction, claim, now).await?,
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
        Ok(without(runs.iter().copied(), ids(&held)?))
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
        let known: Vec<_> = self.sealer.headers().map(hex).collect();
        let woken = sqlx::query(sql::WAKE_PARKED)
            .bind(outlives.unix())
            .bind(json(&known)?)
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
}

impl Row {
    /// A row of the claim; whatever is damaged in it, its number tells where it is.
    fn read(row: &SqliteRow) -> Result<Found, BoxError> {
        let row = Self::from_row(row)?;
        Ok(Found {
            claimed: Claimed {
                run: Run {
                    job: row.id.parse()?,
                    attempt: row.attempt.saturating_add(1),
                },
                installation: row.installation_id.parse()?,
                kind: row.kind.parse()?,
                name: row.name.into(),
                payload: row.payload.ok_or("it has no payload")?.into(),
                trace: TraceId::of_text(&row.trace),
                app_token: None,
                received_at: moment(row.received_at),
            },
            sealed: row.sealed,
            token_expires_at: row.token_expires_at,
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
    Ok(without(settled.iter().map(|it| it.run), self::ids(&ids)?))
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
    let it = Settlement::of(settled);
    let due = it.after.map(|after| now.saturating_add(millis(after)));
    let owner = settled.owner.uuid();
    let state = it.state.as_str();
    (job, owner, attempt, state, due, it.counted, it.error)
}

/// Gives out what is ready, and buries what cannot be read; tells how many that are.
async fn take(
    connection: &mut SqliteConnection,
    claim: &Claim,
    now: i64,
) -> Result<(Vec<Found>, usize), StoreError> {
    let after = claim.after.map(|id| id.uuid().to_string());
    let except: Vec<_> = claim.except.iter().map(InstallationId::uuid).collect();
    let rows = sqlx::query(sql::NEXT)
        .bind(i64::try_from(claim.most.min(MOST_CLAIMED)).unwrap_or(0))
        .bind(after.unwrap_or_default())
        .bind(i64::try_from(claim.each.max(1)).unwrap_or(i64::MAX))
        .bind(json(&except)?)
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    let (mut taken, mut damaged) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let seq: i64 = row.try_get("seq").map_err(StoreError::damaged)?;
        match Row::read(row) {
            Ok(job) => {
                taken.push(seq);
                found.push(job);
            }
            Err(cause) => {
                unreadable(seq, &cause);
                damaged.push(seq);
            }
        }
    }
    if !taken.is_empty() {
        sqlx::query(sql::TAKE)
            .bind(json(&taken)?)
            .bind(claim.owner.uuid().to_string())
            .bind(now.saturating_add(millis(claim.lease)))
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    bury(connection, &damaged, now).await?;
    Ok((found, damaged.len()))
}

async fn bury(
    connection: &mut SqliteConnection,
    damaged: &[i64],
    now: i64,
) -> Result<(), StoreError> {
    if damaged.is_empty() {
        return Ok(());
    }
    let orders: Vec<Option<String>> = sqlx::query_scalar(sql::BURY)
        .bind(json(damaged)?)
        .bind(UNREADABLE)
        .bind(now)
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    let orders: Vec<_> = orders.into_iter().flatten().collect();
    unblock(connection, &orders).await?;
    Ok(())
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
    let rows = sqlx::query(sql::LAPSE)
        .bind(now)
        .bind(max_attempts)
        .bind(RUN_LOST)
        .bind(MOST_SWEPT)
        .bind(now.saturating_add(millis(LONGEST_LEASE)))
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    let orders = rows
        .iter()
        .filter_map(|row| row.try_get("ended_order").ok()?);
    Ok((readable(rows.iter().map(lapsed)), orders.collect()))
}

fn lapsed(row: &SqliteRow) -> Result<Lapsed, BoxError> {
    type Columns = (String, u32, String, String, bool);
    let (job, attempt, installation, name, dead) = Columns::from_row(row)?;
    Ok(Lapsed {
        run: Run {
            job: job.parse()?,
            attempt,
        },
        installation: installation.parse()?,
        name: name.into(),
        dead,
    })
}

/// Ids that a statement gave back.
fn ids(texts: &[String]) -> Result<Vec<JobId>, StoreError> {
    let ids: Result<_, _> = texts.iter().map(|id| id.parse()).collect();
    ids.map_err(StoreError::damaged)
}

fn span(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
