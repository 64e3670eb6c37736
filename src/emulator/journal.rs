//! What happened: the last invocations and deliveries, each with the calls that the remote made for it.

mod deliveries;
mod delivery;
#[cfg(test)]
mod delivery_tests;
mod record;
#[cfg(test)]
mod tests;
mod timeline;
#[cfg(test)]
mod timeline_tests;

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokio::{sync::watch, time::Instant};

use crate::trace::TraceId;

pub(super) use deliveries::{Full, MAX_DELIVERIES, MAX_REQUEST_BODY};
pub use delivery::{Attempt, Delivery, DeliveryState, Hook, Occasion, Retry, RetryReason};
pub use record::{Answer, Call, Identity, Invocation, Purpose, SentRequest, Settlement, Via};
pub(super) use timeline::{Filter, Kind, Outcome, Row, Slice};

/// Invocations that are remembered, besides those under way; the oldest goes first.
const MAX_INVOCATIONS: usize = 100;
/// Calls that are remembered for one invocation, and outside of any.
const MAX_CALLS: usize = 500;
/// Tokens whose last use is remembered.
const MAX_TOKENS: usize = 1024;
/// Traces of requests that somebody else sends with our tokens.
const MAX_FOREIGN: usize = 64;

/// The last invocations and deliveries. Everything in it is bounded.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pages: Mutex<Pages>,
    /// Told of every change: how many there were.
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Pages {
    /// Counts changes.
    version: u64,
    /// Counts what was begun, of any kind: it puts all of it in one order.
    last_order: u64,
    last_id: u64,
    entries: VecDeque<Entry>,
    last_delivery: u64,
    deliveries: VecDeque<deliveries::Entry>,
    /// Ids of tokens and what they were last seen with.
    tokens: VecDeque<(String, Owner)>,
    last_stray: u64,
    /// Calls that belong to nothing, the newest last.
    strays: VecDeque<Stray>,
    /// Calls of these traces belong to nothing, whatever token they carry.
    foreign: VecDeque<TraceId>,
}

#[derive(Debug)]
struct Entry {
    order: u64,
    /// The last change of it.
    version: u64,
    started: Instant,
    invocation: Invocation,
}

#[derive(Debug)]
struct Stray {
    order: u64,
    id: u64,
    call: Call,
}

/// What a call belongs to, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Invocation(u64),
    Delivery(u64),
}

/// What identifies the invocation or the delivery that a call belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Belonging<'a> {
    /// `x-b3-traceid` of the call, if it carried one.
    pub(super) trace_id: Option<&'a str>,
    /// Id of the token it carried.
    pub(super) token_id: Option<&'a str>,
}

impl Journal {
    /// Opens an entry and gives it its id.
    pub(super) fn begin(&self, mut invocation: Invocation, token_ids: Vec<String>) -> u64 {
        self.write(|pages| {
            pages.last_id += 1;
            let id = pages.last_id;
            invocation.id = id;
            for token in token_ids {
                pages.use_token(token, Owner::Invocation(id));
            }
            pages.forget_the_oldest();
            let (order, version) = (pages.next_order(), pages.version);
            pages.entries.push_back(Entry {
                order,
                version,
                started: Instant::now(),
                invocation,
            });
            id
        })
    }

    /// Writes the end of an invocation; gives it back as it stands now.
    pub(super) fn finish(
        &self,
        id: u64,
        write: impl FnOnce(&mut Invocation),
    ) -> Option<Invocation> {
        self.write(|pages| {
            let version = pages.version;
            let entry = pages.entry(id)?;
            entry.version = version;
            write(&mut entry.invocation);
            Some(entry.invocation.clone())
        })
    }

    /// Adds a call to what it belongs to: by its trace, else by its token's last use.
    pub(super) fn record(&self, mut call: Call, began: Instant, belongs: Belonging<'_>) {
        self.write(|pages| {
            let Some((started, calls)) = pages.calls_of(belongs) else {
                if pages.strays.len() == MAX_CALLS {
                    pages.strays.pop_front();
                }
                pages.last_stray += 1;
                let (order, id) = (pages.next_order(), pages.last_stray);
                pages.strays.push_back(Stray { order, id, call });
                return;
            };
            call.started = began.saturating_duration_since(started);
            if calls.len() < MAX_CALLS {
                // Calls end in another order than they begin.
                let at = calls.partition_point(|other| other.started <= call.started);
                calls.insert(at, call);
            }
        });
    }

    /// Remembers that a token was handed out to what a call belongs to.
    pub(super) fn hand_out(&self, token_id: String, belongs: Belonging<'_>) {
        self.write(|pages| {
            if let Some(owner) = pages.owner_of(belongs) {
                pages.use_token(token_id, owner);
            }
        });
    }

