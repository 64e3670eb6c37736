//! What an operator sees and does.

use std::time::Duration;

use sqlx::{
    FromRow, Row as _, Sqlite,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{millis, sql, unblock};
use crate::{
    store::{
        BoxError, StoreError,
        jobs::{Counts, JobId, JobRecord, JobState, Which, moment, readable},
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
        let rows = self
            .filter(which)
            .on(sqlx::query(statement))
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
        Ok(readable(rows.iter().map(record)))
    }

    pub(super) async fn show_job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let row = sqlx::query(sql::SHOW)
            .bind(id.to_string())
            .fetch_optional(&self.readers)
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
        let mut transaction = self.begin().await?;
        let rows = filter
            .on(sqlx::query(sql::REPLAY))
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        let replayed = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let orders = rows.iter().map(|row| row.try_get(0));
        let orders: Vec<Option<String>> = orders.collect::<Result<_, _>>().map_err(fault)?;
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
        let filter = self.filter(which);
        let mut transaction = self.begin().await?;
        let purged = filter
            .on(sqlx::query(sql::PURGE))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        Ok(purged.rows_affected())
    }

    fn filter(&self, which: &Which) -> Filter {
        let now = self.clock.now_millis();
        Filter {
            id: which.id.map(|id| id.to_string()),
            installation: which.installation.map(|id| id.uuid().to_string()),
            ended_by: which
                .older_than
                .map(|span| now.saturating_sub(millis(span))),
            most: which.at_most().into(),
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
}

fn record(row: &SqliteRow) -> Result<JobRecord, BoxError> {
    let row = Row::from_row(row)?;
    Ok(JobRecord {
        id: row.id.parse()?,
        installation: row.installation_id.parse()?,
        kind: row.kind.parse()?,
        name: row.name.into(),
        state: row.state.parse()?,
        attempts: row.attempt,
        received_at: moment(row.received_at),
        due_at: row.run_at.map(moment),
        ended_at: row.ended_at.map(moment),
        trace: TraceId::of_text(&row.trace),
        error: row.error.map(Into::into),
        payload: row.payload.map(Into::into),
    })
}
