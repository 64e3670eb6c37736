//! Which keys have sealed what the store keeps, and how all of it gets under one key.
//!
//! [`Sealed`] walks over everything that is sealed, a batch at a time: it counts, or seals
//! anew with `store.encryption_key` what another key has sealed. A value that changes
//! meanwhile stays as it has become: only the very bytes that were read are replaced.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{
    StoreError,
    seal::{KeyId, Purpose, SealError, Sealer},
};
use crate::ids::InstallationId;

/// Values that one batch looks at, and changes at most.
pub(super) const BATCH: usize = 256;

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SealedKind {
    /// The app token of an installation.
    AppToken,
    /// The app token that came with a job which has not ended.
    JobToken,
    /// The token of an impersonated account, shared by replicas.
    AccountToken,
}

impl SealedKind {
    /// All of them, in the order in which they are walked over.
    pub const ALL: [Self; 3] = [Self::AppToken, Self::JobToken, Self::AccountToken];

    /// Its name in metrics and in what commands print.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppToken => "app_token",
            Self::JobToken => "job_token",
            Self::AccountToken => "account_token",
        }
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::AppToken => Some(Self::JobToken),
            Self::JobToken => Some(Self::AccountToken),
            Self::AccountToken => None,
        }
    }
}

/// The keys of the settings, by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRing {
    /// `store.encryption_key`, which seals.
    pub primary: KeyId,
    /// `store.additional_encryption_keys`, which only open.
    pub additional: Vec<KeyId>,
    /// False if there is no `store.encryption_key`: the primary is gone with the process.
    pub is_lasting: bool,
}

impl KeyRing {
    pub(super) fn of(sealer: &Sealer) -> Self {
        Self {
            primary: sealer.primary(),
            additional: sealer.additional().collect(),
            is_lasting: sealer.is_lasting(),
        }
    }

    /// Whether what the key has sealed can be opened.
    #[must_use]
    pub fn knows(&self, key: KeyId) -> bool {
        self.primary == key || self.additional.contains(&key)
    }
}

/// What is done with the values of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// They are counted by the key that they name.
    Count,
    /// They are counted and opened, which shows those that are damaged.
    Open,
    /// Those of additional keys are opened and sealed with the primary one.
    Reseal,
}

/// Where a walk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    kind: SealedKind,
    after: Option<At>,
}

impl Cursor {
    /// In front of everything.
    pub const START: Self = Self {
        kind: SealedKind::ALL[0],
        after: None,
    };
}

/// What identifies a value among those of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    Id(Uuid),
    Seq(i64),
    Subject([u8; 32]),
}

/// A value as it is stored: all of it, or only as much as names its key.
pub(super) struct SealedRow {
    pub(super) at: At,
    pub(super) installation: InstallationId,
    pub(super) purpose: Purpose,
    /// None where there is a row and nothing sealed in it.
    pub(super) sealed: Option<Vec<u8>>,
}

/// Bytes that are to take the place of others, if those are still there.
pub(super) struct Replacement {
    pub(super) at: At,
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
}

/// Which values a page has in full. Of the others it has as much as names their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFull {
    All,
    NotOfPrimary,
    None,
}

impl InFull {
    pub(super) const fn all(self) -> bool {
        matches!(self, Self::All)
    }

    pub(super) const fn not_of_primary(self) -> bool {
        matches!(self, Self::NotOfPrimary)
    }
}

/// What a database has to do for a walk.
pub(super) trait SealedRows: Send + Sync {
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

/// Everything in a store that is sealed.
pub trait Sealed: Send + Sync + 'static {
    /// The keys that the store was opened with.
    fn key_ring(&self) -> KeyRing;

    /// Walks over the next batch. It may be dropped at any point: what was replaced by then
    /// stays so, and each value is readable at any time.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer; the same step may be made again.
    fn step<'a>(&'a self, from: &'a Cursor, walk: Walk) -> BoxFuture<'a, Result<Step, StoreError>>;
}

/// What a step found and did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step {
    /// Where the next step begins; none after the last.
    pub next: Option<Cursor>,
    /// What the step found.
    pub survey: Survey,
}

/// How many values each key has sealed, as a walk has left them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survey {
    /// By kind and by the key that they name.
    pub by_key: BTreeMap<(SealedKind, KeyId), u64>,
    /// Values that name no key, or that their key does not open.
    pub damaged: BTreeMap<SealedKind, u64>,
    /// Values that were sealed anew.
    pub resealed: BTreeMap<SealedKind, u64>,
    /// Values that were changed by somebody else meanwhile; they count under their old key.
    pub missed: u64,
}

impl Survey {
    /// Takes in what another step found.
    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.by_key {
            *self.by_key.entry(*key).or_default() += count;
        }
        for (kind, count) in &other.damaged {
            *self.damaged.entry(*kind).or_default() += count;
        }
        for (kind, count) in &other.resealed {
            *self.resealed.entry(*kind).or_default() += count;
        }
        self.missed += other.missed;
    }

    /// All values that were looked at.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_key.values().sum::<u64>() + self.damaged.values().sum::<u64>()
    }

    /// How many values of a kind that key has sealed.
    #[must_use]
    pub fn of_key(&self, kind: SealedKind, key: KeyId) -> u64 {
        self.by_key.get(&(kind, key)).copied().unwrap_or(0)
    }

    /// Values of keys that are known and do not seal any more.
    #[must_use]
    pub fn left(&self, ring: &KeyRing) -> u64 {
        self.where_key(|key| key != ring.primary && ring.knows(key))
    }

    /// Values of keys that the settings do not name.
    #[must_use]
    pub fn of_unknown_keys(&self, ring: &KeyRing) -> u64 {
        self.where_key(|key| !ring.knows(key))
    }

    fn where_key(&self, is_meant: impl Fn(KeyId) -> bool) -> u64 {
        let counts = self.by_key.iter();
        let meant = counts.filter(|((_, key), _)| is_meant(*key));
        meant.map(|(_, count)| count).sum()
    }

    fn count(&mut self, kind: SealedKind, key: Option<KeyId>) {
        let count = match key {
            Some(key) => self.by_key.entry((kind, key)).or_default(),
            None => self.damaged.entry(kind).or_default(),
        };
        *count += 1;
    }
}

/// One step, whichever database it is.
pub(super) async fn step(
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
    let purpose = row.purpose;
    match sealer.open(purpose, row.installation, &old) {
        Ok(_) if in_full.all() => survey.count(kind, key),
        Ok(secret) => {
            let new = sealer.seal(purpose, row.installation, &secret);
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
