//! What an operator sees and does.

use sqlx::{
    Postgres,
    postgres::PgArguments,
    query::{Query, QueryAs},
};
use uuid::Uuid;

use super::{sql, unblock};
use crate::{
    clock::Timestamp,
    store::{
        StoreError,
        jobs::{Counts, JobId, JobRecord, JobState, MOST_LISTED, Which},
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
        let most = which.most.unwrap_or(MOST_LISTED).min(MOST_LISTED);
        let state = which.state.unwrap_or(JobState::Dead);
        let rows: Vec<Row> = self
            .filter(which, Some(most))
            .on_rows(sqlx::query_as(sql::LIST))
            .bind(state.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        rows.into_iter().map(record).collect()
    }

    pub(super) async fn show_job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let row: Option<Row> = sqlx::query_as(sql::SHOW)
            .bind(id.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(fault)?;
        row.map(record).transpose()
    }

    pub(super) async fn replay_jobs(&self, which: &Which) -> Result<u64, StoreError> {
        if !of_dead_letters(which) {
            return Ok(0);
        }
        let filter = self.filter(which, which.most);
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        let orders: Vec<(Option<Vec<u8>>,)> = filter
            .on_rows(sqlx::query_as(sql::REPLAY))
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        let replayed = u64::try_from(orders.len()).unwrap_or(u64::MAX);
        let mut orders: Vec<_> = orders.into_iter().filter_map(|(order,)| order).collect();
        orders.sort_unstable();
        orders.dedup();
        unblock(&mut transaction, &orders).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(replayed)
    }

    pub(super) async fn purge_jobs(&self, which: &Which) -> Result<u64, StoreError> {
        if !of_dead_letters(which) {
            return Ok(0);
        }
        let purged = self
            .filter(which, which.most)
            .on(sqlx::query(sql::PURGE))
            .execute(&self.pool)
            .await;
        Ok(purged.map_err(fault)?.rows_affected())
    }

    fn filter(&self, which: &Which, most: Option<u32>) -> Filter {
        Filter {
            id: which.id.map(JobId::uuid),
            installation: which.installation.map(|id| id.uuid()),
            older_than: which.older_than.map(millis),
            // No limit is PostgreSQL's null.
            most: most.map(i64::from),
            now: self.set_by_hand(),
        }
    }
}

/// What is bound in place of [`Which`].
struct Filter {
    id: Option<Uuid>,
    installation: Option<Uuid>,
    older_than: Option<i64>,
    most: Option<i64>,
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

    fn on_rows<T>(
        self,
        query: QueryAs<'_, Postgres, T, PgArguments>,
    ) -> QueryAs<'_, Postgres, T, PgArguments> {
        query
            .bind(self.id)
            .bind(self.installation)
            .bind(self.older_than)
            .bind(self.most)
            .bind(self.now)
    }
}

fn of_dead_letters(which: &Which) -> bool {
    which.state.is_none_or(|state| state == JobState::Dead)
}

fn record(row: Row) -> Result<JobRecord, StoreError> {
    let moment = |millis: i64| Timestamp::from_unix(millis.div_euclid(1000));
    Ok(JobRecord {
        id: JobId::from_uuid(row.id),
        installation: row.installation_id.into(),
        kind: row.kind.parse().map_err(StoreError::damaged)?,
        name: row.name.into(),
        state: row.state.parse().map_err(StoreError::damaged)?,
        attempts: u32::try_from(row.attempt).map_err(StoreError::damaged)?,
        received_at: moment(row.received_at),
        due_at: row.run_at.map(moment),
        ended_at: row.ended_at.map(moment),
        trace: TraceId::of_text(&row.trace),
        error: row.error.map(Into::into),
        payload: row.payload.map(Into::into),
    })
}
