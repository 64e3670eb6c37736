//! One step of a walk, whichever database it is: a page of rows is looked at, and what another
//! key has sealed is put under the primary one.

use uuid::Uuid;

use super::{Cursor, SealedKind, Step, Survey, Walk};
use crate::{
    ids::InstallationId,
    store::{
        StoreError,
        seal::{KeyId, Purpose, SealError, Sealer},
    },
};

/// Values that one step looks at, and changes at most.
pub(in crate::store) const BATCH: usize = 256;

/// What identifies a value among those of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum At {
    Id(Uuid),
    Seq(i64),
    Subject([u8; 32]),
}

/// A value as it is stored: all of it, or only as much as names its key.
pub(in crate::store) struct SealedRow {
    pub(in crate::store) at: At,
    /// None if what stands there is no id: then nothing opens the value.
    pub(in crate::store) installation: Option<InstallationId>,
    pub(in crate::store) purpose: Purpose,
    /// None where there is a row and nothing sealed in it.
    pub(in crate::store) sealed: Option<Vec<u8>>,
}

/// Bytes that are to take the place of others, if those are still there.
pub(in crate::store) struct Replacement {
    pub(in crate::store) at: At,
    pub(in crate::store) old: Vec<u8>,
    pub(in crate::store) new: Vec<u8>,
}

/// Which values a page has in full. Of the others it has as much as names their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum InFull {
    All,
    NotOfPrimary,
    None,
}

impl InFull {
    pub(in crate::store) const fn all(self) -> bool {
        matches!(self, Self::All)
    }

    pub(in crate::store) const fn not_of_primary(self) -> bool {
        matches!(self, Self::NotOfPrimary)
    }
}

/// What a database has to do for a walk.
pub(in crate::store) trait SealedRows: Send + Sync {
    fn sealer(&self) -> &Sealer;

    /// The next [`BATCH`] rows of that kind, in some order that stays the same.
    fn page(
        &self,
        kind: SealedKind,
        after: Option<&At>,
        in_full: InFull,
    ) -> impl Future<Output = Result<Vec<SealedRow>, StoreError>> + Send;

    /// Tells how many were replaced: not those that have changed, or are just being changed.
    fn replace(
        &self,
        kind: SealedKind,
        replacements: &[Replacement],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// One step, whichever database it is.
pub(in crate::store) async fn step(
    rows: &impl SealedRows,
    from: &Cursor,
    walk: Walk,
) -> Result<Step, StoreError> {
    let kind = from.kind;
    let in_full = match walk {
        Walk::Count => InFull::None,
        Walk::Open => InFull::All,
        // Without other keys there is nothing to seal anew.
        Walk::Reseal if rows.sealer().additional().next().is_none() => InFull::None,
        Walk::Reseal => InFull::NotOfPrimary,
    };
    let page = rows.page(kind, from.after.as_ref(), in_full).await?;
    let after = page.last().map(|row| row.at.clone());
    let is_last = page.len() < BATCH;
    let mut survey = Survey::default();
    let mut replacements = Vec::new();
    for row in page {
        look(
            rows.sealer(),
            kind,
            row,
            in_full,
            &mut survey,
            &mut replacements,
        )?;
    }
    if !replacements.is_empty() {
        settle(rows, kind, replacements, &mut survey).await?;
    }
    let next = if is_last {
        kind.next().map(|kind| Cursor { kind, after: None })
    } else {
        Some(Cursor { kind, after })
    };
    Ok(Step { next, survey })
}

/// Counts a row, unless it is to be sealed anew: then that counts it.
fn look(
    sealer: &Sealer,
    kind: SealedKind,
    row: SealedRow,
    in_full: InFull,
    survey: &mut Survey,
    replacements: &mut Vec<Replacement>,
) -> Result<(), StoreError> {
    let Some(old) = row.sealed else {
        return Ok(());
    };
    let key = KeyId::of_blob(&old);
    let of_primary = key == Some(sealer.primary());
    let is_in_full = in_full.all() || (in_full.not_of_primary() && !of_primary);
    if !is_in_full {
        survey.count(kind, key);
        return Ok(());
    }
    let Some(installation) = row.installation else {
        survey.count(kind, None);
        return Ok(());
    };
    let purpose = row.purpose;
    match sealer.open(purpose, installation, &old) {
        Ok(_) if in_full.all() => survey.count(kind, key),
        Ok(secret) => {
            let new = sealer.seal(purpose, installation, &secret);
            let new = new.map_err(StoreError::damaged)?;
            let at = row.at;
            replacements.push(Replacement { at, old, new });
        }
        Err(SealError::UnknownKey) => survey.count(kind, key),
        Err(SealError::Damaged | SealError::Failed) => survey.count(kind, None),
    }
    Ok(())
}

async fn settle(
    rows: &impl SealedRows,
    kind: SealedKind,
    replacements: Vec<Replacement>,
    survey: &mut Survey,
) -> Result<(), StoreError> {
    let replaced = rows.replace(kind, &replacements).await?;
    let all = u64::try_from(replacements.len()).unwrap_or(u64::MAX);
    let missed = all.saturating_sub(replaced);
    *survey.resealed.entry(kind).or_default() += replaced;
    survey.missed += missed;
    if replaced > 0 {
        let primary = rows.sealer().primary();
        *survey.by_key.entry((kind, primary)).or_default() += replaced;
    }
    // Which ones were missed the database does not say, and mostly there is one other key.
    let keys = replacements.iter().filter_map(|it| KeyId::of_blob(&it.old));
    for key in keys.take(usize::try_from(missed).unwrap_or(usize::MAX)) {
        survey.count(kind, Some(key));
    }
    Ok(())
}
