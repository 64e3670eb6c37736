//! How many places each installation holds, counted without a lock and in fixed memory.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
};

use crate::ids::InstallationId;

/// Counters in a row; a power of two.
const WIDTH: usize = 2048;

/// Two rows of counters. An installation has one in each, where its id's hash says, and what
/// it holds is the smaller of the two: somebody else would have to meet it in both rows to be
/// taken for it. So there is nothing to insert, to remove or to bound, and the worst that a
/// meeting does is to refuse a request while there is little room.
pub(super) struct Shares {
    rows: [Box<[AtomicU32]>; 2],
    at_work: AtomicUsize,
    /// Seeded: nobody outside can tell who meets whom.
    hasher: RandomState,
}

/// One place of an installation. Given back on drop.
#[derive(Debug)]
pub(super) struct Share {
    shares: Arc<Shares>,
    slots: [usize; 2],
    held: usize,
}

impl Default for Shares {
    fn default() -> Self {
        let row = || (0..WIDTH).map(|_| AtomicU32::new(0)).collect();
        Self {
            rows: [row(), row()],
            at_work: AtomicUsize::new(0),
            hasher: RandomState::new(),
        }
    }
}

impl Shares {
    /// How many installations hold a place. Two that meet in the first row count as one.
    pub(super) fn at_work(&self) -> usize {
        self.at_work.load(Relaxed)
    }

    fn slots(&self, installation: &InstallationId) -> [usize; 2] {
        let hash = self.hasher.hash_one(installation);
        let slot = |bits: u64| usize::try_from(bits % WIDTH as u64).unwrap_or(0);
        [slot(hash), slot(hash >> 32)]
    }
}

impl Share {
    /// Counts one more place of that installation.
    pub(super) fn one_more(shares: &Arc<Shares>, installation: &InstallationId) -> Self {
        let slots = shares.slots(installation);
        let [first, second] = [0, 1].map(|row: usize| {
            let before = shares.rows[row][slots[row]].fetch_add(1, Relaxed);
            before as usize + 1
        });
        if first == 1 {
            shares.at_work.fetch_add(1, Relaxed);
        }
        Self {
            shares: Arc::clone(shares),
            slots,
            held: first.min(second),
        }
    }

    /// How many the installation held when this one was counted, this one included.
    pub(super) const fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let [first, second] = self.slots;
        self.shares.rows[1][second].fetch_sub(1, Relaxed);
        if self.shares.rows[0][first].fetch_sub(1, Relaxed) == 1 {
            self.shares.at_work.fetch_sub(1, Relaxed);
        }
    }
}

impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shares")
            .field("at_work", &self.at_work())
            .finish_non_exhaustive()
    }
}
