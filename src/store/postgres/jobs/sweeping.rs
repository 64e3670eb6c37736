//! What makes jobs ready again, and what removes them.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{sql, unblock};
use crate::{
    store::{
        StoreError,
        jobs::{
            DEAD_LETTER_LIFE, JobId, LONGEST_HELD_UP, Lapsed, MOST_SWEPT, RUN_LOST, Run, Swept,
        },
        postgres::{
            PostgresStore, fault,
            moment::{millis, span},
        },
    },
    token::AppToken,
};

/// Job, attempt, installation, name, whether it is dead, and its order.
type LapsedRow = (Uuid, i64, Uuid, String, bool, Option<Vec<u8>>);

impl PostgresStore {
    pub(super) async fn sweep_jobs(&self, max_attempts: u32) -> Result<Swept, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        let delayed = sqlx::query(sql::WAKE_DELAYED)
            .bind(MOST_SWEPT)
            .bind(self.set_by_hand())
            .execute(&mut *transaction)
            .await;
        let mut woken = delayed.map_err(fault)?.rows_affected();
        let parked = sqlx::query(sql::WAKE_PARKED)
            .bind(MOST_SWEPT)
            .bind(self.set_by_hand())
            // A token that lives by the same rule as everywhere.
            .bind(millis(AppToken::EXPIRY_MARGIN) / 1000)
            .bind(self.sealer.headers().collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await;
        woken += parked.map_err(fault)?.rows_affected();
        let held_up = sqlx::query(sql::WAKE_HELD_UP)
            .bind(MOST_SWEPT)
            .bind(self.set_by_hand())
            .bind(millis(LONGEST_HELD_UP))
            .execute(&mut *transaction)
            .await;
        woken += held_up.map_err(fault)?.rows_affected();
        let (lapsed, orders) = self.lapse(&mut transaction, max_attempts).await?;
        woken += lapsed.iter().map(|run| u64::from(!run.dead)).sum::<u64>();
        woken += unblock(&mut transaction, &orders).await?;
        let next: Option<i64> = sqlx::query_scalar(sql::DUE)
            .bind(self.set_by_hand())
            .fetch_one(&mut *transaction)
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        Ok(Swept {
            woken,
            lapsed,
            next: next.map(span),
        })
    }

    /// Takes the leases that have lapsed; names the runs, and the orders of those that are dead.
    async fn lapse(
        &self,
        connection: &mut PgConnection,
        max_attempts: u32,
    ) -> Result<(Vec<Lapsed>, Vec<Vec<u8>>), StoreError> {
        let rows: Vec<LapsedRow> = sqlx::query_as(sql::LAPSE)
            .bind(MOST_SWEPT)
            .bind(self.set_by_hand())
            .bind(i64::from(max_attempts))
            .bind(RUN_LOST)
            .fetch_all(connection)
            .await
            .map_err(fault)?;
        let mut lapsed = Vec::with_capacity(rows.len());
        let mut orders = Vec::new();
        for (job, attempt, installation, name, dead, order) in rows {
            orders.extend(order.filter(|_| dead));
            lapsed.push(Lapsed {
                run: Run {
                    job: JobId::from_uuid(job),
                    // A damaged one: the next claim finds out.
                    attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
                },
                installation: installation.into(),
                name: name.into(),
                dead,
            });
        }
        Ok((lapsed, orders))
    }

    pub(super) async fn prune_jobs(&self) -> Result<u64, StoreError> {
        let done = sqlx::query(sql::PRUNE_DONE)
            .bind(MOST_SWEPT)
            .bind(self.set_by_hand())
            .execute(&self.pool)
            .await;
        let done = done.map_err(fault)?.rows_affected();
        let dead = sqlx::query(sql::PRUNE_DEAD)
            .bind(MOST_SWEPT)
            .bind(self.set_by_hand())
            .bind(millis(DEAD_LETTER_LIFE))
            .execute(&self.pool)
            .await;
        Ok(done + dead.map_err(fault)?.rows_affected())
    }
}
