//! What the process knows without asking the store.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    cache::{Cache, Change, Lookup},
    clock::Timestamp,
    ids::InstallationId,
    store::Remembered,
    token::AppToken,
};

/// An entry takes about 550 bytes beside the text of its app token: with tokens of 1.5 KB some
/// 200 MB, if ever so many installations are in use at once.
const MOST_REMEMBERED: usize = 100_000;

#[derive(Clone)]
pub(super) struct Memory {
    cache: Arc<Cache<InstallationId, Arc<Remembered>>>,
    /// How often a token or an installation was dropped: what was read from the store before the last time
    /// may still hold it.
    forgets: Arc<AtomicU64>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            cache: Arc::new(Cache::new(MOST_REMEMBERED)),
            forgets: Arc::default(),
        }
    }

    pub(super) fn get(&self, id: InstallationId) -> Option<Arc<Remembered>> {
        self.cache.get(&id, Arc::clone)
    }

    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    /// What `look` makes of an entry. It holds up those who change it.
    pub(super) fn look_at<R>(
        &self,
        id: InstallationId,
        look: impl FnOnce(&Remembered) -> R,
    ) -> Option<R> {
        self.cache.get(&id, |known| look(known))
    }

    /// Replaces an entry by what `change` makes of it, while nobody else can.
    pub(super) fn update(
        &self,
        id: InstallationId,
        change: impl FnOnce(Option<&Remembered>) -> Option<Arc<Remembered>>,
    ) {
        self.cache.update(&id, |current| {
            change(current.map(|known| &**known)).map_or(Change::Keep, Change::Put)
        });
    }

    /// Drops that token and no other.
    pub(super) fn forget(&self, id: InstallationId, token: &AppToken) {
        self.forgets.fetch_add(1, Ordering::SeqCst);
        self.update(id, |current| current?.without(token).map(Arc::new));
    }

    /// Drops an installation.
    pub(super) fn remove(&self, id: InstallationId) {
        self.forgets.fetch_add(1, Ordering::SeqCst);
        self.cache.update(&id, |_| Change::Remove);
    }

    /// The count to take before reading from the store and to give to [`adopt`](Self::adopt).
    pub(super) fn forgets(&self) -> u64 {
        self.forgets.load(Ordering::SeqCst)
    }

    /// Takes in a record that was read from the store. What memory has is not older, so it
    /// stays and gains what it lacks.
    pub(super) fn adopt(
        &self,
        stored: Remembered,
        forgets: u64,
        now: Timestamp,
    ) -> Arc<Remembered> {
        let mut adopted = Arc::new(stored);
        self.update(adopted.installation.id, |current| {
            if let Some(current) = current {
                adopted = Arc::new(Remembered::clone(&adopted).beside(current, now));
            }
            (self.forgets() == forgets).then(|| Arc::clone(&adopted))
        });
        adopted
    }
}

impl Lookup<Self> for InstallationId {
    fn is(&self, key: &Self) -> bool {
        self == key
    }

    fn to_key(&self) -> Self {
        *self
    }
}
