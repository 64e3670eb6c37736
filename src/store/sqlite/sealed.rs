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

/// After the row `?1` at most `?2` rows; in full all of them if `?3`, and if `?4` those that do
/// not begin with `?5`. By their number: an id may be damaged, and the walk goes on behind it.
macro_rules! page {
    ($table:literal) => {
        concat!(
            "SELECT rowid, installation_id, iif(?3 OR (?4 AND substr(sealed, 1, 9) <> ?5), \
                sealed, substr(sealed, 1, 9)) \
            FROM ",
            $table,
            " WHERE rowid > ?1 ORDER BY rowid LIMIT ?2"
        )
    };
}

macro_rules! replace {
    ($table:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET sealed = ?3 WHERE rowid = ?1 AND sealed = ?2"
        )
    };
}

/// The statements for a page and for a replacement, and what these tokens are sealed for.
fn of_kind(kind: SealedKind) -> Option<(&'static str, &'static str, Purpose)> {
    match kind {
        SealedKind::AppToken => Some((
            page!("app_tokens"),
            replace!("app_tokens"),
            Purpose::AppToken,
        )),
        SealedKind::JobToken => Some((page!("jobs"), replace!("jobs"), Purpose::JobToken)),
        // They are for replicas, of which there is one.
        SealedKind::AccountToken => None,
    }
}

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
        let Some((page, _, purpose)) = of_kind(kind) else {
            return Ok(Vec::new());
        };
        let after = match after {
            Some(At::Seq(rowid)) => *rowid,
            _ => i64::MIN,
        };
        let rows: Vec<(i64, String, Option<Vec<u8>>)> = sqlx::query_as(page)
            .bind(after)
            .bind(i64::try_from(BATCH).unwrap_or(i64::MAX))
            .bind(in_full.all())
            .bind(in_full.not_of_primary())
            .bind(self.sealer.header())
            .fetch_all(&self.readers)
            .await
            .map_err(fault)?;
        let row = |(rowid, id, sealed): (i64, String, Option<Vec<u8>>)| SealedRow {
            at: At::Seq(rowid),
            installation: id.parse().ok().map(|id: uuid::Uuid| id.into()),
            purpose,
            sealed,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    async fn replace(
        &self,
        kind: SealedKind,
        replacements: &[Replacement],
    ) -> Result<u64, StoreError> {
        let Some((_, replace, _)) = of_kind(kind) else {
            return Ok(0);
        };
        let mut transaction = self.begin().await?;
        let mut replaced = 0;
        for Replacement { at, old, new } in replacements {
            let At::Seq(rowid) = at else { continue };
            let done = sqlx::query(replace)
                .bind(*rowid)
                .bind(old)
                .bind(new)
                .execute(&mut *transaction);
            replaced += done.await.map_err(fault)?.rows_affected();
        }
        transaction.commit().await.map_err(fault)?;
        Ok(replaced)
    }
}
