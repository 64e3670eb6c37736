//! All that is sealed, page after page, and other bytes in its place.

use futures_util::future::{BoxFuture, FutureExt};

use super::{SqliteStore, fault};
use crate::store::{
    StoreError,
    keys::{
        self, At, BATCH, Cursor, InFull, KeyRing, Replacement, Sealed, SealedKind, SealedRow,
        SealedRows, Step, Walk,
    },
    seal::{Purpose, Sealer},
};

/// After `?1` at most `?2` rows; in full all of them if `?3`, and if `?4` those that do not
/// begin with `?5`.
macro_rules! page {
    ($table:literal, $key:literal) => {
        concat!(
            "SELECT ",
            $key,
            ", installation_id, iif(?3 OR (?4 AND substr(sealed, 1, 9) <> ?5), \
                sealed, substr(sealed, 1, 9)) \
            FROM ",
            $table,
            " WHERE ",
            $key,
            " > ?1 ORDER BY ",
            $key,
            " LIMIT ?2"
        )
    };
}

const APP_TOKENS: &str = page!("app_tokens", "installation_id");
const JOB_TOKENS: &str = page!("jobs", "seq");

const REPLACE_APP_TOKEN: &str =
    "UPDATE app_tokens SET sealed = ?3 WHERE installation_id = ?1 AND sealed = ?2";
const REPLACE_JOB_TOKEN: &str = "UPDATE jobs SET sealed = ?3 WHERE seq = ?1 AND sealed = ?2";

impl Sealed for SqliteStore {
    fn key_ring(&self) -> KeyRing {
        KeyRing::of(&self.sealer)
    }

    fn step<'a>(&'a self, from: &'a Cursor, walk: Walk) -> BoxFuture<'a, Result<Step, StoreError>> {
        keys::step(self, from, walk).boxed()
    }
}

impl SealedRows for SqliteStore {
    fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    async fn page(
        &self,
        kind: SealedKind,
        after: Option<&At>,
        in_full: InFull,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let (all, not_of_primary) = (in_full.all(), in_full.not_of_primary());
        match kind {
            SealedKind::AppToken => {
                let after = match after {
                    Some(At::Id(id)) => id.to_string(),
                    _ => String::new(),
                };
                let rows: Vec<(String, String, Vec<u8>)> = sqlx::query_as(APP_TOKENS)
                    .bind(after)
                    .bind(most)
                    .bind(all)
                    .bind(not_of_primary)
                    .bind(self.sealer.header())
                    .fetch_all(&self.readers)
                    .await
                    .map_err(fault)?;
                let rows = rows
                    .into_iter()
                    .map(|(_, id, sealed)| app_token(&id, sealed));
                rows.collect()
            }
            SealedKind::JobToken => {
                let after = match after {
                    Some(At::Seq(seq)) => *seq,
                    _ => i64::MIN,
                };
                let rows: Vec<(i64, String, Option<Vec<u8>>)> = sqlx::query_as(JOB_TOKENS)
                    .bind(after)
                    .bind(most)
                    .bind(all)
                    .bind(not_of_primary)
                    .bind(self.sealer.header())
                    .fetch_all(&self.readers)
                    .await
                    .map_err(fault)?;
                let rows = rows
                    .into_iter()
                    .map(|(seq, id, sealed)| job_token(seq, &id, sealed));
                rows.collect()
            }
            // They are for replicas, of which there is one.
            SealedKind::AccountToken => Ok(Vec::new()),
        }
    }

    async fn replace(
        &self,
        kind: SealedKind,
        replacements: &[Replacement],
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let mut replaced = 0;
        for Replacement { at, old, new } in replacements {
            let statement = match (kind, at) {
                (SealedKind::AppToken, At::Id(id)) => {
                    sqlx::query(REPLACE_APP_TOKEN).bind(id.to_string())
                }
                (SealedKind::JobToken, At::Seq(seq)) => sqlx::query(REPLACE_JOB_TOKEN).bind(*seq),
                _ => continue,
            };
            let done = statement.bind(old).bind(new).execute(&mut *transaction);
            replaced += done.await.map_err(fault)?.rows_affected();
        }
        transaction.commit().await.map_err(fault)?;
        Ok(replaced)
    }
}

fn app_token(id: &str, sealed: Vec<u8>) -> Result<SealedRow, StoreError> {
    let id: uuid::Uuid = id.parse().map_err(StoreError::damaged)?;
    Ok(SealedRow {
        at: At::Id(id),
        installation: id.into(),
        purpose: Purpose::AppToken,
        sealed: Some(sealed),
    })
}

fn job_token(seq: i64, id: &str, sealed: Option<Vec<u8>>) -> Result<SealedRow, StoreError> {
    let id: uuid::Uuid = id.parse().map_err(StoreError::damaged)?;
    Ok(SealedRow {
        at: At::Seq(seq),
        installation: id.into(),
        purpose: Purpose::JobToken,
        sealed,
    })
}
