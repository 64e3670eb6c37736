//! What is remembered and not yet written: the latest record of each installation.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    ids::{CloudId, InstallationId},
    store::Remembered,
    token::AppToken,
};

/// As many as memory holds. What comes after is not written until it changes again.
const MOST_WAITING: usize = 100_000;
/// One transaction's worth.
const BATCH: usize = 128;

pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write, or the queue was closed.
    work: Notify,
    /// Somebody waits: a pause after a failure ends.
    hurry: Notify,
    /// Something was written or dropped.
    settled: Notify,
    /// Held while the store is changed, so that a token which is dropped stays dropped.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<InstallationId, Entry>,
    writing: Vec<Entry>,
    /// How often something was pushed.
    pushed: u64,
    closed: bool,
    overflown: bool,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) record: Arc<Remembered>,
    /// Memory had nothing of it: the store may know more.
    pub(super) first: bool,
    /// The push that it was made by; later ones may be in it as well.
    since: u64,
}

impl Entry {
    fn is_of(&self, id: InstallationId) -> bool {
        self.record.installation.id == id
    }
}

impl State {
    fn len(&self) -> usize {
        self.waiting.len() + self.writing.len()
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.waiting.values().chain(&self.writing)
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            work: Notify::new(),
            hurry: Notify::new(),
            settled: Notify::new(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the latest record of an installation in the place of an earlier one.
    pub(super) fn push(&self, record: Arc<Remembered>, first: bool) {
        let mut state = self.state();
        let id = record.installation.id;
        state.pushed += 1;
        let since = state.pushed;
        if let Some(entry) = state.waiting.get_mut(&id) {
            // Memory may have evicted the earlier one, so that the latest does not lie over it.
            entry.record = Arc::new(Remembered::clone(&record).over(&entry.record));
            entry.first |= first;
            return;
        }
        if state.waiting.len() >= MOST_WAITING {
            if !std::mem::replace(&mut state.overflown, true) {
                tracing::warn!("too many installations wait to be written: new ones are not kept");
            }
            return;
        }
        let entry = Entry {
            record,
            first,
            since,
        };
        state.waiting.insert(id, entry);
        drop(state);
        self.work.notify_one();
    }

    /// Waits for the next records to write; they count as pending until [`done`](Self::done)
    /// or [`failed`](Self::failed). False once the queue is closed and empty.
    pub(super) async fn next(&self) -> bool {
        loop {
            let closed = {
                let mut state = self.state();
                let ids: Vec<_> = state.waiting.keys().take(BATCH).copied().collect();
                state.writing = ids
                    .iter()
                    .filter_map(|id| state.waiting.remove(id))
                    .collect();
                if !state.writing.is_empty() {
                    return true;
                }
                state.closed
            };
            if closed {
                return false;
            }
            self.work.notified().await;
        }
    }

    /// What [`next`](Self::next) found, less what was dropped since. Only with the
    /// [`turn`](Self::turn).
    pub(super) fn batch(&self) -> Vec<Entry> {
        self.state().writing.clone()
    }

    /// What [`next`](Self::next) found is written.
    pub(super) fn done(&self) {
        let mut state = self.state();
        state.writing.clear();
        state.overflown = false;
        self.settled.notify_waiters();
    }

    /// What [`next`](Self::next) found goes back, under what came in the meantime.
    pub(super) fn failed(&self) {
        let mut state = self.state();
        for entry in std::mem::take(&mut state.writing) {
            state
                .waiting
                .entry(entry.record.installation.id)
                .and_modify(|newer| {
                    let record = Remembered::clone(&newer.record).over(&entry.record);
                    newer.record = Arc::new(record);
                    newer.first |= entry.first;
                    newer.since = entry.since;
                })
                .or_insert(entry);
        }
    }

    /// Drops that token from what is to be written. Only with the [`turn`](Self::turn):
    /// what is being written is out of reach.
    pub(super) fn forget(&self, id: InstallationId, token: &AppToken) {
        let mut state = self.state();
        let State {
            waiting, writing, ..
        } = &mut *state;
        let ahead = writing.iter_mut().filter(|entry| entry.is_of(id));
        for entry in waiting.get_mut(&id).into_iter().chain(ahead) {
            if let Some(record) = entry.record.without(token) {
                entry.record = Arc::new(record);
            }
        }
    }

    /// Drops an installation. Only with the [`turn`](Self::turn).
    pub(super) fn remove(&self, id: InstallationId) {
        let mut state = self.state();
        state.waiting.remove(&id);
        state.writing.retain(|entry| !entry.is_of(id));
        self.settled.notify_waiters();
    }

    pub(super) fn get(&self, id: InstallationId) -> Option<Arc<Remembered>> {
        let state = self.state();
        // What waits is newer than what is being written.
        state
            .waiting
            .get(&id)
            .or_else(|| {
                let mut writing = state.writing.iter();
                writing.find(|entry| entry.is_of(id))
            })
            .map(|entry| Arc::clone(&entry.record))
    }

    pub(super) fn of_cloud(&self, cloud: &CloudId) -> Vec<Arc<Remembered>> {
        let state = self.state();
        let mut found: HashMap<InstallationId, &Entry> = HashMap::new();
        for entry in state.entries() {
            if entry.record.installation.is_in(cloud) {
                found.entry(entry.record.installation.id).or_insert(entry);
            }
        }
        found
            .into_values()
            .map(|entry| Arc::clone(&entry.record))
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.state().len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// The right to change the store, alone.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Ends when somebody waits for the queue to empty.
    pub(super) async fn hurried(&self) {
        self.hurry.notified().await;
    }

    /// Ends when everything is written.
    pub(super) async fn drained(&self) {
        self.until(|state| state.len() == 0).await;
    }

    /// Ends when nothing of that installation is to be written that was pushed by now: a
    /// busy one brings something new with every write.
    pub(super) async fn written(&self, id: InstallationId) {
        let now = self.state().pushed;
        let is_left = |entry: &Entry| entry.is_of(id) && entry.since <= now;
        self.until(|state| {
            !state.waiting.get(&id).is_some_and(is_left) && !state.writing.iter().any(is_left)
        })
        .await;
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let mut hurried = false;
        loop {
            let mut settled = pin!(self.settled.notified());
            // Listen before looking: it may settle in between.
            settled.as_mut().enable();
            if is_so(&self.state()) {
                return;
            }
            if !std::mem::replace(&mut hurried, true) {
                self.hurry.notify_one();
            }
            settled.await;
        }
    }

    /// Nothing will be pushed any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.work.notify_one();
        self.hurry.notify_one();
    }
}
