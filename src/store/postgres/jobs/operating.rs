//! What an operator sees and does.

use sqlx::{
    FromRow, Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

use super::{sql, unblock};
use crate::{
    store::{
        BoxError, StoreError,
        jobs::{Counts, JobId, JobRecord, JobState, Which, moment, readable},
        postgres::{
            PostgresStore, fault,
            moment::{millis, span},
        },
    },
    trace::TraceId,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    installation_id: Uuid,
    kind: String,
    name: String,
    state: String,
    attempt: i64,
    received_at: i64,
    run_at: Option<i64>,
    ended_at: Option<i64>,
    trace: String,
    error: Option<String>,
    payload: Option<String>,
}

impl PostgresStore {
    pub(super) async fn count_jobs(&self) -> Result<Counts, StoreError> {
        let rows: Vec<(String, i64, Option<i64>)> = sqlx::query_as(sql::COUNT)
            .bind(self.set_by_hand())
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        let mut counts = Counts::default();
        for (state, count, age) in rows {
            let count = u64::try_from(count).unwrap_or(0);
            let state = state.parse().map_err(StoreError::damaged)?;
            match state {
                JobState::Ready | JobState::Blocked => counts.ready += count,
                JobState::Delayed => counts.delayed = count,
                JobState::Parked => counts.parked = count,
                JobState::Running => counts.running = count,
                JobState::Dead => counts.dead = count,
                JobState::Done => {}
            }
            if state != JobState::Dead {
                counts.oldest = counts.oldest.max(age.map(span));
            }
        }
        Ok(counts)
    }

    pub(super) async fn list_jobs(&self, which: &Which) -> Result<Vec<JobRecord>, StoreError> {
        let state = which.state.unwrap_or(JobState::Dead);
        let rows = self
            .filter(which)
            .on(sqlx::query(sql::LIST))
            .bind(state.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        Ok(readable(rows.iter().map(record)))
    }

    pub(super) async fn show_job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let row = sqlx::query(sql::SHOW)
            .bind(id.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(fault)?;
        let row = row.as_ref().map(record).transpose();
        row.map_err(StoreError::damaged)
    }

    pub(super) async fn replay_jobs(&self, which: &Which) -> Result<u64, StoreError> {
        if !which.may_be_dead() {
            return Ok(0);
        }
        let filter = self.filter(which);
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        let rows = filter
            .on(sqlx::query(sql::REPLAY))
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        let replayed = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let orders = rows.iter().map(|row| row.try_get(0));
        let orders: Vec<Option<Vec<u8>>> = orders.collect::<Result<_, _>>().map_err(fault)?;
        let mut orders: Vec<_> = orders.into_iter().flatten().collect();
        orders.sort_unstable();
        orders.dedup();
        unblock(&mut transaction, &orders).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(replayed)
    }

    pub(super) async fn purge_jobs(&self, which: &Which) -> Result<u64, StoreError> {
        if !which.may_be_dead() {
            return Ok(0);
        }
        let purged = self
            .filter(which)
            .on(sqlx::query(sql::PURGE))
            .execute(&self.pool)
            .await;
        Ok(purged.map_err(fault)?.rows_affected())
    }

    fn filter(&self, which: &Which) -> Filter {
        Filter {
            id: which.id.map(JobId::uuid),
            installation: which.installation.map(|id| id.uuid()),
            older_than: which.older_than.map(millis),
            most: which.at_most().into(),
            now: self.set_by_hand(),
        }
    }
}

/// What is bound in place of [`Which`].
struct Filter {
    id: Option<Uuid>,
    installation: Option<Uuid>,
    older_than: Option<i64>,
    most: i64,
    now: Option<i64>,
}

impl Filter {
    fn on(self, query: Query<'_, Postgres, PgArguments>) -> Query<'_, Postgres, PgArguments> {
        query
            .bind(self.id)
            .bind(self.installation)
            .bind(self.older_than)
            .bind(self.most)
            .bind(self.now)
    }
}

fn record(row: &PgRow) -> Result<JobRecord, BoxError> {
    let row = Row::from_row(row)?;
    Ok(JobRecord {
        id: JobId::from_uuid(row.id),
        installation: row.installation_id.into(),
        kind: row.kind.parse()?,
        name: row.name.into(),
        state: row.state.parse()?,
        attempts: row.attempt.try_into()?,
        received_at: moment(row.received_at),
        due_at: row.run_at.map(moment),
        ended_at: row.ended_at.map(moment),
        trace: TraceId::of_text(&row.trace),
        error: row.error.map(Into::into),
        payload: row.payload.map(Into::into),
    })
}
