//! What an operator sees and does.

use std::time::Duration;

use sqlx::{
    Sqlite,
    query::{Query, QueryAs},
    sqlite::SqliteArguments,
};

use super::{millis, sql, unblock};
use crate::{
    clock::Timestamp,
    store::{
        StoreError,
        jobs::{Counts, JobId, JobRecord, JobState, MOST_LISTED, Which},
        sqlite::{SqliteStore, fault},
    },
    trace::TraceId,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    installation_id: String,
    kind: String,
    name: String,
    state: String,
    attempt: u32,
    received_at: i64,
    run_at: Option<i64>,
    ended_at: Option<i64>,
    trace: String,
    error: Option<String>,
    payload: Option<String>,
}

impl SqliteStore {
    pub(super) async fn count_jobs(&self) -> Result<Counts, StoreError> {
        let rows: Vec<(String, i64, Option<i64>)> = sqlx::query_as(sql::COUNT)
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
        let now = self.clock.now_millis();
        let mut counts = Counts::default();
        for (state, count, oldest) in rows {
            let count = u64::try_from(count).unwrap_or(0);
            match state.parse().map_err(StoreError::damaged)? {
                JobState::Ready | JobState::Blocked => counts.ready += count,
                JobState::Delayed => counts.delayed = count,
                JobState::Parked => counts.parked = count,
                JobState::Running => counts.running = count,
                JobState::Dead => counts.dead = count,
                JobState::Done => {}
            }
            let age = oldest.map(|oldest| {
                Duration::from_millis(u64::try_from(now.saturating_sub(oldest)).unwrap_or(0))
            });
            counts.oldest = counts.oldest.max(age);
        }
        Ok(counts)
    }

    pub(super) async fn list_jobs(&self, which: &Which) -> Result<Vec<JobRecord>, StoreError> {
        let statement = match which.state.unwrap_or(JobState::Dead) {
            JobState::Ready => sql::LIST_READY,
            JobState::Blocked => sql::LIST_BLOCKED,
            JobState::Delayed => sql::LIST_DELAYED,
            JobState::Parked => sql::LIST_PARKED,
            JobState::Running => sql::LIST_RUNNING,
            JobState::Done => sql::LIST_DONE,
            JobState::Dead => sql::LIST_DEAD,
        };
        let most = which.most.unwrap_or(MOST_LISTED).min(MOST_LISTED);
        let filter = self.filter(which, Some(most));
        let rows: Vec<Row> = filter
            .on_rows(sqlx::query_as(statement))
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
        rows.into_iter().map(record).collect()
    }

    pub(super) async fn show_job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let row: Option<Row> = sqlx::query_as(sql::SHOW)
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(fault)?;
        row.map(record).transpose()
    }

    pub(super) async fn replay_jobs(&self, which: &Which) -> Result<u64, StoreError> {
        if !of_dead_letters(which) {
            return Ok(0);
        }
        let filter = self.filter(which, which.most);
        let mut transaction = self.begin().await?;
        let orders: Vec<(Option<String>,)> = filter
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
        let filter = self.filter(which, which.most);
        let mut transaction = self.begin().await?;
        let purged = filter
            .on(sqlx::query(sql::PURGE))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        Ok(purged.rows_affected())
    }

    fn filter(&self, which: &Which, most: Option<u32>) -> Filter {
        let now = self.clock.now_millis();
        Filter {
            id: which.id.map(|id| id.to_string()),
            installation: which.installation.map(|id| id.uuid().to_string()),
            ended_by: which
                .older_than
                .map(|span| now.saturating_sub(millis(span))),
            // SQLite takes a negative limit for none.
            most: most.map_or(-1, i64::from),
        }
    }
}

/// What is bound in place of [`Which`].
struct Filter {
    id: Option<String>,
    installation: Option<String>,
    ended_by: Option<i64>,
    most: i64,
}

impl Filter {
    fn on(self, query: Query<'_, Sqlite, SqliteArguments>) -> Query<'_, Sqlite, SqliteArguments> {
        query
            .bind(self.id)
            .bind(self.installation)
            .bind(self.ended_by)
            .bind(self.most)
    }

    fn on_rows<T>(
        self,
        query: QueryAs<'_, Sqlite, T, SqliteArguments>,
    ) -> QueryAs<'_, Sqlite, T, SqliteArguments> {
        query
            .bind(self.id)
            .bind(self.installation)
            .bind(self.ended_by)
            .bind(self.most)
    }
}

fn of_dead_letters(which: &Which) -> bool {
    which.state.is_none_or(|state| state == JobState::Dead)
}

fn record(row: Row) -> Result<JobRecord, StoreError> {
    let moment = |millis: i64| Timestamp::from_unix(millis.div_euclid(1000));
    let state = row.state.parse().map_err(StoreError::damaged)?;
    Ok(JobRecord {
        id: row.id.parse().map_err(StoreError::damaged)?,
        installation: row.installation_id.parse().map_err(StoreError::damaged)?,
        kind: row.kind.parse().map_err(StoreError::damaged)?,
        name: row.name.into(),
        state,
        attempts: row.attempt,
        received_at: moment(row.received_at),
        due_at: row.run_at.map(moment),
        ended_at: row.ended_at.map(moment),
        trace: TraceId::of_text(&row.trace),
        error: row.error.map(Into::into),
        payload: row.payload.map(Into::into),
    })
}
