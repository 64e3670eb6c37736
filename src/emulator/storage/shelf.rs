//! The items of one installation, within bounds.

use std::{collections::BTreeMap, ops::Bound, sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    address::{Address, Key, Space},
    fault::{Code, Fault},
    late::LateIndex,
    traffic::Traffic,
};
use crate::clock::Timestamp;

/// The emulator's bounds for one installation: enough for an app under development.
const MAX_ITEMS: usize = 10_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// How long an item is still there after its time. The platform takes up to 48 h to delete
/// it; a minute lets an app that forgets to look at `expireTime` be seen, and ends.
pub(super) const SWEEP_AFTER: Duration = Duration::from_mins(1);

/// An item as it is stored. Not `Debug`: it may be a secret.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) value: Value,
    /// Length of the value as JSON.
    pub(super) bytes: usize,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) expires: Option<Timestamp>,
}

pub(super) type Items = BTreeMap<Address, Arc<Item>>;

/// A write that is ready to be made.
pub(super) enum Change {
    Put(Address, Item),
    Remove(Address),
}

/// The items of one installation.
pub(super) struct Shelf {
    items: Items,
    /// Of keys and values together.
    bytes: usize,
    /// When the next item is swept away.
    next_sweep: Option<Timestamp>,
    late: Option<LateIndex>,
    traffic: Traffic,
}

impl Shelf {
    /// `query_delay` is how long a write stays unseen by queries; zero: not at all.
    pub(super) fn new(query_delay: Duration) -> Self {
        Self {
            items: Items::new(),
            bytes: 0,
            next_sweep: None,
            late: (!query_delay.is_zero()).then(|| LateIndex::new(query_delay)),
            traffic: Traffic::default(),
        }
    }

    pub(super) fn get(&self, address: &Address) -> Option<&Arc<Item>> {
        self.items.get(address)
    }

    /// The item for whoever asks for it, who may not do so too often.
    pub(super) fn read(&mut self, address: &Address) -> Result<Arc<Item>, Fault> {
        let item = self.items.get(address).ok_or_else(Fault::key_not_found)?;
        self.traffic.read(address, item.bytes)?;
        Ok(Arc::clone(item))
    }

    /// All items as they are now.
    pub(super) const fn items(&self) -> &Items {
        &self.items
    }

    /// All items as queries see them.
    pub(super) fn queried(&mut self) -> &Items {
        match &mut self.late {
            Some(late) => late.as_seen_now(&self.items),
            None => &self.items,
        }
    }

    /// Makes all changes or none. No address may be in two of them.
    pub(super) fn apply(&mut self, changes: Vec<Change>) -> Result<(), Fault> {
        self.make_room(&changes)?;
        for change in &changes {
            if let Change::Put(address, item) = change {
                self.traffic.write(address, item.bytes)?;
            }
        }
        for change in changes {
            match change {
                Change::Put(address, item) => {
                    if let Some(at) = item.expires.map(|at| at.plus(SWEEP_AFTER)) {
                        self.next_sweep = Some(self.next_sweep.map_or(at, |next| next.min(at)));
                    }
                    self.bytes += weight(&address, &item);
                    self.touched(&address);
                    if let Some(old) = self.items.insert(address.clone(), Arc::new(item)) {
                        self.bytes -= weight(&address, &old);
                    }
                }
                Change::Remove(address) => {
                    self.remove(&address);
                }
            }
        }
        Ok(())
    }

    /// Whether there was such an item.
    pub(super) fn remove(&mut self, address: &Address) -> bool {
        let Some(old) = self.items.remove(address) else {
            return false;
        };
        self.bytes -= weight(address, &old);
        self.touched(address);
        true
    }

    /// Deletes what expired more than [`SWEEP_AFTER`] ago.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        // Also keeps what waits to be seen from growing while nobody asks.
        self.queried();
        if self.next_sweep.is_none_or(|next| now < next) {
            return;
        }
        let swept_at = |item: &Item| item.expires.map(|at| at.plus(SWEEP_AFTER));
        let due = |item: &Item| swept_at(item).is_some_and(|at| at <= now);
        let gone = self.items.iter().filter(|(_, item)| due(item));
        for address in gone.map(|(address, _)| address.clone()).collect::<Vec<_>>() {
            self.remove(&address);
        }
        self.next_sweep = self.items.values().filter_map(|item| swept_at(item)).min();
    }

    fn touched(&mut self, address: &Address) {
        if let Some(late) = &mut self.late {
            late.touched(address);
        }
    }

    fn make_room(&self, changes: &[Change]) -> Result<(), Fault> {
        let (mut items, mut bytes) = (self.items.len(), self.bytes);
        // What goes makes room for what comes, whichever stands first.
        for change in changes {
            let (Change::Put(address, _) | Change::Remove(address)) = change;
            if let Some(old) = self.items.get(address) {
                items -= 1;
                bytes -= weight(address, old);
            }
        }
        for change in changes {
            if let Change::Put(address, item) = change {
                items += 1;
                bytes += weight(address, item);
            }
        }
        if items > MAX_ITEMS || bytes > MAX_BYTES {
            let message = "The emulator keeps at most 10,000 items and 64 MiB for an installation: delete some, or start it anew.";
            return Err(Fault::new(Code::EmulatorStorageFull, message));
        }
        Ok(())
    }
}

fn weight(address: &Address, item: &Item) -> usize {
    address.key.as_str().len() + item.bytes
}

/// Items of one namespace in the order of their keys, from that text on.
pub(super) fn of_space<'a>(
    items: &'a Items,
    space: &Space,
    from: Bound<&str>,
) -> impl Iterator<Item = (&'a Key, &'a Arc<Item>)> {
    let start = from.map(|text| Address {
        space: space.clone(),
        key: Key::bound(text),
    });
    let space = space.clone();
    items
        .range((start, Bound::Unbounded))
        .take_while(move |(address, _)| address.space == space)
        .map(|(address, item)| (&address.key, item))
}
