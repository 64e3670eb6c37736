//! A bounded map that is read on every request: what is in use stays, the rest gives way.
//!
//! A hit allocates nothing and keeps nobody else from a hit. It follows as few pointers as
//! can be, which is what counts when a million entries do not fit into the processor's caches:
//! to the list of places, to the entry, to what the entry holds. An entry takes its own size
//! and about 20 bytes.

mod places;

use std::{
    fmt,
    hash::{BuildHasher, Hash},
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use foldhash::quality::RandomState;

use self::places::Places;

/// So many that threads seldom meet, so few that each is filled evenly.
const MOST_PARTS: usize = 64;
/// A part is worth a lock of its own from this many entries on.
const SMALLEST_PART: usize = 4_096;
/// How far the hand goes in search of an entry that nobody used since it came by last. If
/// there is none, the next one goes: a newcomer does not wait for a tour of the whole part.
const LONGEST_SEARCH: usize = 64;
/// Entries that [`Cache::retain`] looks at before it lets others have the lock.
const GLANCE: usize = 256;

/// Something to look an entry up by: its key, or a form of it that is at hand without an
/// allocation.
///
/// Whatever is [equal](Self::is) to a key has the same hash each time it is asked; the hash
/// of the key itself is not used.
pub(crate) trait Lookup<K>: Hash {
    /// Whether this is the key.
    fn is(&self, key: &K) -> bool;
    /// The key, to be kept.
    fn to_key(&self) -> K;
}

/// What becomes of an entry.
#[derive(Debug)]
pub(crate) enum Change<V> {
    Keep,
    Put(V),
    Remove,
}

/// At most so many entries, those that were used lately.
///
/// It is a clock with a second chance: a use sets a mark, and a newcomer takes the place of the
/// first entry that the hand finds without one. A newcomer always gets a place.
pub(crate) struct Cache<K, V> {
    parts: Box<[Part<K, V>]>,
    /// Seeded at random for each cache. It does not withstand somebody who chooses keys and
    /// measures answers; keys come from signed tokens and from exchanges that succeeded.
    hasher: RandomState,
    most_in_part: usize,
}

/// Alone on its lines of memory: a lock is written to by every reader.
#[repr(align(128))]
struct Part<K, V>(RwLock<Content<K, V>>);

struct Content<K, V> {
    places: Places,
    /// Without gaps: the last one takes the place of one that goes.
    entries: Vec<Entry<K, V>>,
    hand: usize,
}

struct Entry<K, V> {
    key: K,
    value: V,
    tag: u32,
    used: AtomicBool,
}

impl<K, V> Cache<K, V> {
    /// Room for `most` entries, which are allocated as they come. Each part has its share of
    /// the room, so the first ones may go when a few percent are still free.
    pub(crate) fn new(most: usize) -> Self {
        let parts = (most / SMALLEST_PART).clamp(1, MOST_PARTS);
        // The next power of two below, for the sake of `part`.
        let parts = 1 << parts.ilog2();
        Self {
            parts: (0..parts).map(|_| Part::new()).collect(),
            hasher: RandomState::default(),
            most_in_part: (most / parts).max(1),
        }
    }

    /// What `read` makes of the value, which counts as used. Others may read meanwhile, and
    /// nobody may write: `read` must be short, and not come back to the cache.
    pub(crate) fn get<R>(&self, key: &impl Lookup<K>, read: impl FnOnce(&V) -> R) -> Option<R> {
        let (part, tag) = self.part(key);
        let content = part.read();
        let entry = &content.entries[content.place(tag, key)?];
        entry.touch();
        Some(read(&entry.value))
    }

    /// Changes the value of a key as `change` wants it, while nobody else can read or change it;
    /// `change` must not come back to the cache.
    pub(crate) fn update(
        &self,
        key: &impl Lookup<K>,
        change: impl FnOnce(Option<&V>) -> Change<V>,
    ) {
        let (part, tag) = self.part(key);
        let mut content = part.write();
        let place = content.place(tag, key);
        let change = change(place.map(|at| &content.entries[at].value));
        // What goes is dropped when the lock is free again: a secret is wiped.
        let (mut replaced, mut gone) = (None, None);
        match (change, place) {
            (Change::Put(value), Some(at)) => {
                let entry = &mut content.entries[at];
                entry.touch();
                replaced = Some(std::mem::replace(&mut entry.value, value));
            }
            (Change::Put(value), None) => {
                let entry = Entry::new(tag, key.to_key(), value);
                gone = content.insert(entry, self.most_in_part);
            }
            (Change::Remove, Some(at)) => gone = Some(content.remove(at)),
            (Change::Remove, None) | (Change::Keep, _) => {}
        }
        drop(content);
        drop((replaced, gone));
    }

    /// Puts a value in the place of what the key had.
    pub(crate) fn put(&self, key: &impl Lookup<K>, value: V) {
        self.update(key, |_| Change::Put(value));
    }

    /// Keeps what `keep` says of all that was there when it began. Others get the locks in
    /// between: it may be called on a large cache while it serves requests.
    pub(crate) fn retain(&self, keep: impl Fn(&K, &V) -> bool) {
        for part in &self.parts {
            part.retain(&keep);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts
            .iter()
            .map(|part| part.read().entries.len())
            .sum()
    }

    fn part(&self, key: &impl Lookup<K>) -> (&Part<K, V>, u32) {
        let hash = self.hasher.hash_one(key);
        let [a, b, c, d, tag @ ..] = hash.to_be_bytes();
        let part = u32::from_be_bytes([a, b, c, d]) as usize & (self.parts.len() - 1);
        (&self.parts[part], u32::from_be_bytes(tag))
    }
}

impl<K, V> Part<K, V> {
    fn new() -> Self {
        Self(RwLock::new(Content {
            places: Places::new(),
            entries: Vec::new(),
            hand: 0,
        }))
    }

    // No code of this file that holds the lock panics, and callers' code finds the content whole.
    fn read(&self) -> RwLockReadGuard<'_, Content<K, V>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Content<K, V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// From the last entry to the first: whatever moves into a gap meanwhile has been seen,
    /// or comes to lie where it will be.
    fn retain(&self, keep: impl Fn(&K, &V) -> bool) {
        let mut left = self.read().entries.len();
        while left > 0 {
            let mut gone = Vec::new();
            let mut content = self.write();
            for _ in 0..GLANCE {
                left = left.min(content.entries.len());
                let Some(at) = left.checked_sub(1) else { break };
                let entry = &content.entries[at];
                if !keep(&entry.key, &entry.value) {
                    gone.push(content.remove(at));
                }
                left = at;
            }
            drop(content);
            drop(gone);
        }
    }
}

impl<K, V> Content<K, V> {
    fn place(&self, tag: u32, key: &impl Lookup<K>) -> Option<usize> {
        self.places.find(tag, |at| key.is(&self.entries[at].key))
    }

    /// Takes an entry in, and gives back the one that had to go.
    fn insert(&mut self, entry: Entry<K, V>, most: usize) -> Option<Entry<K, V>> {
        if self.entries.len() >= most {
            let at = self.least_used();
            // The newcomer has the whole tour before it.
            self.hand = at + 1;
            self.places.remove(self.entries[at].tag, at);
            self.places.insert(entry.tag, at);
            return Some(std::mem::replace(&mut self.entries[at], entry));
        }
        let at = self.entries.len();
        if at == self.entries.capacity() {
            // By a quarter, and not by as many as there are.
            self.entries.reserve_exact((at / 4).max(4).min(most - at));
        }
        self.places.insert(entry.tag, at);
        self.entries.push(entry);
        None
    }

    fn remove(&mut self, at: usize) -> Entry<K, V> {
        self.places.remove(self.entries[at].tag, at);
        let last = self.entries.len() - 1;
        if at != last {
            self.places.moved(self.entries[last].tag, last, at);
        }
        self.entries.swap_remove(at)
    }

    fn least_used(&mut self) -> usize {
        let mut at = self.hand;
        for _ in 0..LONGEST_SEARCH {
            at = if at < self.entries.len() { at } else { 0 };
            let used = self.entries[at].used.get_mut();
            if !std::mem::take(used) {
                return at;
            }
            at += 1;
        }
        if at < self.entries.len() { at } else { 0 }
    }
}

impl<K, V> Entry<K, V> {
    const fn new(tag: u32, key: K, value: V) -> Self {
        Self {
            key,
            value,
            tag,
            used: AtomicBool::new(false),
        }
    }

    fn touch(&self) {
        // Where the mark is set it is not written: the line stays with all cores.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
