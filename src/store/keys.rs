//! Which keys have sealed what the store keeps, and how all of it gets under one key.
//!
//! [`Sealed`] walks over everything that is sealed, a batch at a time: it counts, or seals
//! anew with `store.encryption_key` what another key has sealed. A value that changes
//! meanwhile stays as it has become: only the very bytes that were read are replaced.

mod walk;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

pub(super) use self::walk::{At, BATCH, InFull, Replacement, SealedRow, SealedRows, step};
use super::{
    StoreError,
    seal::{KeyId, Sealer},
};

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