    /// Keeps the calls of a trace apart: somebody else sends its request, with tokens that
    /// were used before.
    pub(super) fn keep_apart(&self, trace: TraceId) {
        self.write(|pages| {
            if pages.foreign.len() == MAX_FOREIGN {
                pages.foreign.pop_front();
            }
            pages.foreign.push_back(trace);
        });
    }

    /// Tells of every change from now on; the value is how many there were.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// How many changes there were.
    pub(super) fn version(&self) -> u64 {
        *self.changed.borrow()
    }

    /// Tells whoever waits for a change that something beside the journal changed.
    pub(super) fn announce(&self) {
        self.write(|_| ());
    }

    /// The last change of an invocation, as [`version`](Self::version) counts.
    pub(super) fn last_change(&self, id: u64) -> Option<u64> {
        self.pages().entry(id).map(|entry| entry.version)
    }

    pub(super) fn get(&self, id: u64) -> Option<Invocation> {
        self.pages().entry(id).map(|entry| entry.invocation.clone())
    }

    /// Whether the remote was ever invoked.
    pub(super) fn has_invocations(&self) -> bool {
        self.pages().last_id > 0
    }

    /// All that are remembered, the newest first.
    pub(super) fn newest_first(&self) -> Vec<Invocation> {
        let pages = self.pages();
        let newest = pages.entries.iter().rev();
        newest.map(|entry| entry.invocation.clone()).collect()
    }

    /// Calls that belong to no invocation, the newest first.
    pub(super) fn strays(&self) -> Vec<Call> {
        let pages = self.pages();
        let newest = pages.strays.iter().rev();
        newest.map(|stray| stray.call.clone()).collect()
    }

    pub(super) fn stray(&self, id: u64) -> Option<Call> {
        let pages = self.pages();
        let mut newest = pages.strays.iter().rev();
        let found = newest.find(|stray| stray.id == id)?;
        Some(found.call.clone())
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Pages) -> T) -> T {
        let mut pages = self.pages();
        pages.version += 1;
        let done = change(&mut pages);
        // Under the lock, so that nobody is told of two changes in the wrong order.
        self.changed.send_replace(pages.version);
        done
    }
}

impl Pages {
    const fn next_order(&mut self) -> u64 {
        self.last_order += 1;
        self.last_order
    }

    fn entry(&mut self, id: u64) -> Option<&mut Entry> {
        self.entries
            .iter_mut()
            .rev()
            .find(|entry| entry.invocation.id == id)
    }

    /// Those under way stay: they are bounded by how many may be under way at once.
    fn forget_the_oldest(&mut self) {
        let settled = |entry: &Entry| entry.invocation.settlement != Settlement::Pending;
        if self.entries.len() >= MAX_INVOCATIONS
            && let Some(at) = self.entries.iter().position(settled)
        {
            self.entries.remove(at);
        }
    }

    /// The calls of an invocation or a delivery, and when it began.
    fn calls_of(&mut self, belongs: Belonging<'_>) -> Option<(Instant, &mut Vec<Call>)> {
        let version = self.version;
        match self.owner_of(belongs)? {
            Owner::Invocation(id) => {
                let entry = self.entry(id)?;
                entry.version = version;
                Some((entry.started, &mut entry.invocation.calls))
            }
            Owner::Delivery(id) => {
                let entry = self.delivery(id)?;
                entry.version = version;
                Some((entry.started, &mut entry.delivery.calls))
            }
        }
    }

    fn owner_of(&self, belongs: Belonging<'_>) -> Option<Owner> {
        let is_foreign = |trace: &str| self.foreign.iter().any(|known| known.as_str() == trace);
        if belongs.trace_id.is_some_and(is_foreign) {
            return None;
        }
        let by_trace = belongs.trace_id.and_then(|trace| {
            let newest = self.entries.iter().rev();
            newest
                .map(|entry| &entry.invocation)
                .find(|invocation| invocation.trace_id.as_str() == trace)
                .map(|invocation| Owner::Invocation(invocation.id))
                .or_else(|| self.delivery_of_trace(trace).map(Owner::Delivery))
        });
        by_trace.or_else(|| {
            let token = belongs.token_id?;
            let newest = self.tokens.iter().rev();
            newest
                .filter(|(known, _)| known == token)
                .map(|(_, owner)| *owner)
                .next()
        })
    }

    fn use_token(&mut self, token_id: String, owner: Owner) {
        self.tokens.retain(|(known, _)| *known != token_id);
        if self.tokens.len() == MAX_TOKENS {
            self.tokens.pop_front();
        }
        self.tokens.push_back((token_id, owner));
    }
}
