//! Queries that see a write only after a while, as the platform's may.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{address::Address, shelf::Items};

/// What queries see: each item as it was at the last look that came late enough after a write.
pub(super) struct LateIndex {
    delay: Duration,
    seen: Items,
    /// Writes that queries do not see yet, the oldest first; each address once.
    pending: VecDeque<(Instant, Address)>,
    waiting: BTreeSet<Address>,
}

impl LateIndex {
    pub(super) fn new(delay: Duration) -> Self {
        Self {
            delay,
            seen: Items::new(),
            pending: VecDeque::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// Notes that something was written there.
    pub(super) fn touched(&mut self, address: &Address) {
        // A second write is seen together with the first: late enough is a promise of no more.
        if self.waiting.insert(address.clone()) {
            let due = Instant::now() + self.delay;
            self.pending.push_back((due, address.clone()));
        }
    }

    /// Takes over what is due from `items`, which are as they are now.
    pub(super) fn as_seen_now(&mut self, items: &Items) -> &Items {
        let now = Instant::now();
        while let Some((_, address)) = self.pending.pop_front_if(|(due, _)| *due <= now) {
            self.waiting.remove(&address);
            match items.get(&address) {
                Some(item) => {
                    self.seen.insert(address, Arc::clone(item));
                }
                None => {
                    self.seen.remove(&address);
                }
            }
        }
        &self.seen
    }
}
