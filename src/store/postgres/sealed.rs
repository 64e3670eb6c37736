//! All that is sealed, page after page, and other bytes in its place.

use futures_util::future::{BoxFuture, FutureExt};
use uuid::Uuid;

use super::{PostgresStore, fault};
use crate::store::{
    StoreError,
    keys::{
        self, At, BATCH, Cursor, InFull, KeyRing, Replacement, Sealed, SealedKind, SealedRow,
        SealedRows, Step, Walk,
    },
    seal::{Purpose, Sealer},
};

/// After `$1` at most `$2` rows; in full all of them if `$3`, and if `$4` those that do not
/// begin with `$5`. There is always something to be after, so that it is planned along the index.
macro_rules! page {
    ($table:literal, $key:literal) => {
        concat!(
            "SELECT ",
            $key,
            ", installation_id, CASE WHEN $3 OR ($4 AND substr(sealed, 1, 9) <> $5) \
                THEN sealed ELSE substr(sealed, 1, 9) END \
            FROM ",
            $table,
            " WHERE ",
            $key,
            " > $1 ORDER BY ",
            $key,
            " LIMIT $2"
        )
    };
}

const APP_TOKENS: &str = page!("app_tokens", "installation_id");
const JOB_TOKENS: &str = page!("jobs", "id");
const ACCOUNT_TOKENS: &str = page!("account_tokens", "subject");

/// In place of `$2` there is `$3` in the rows of `$1`. What somebody else holds is left to
/// them: nobody waits, so that no two can wait for each other.
macro_rules! replace {
    ($table:literal, $key:literal, $array:literal) => {
        concat!(
            "WITH fresh AS ( \
                SELECT * FROM unnest($1::",
            $array,
            ", $2::bytea[], $3::bytea[]) AS n(key, old, new)), \
            mine AS MATERIALIZED ( \
                SELECT n.key, n.old, n.new FROM fresh n \
                JOIN ",
            $table,
            " t ON t.",
            $key,
            " = n.key WHERE t.sealed = n.old \
                FOR UPDATE OF t SKIP LOCKED) \
            UPDATE ",
            $table,
            " t SET sealed = mine.new FROM mine \
            WHERE t.",
            $key,
            " = mine.key AND t.sealed = mine.old"
        )
    };
}

const REPLACE_APP_TOKENS: &str = replace!("app_tokens", "installation_id", "uuid[]");
const REPLACE_JOB_TOKENS: &str = replace!("jobs", "id", "uuid[]");
const REPLACE_ACCOUNT_TOKENS: &str = replace!("account_tokens", "subject", "bytea[]");

impl Sealed for PostgresStore {
    fn key_ring(&self) -> KeyRing {
        KeyRing::of(&self.sealer)
    }

    fn step<'a>(&'a self, from: &'a Cursor, walk: Walk) -> BoxFuture<'a, Result<Step, StoreError>> {
        keys::step(self, from, walk).boxed()
    }
}

impl SealedRows for PostgresStore {
    fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    async fn page(
        &self,
        kind: SealedKind,
        after: Option<&At>,
        in_full: InFull,
    ) -> Result<Vec<SealedRow>, StoreError> {
        match kind {
            SealedKind::AppToken => {
                let rows = self.page_by_id(APP_TOKENS, after, in_full).await?;
                Ok(by_id(rows, Purpose::AppToken))
            }
            SealedKind::JobToken => {
                let rows = self.page_by_id(JOB_TOKENS, after, in_full).await?;
                Ok(by_id(rows, Purpose::JobToken))
            }
            SealedKind::AccountToken => self.page_by_subject(after, in_full).await,
        }
    }

    async fn replace(
        &self,
        kind: SealedKind,
        replacements: &[Replacement],
    ) -> Result<u64, StoreError> {
        let (mut ids, mut subjects) = (Vec::new(), Vec::new());
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for replacement in replacements {
            match &replacement.at {
                At::Id(id) => ids.push(*id),
                At::Subject(subject) => subjects.push(subject.as_slice()),
                At::Seq(_) => continue,
            }
            old.push(replacement.old.as_slice());
            new.push(replacement.new.as_slice());
        }
        let statement = match kind {
            SealedKind::AppToken => sqlx::query(REPLACE_APP_TOKENS).bind(ids),
            SealedKind::JobToken => sqlx::query(REPLACE_JOB_TOKENS).bind(ids),
            SealedKind::AccountToken => sqlx::query(REPLACE_ACCOUNT_TOKENS).bind(subjects),
        };
        let done = statement.bind(old).bind(new).execute(&self.pool).await;
        Ok(done.map_err(fault)?.rows_affected())
    }
}

/// Key, installation, and what is sealed or its beginning.
type ById = (Uuid, Uuid, Option<Vec<u8>>);

impl PostgresStore {
    async fn page_by_id(
        &self,
        statement: &'static str,
        after: Option<&At>,
        in_full: InFull,
    ) -> Result<Vec<ById>, StoreError> {
        let after = match after {
            Some(At::Id(id)) => *id,
            // No id is that.
            _ => Uuid::nil(),
        };
        sqlx::query_as(statement)
            .bind(after)
            .bind(i64::try_from(BATCH).unwrap_or(i64::MAX))
            .bind(in_full.all())
            .bind(in_full.not_of_primary())
            .bind(self.sealer.header())
            .fetch_all(&self.pool)
            .await
            .map_err(fault)
    }

    async fn page_by_subject(
        &self,
        after: Option<&At>,
        in_full: InFull,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let after = match after {
            Some(At::Subject(subject)) => subject.as_slice(),
            _ => &[],
        };
        let rows: Vec<(Vec<u8>, Uuid, Option<Vec<u8>>)> = sqlx::query_as(ACCOUNT_TOKENS)
            .bind(after)
            .bind(i64::try_from(BATCH).unwrap_or(i64::MAX))
            .bind(in_full.all())
            .bind(in_full.not_of_primary())
            .bind(self.sealer.header())
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        let rows = rows.into_iter().map(|(subject, installation, sealed)| {
            let subject = subject.try_into();
            let subject = subject.map_err(|_| StoreError::damaged("a subject is no hash"))?;
            Ok(SealedRow {
                at: At::Subject(subject),
                installation: Some(installation.into()),
                purpose: Purpose::AccountToken(subject),
                sealed,
            })
        });
        rows.collect()
    }
}

fn by_id(rows: Vec<ById>, purpose: Purpose) -> Vec<SealedRow> {
    let rows = rows
        .into_iter()
        .map(|(id, installation, sealed)| SealedRow {
            at: At::Id(id),
            installation: Some(installation.into()),
            purpose,
            sealed,
        });
    rows.collect()
}
