//! What the process knows without asking the store.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use moka::{ops::compute::Op, policy::EvictionPolicy, sync::Cache};

use crate::{clock::Timestamp, ids::InstallationId, store::Remembered, token::AppToken};

/// At about 3 KB each, some 300 MB if ever so many installations are in use at once.
const MOST_REMEMBERED: u64 = 100_000;

#[derive(Clone)]
pub(super) struct Memory {
    cache: Cache<InstallationId, Arc<Remembered>>,
    /// How often a token or an installation was dropped: what was read from the store before the last time
    /// may still hold it.
    forgets: Arc<AtomicU64>,
}

impl Memory {
    pub(super) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(MOST_REMEMBERED)
            // The default policy may turn a new entry away, and it has to be there at once.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self {
            cache,
            forgets: Arc::default(),
        }
    }

    pub(super) fn get(&self, id: InstallationId) -> Option<Arc<Remembered>> {
        self.cache.get(&id)
    }

    /// Replaces an entry by what `change` makes of it, while nobody else can.
    pub(super) fn update(
        &self,
        id: InstallationId,
        change: impl FnOnce(Option<&Remembered>) -> Option<Arc<Remembered>>,
    ) {
        self.cache.entry(id).and_compute_with(|entry| {
            let current = entry.as_ref().map(|entry| &**entry.value());
            change(current).map_or(Op::Nop, Op::Put)
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
        self.cache.entry(id).and_compute_with(|_| Op::Remove);
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
