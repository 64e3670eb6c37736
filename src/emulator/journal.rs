//! What happened: the last invocations and deliveries, each with the calls that the remote made for it.

mod deliveries;
mod delivery;
#[cfg(test)]
mod delivery_tests;
mod record;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokio::{sync::watch, time::Instant};

pub(super) use deliveries::{Full, MAX_DELIVERIES};
pub use delivery::{Attempt, Delivery, DeliveryState, Hook, Occasion, Retry, RetryReason};
pub use record::{Answer, Call, Identity, Invocation, Purpose, SentRequest, Settlement, Via};

/// Invocations that are remembered, besides those under way; the oldest goes first.
const MAX_INVOCATIONS: usize = 100;
/// Calls that are remembered for one invocation, and outside of any.
const MAX_CALLS: usize = 500;
/// Tokens whose last use is remembered.
const MAX_TOKENS: usize = 1024;

/// The last invocations and deliveries. Everything in it is bounded.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pages: Mutex<Pages>,
    /// Told of every change.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Pages {
    last_id: u64,
    entries: VecDeque<Entry>,
    last_delivery: u64,
    deliveries: VecDeque<deliveries::Entry>,
    /// Ids of tokens and what they were last seen with.
    tokens: VecDeque<(String, Owner)>,
    /// Calls that belong to nothing, the newest last.
    strays: VecDeque<Call>,
}

#[derive(Debug)]
struct Entry {
    started: Instant,
    invocation: Invocation,
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
            pages.entries.push_back(Entry {
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
            let entry = pages.entry(id)?;
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
                pages.strays.push_back(call);
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

    /// Tells of every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(super) fn get(&self, id: u64) -> Option<Invocation> {
        self.pages().entry(id).map(|entry| entry.invocation.clone())
    }

    /// All that are remembered, the newest first.
    pub(super) fn newest_first(&self) -> Vec<Invocation> {
        let pages = self.pages();
        let newest = pages.entries.iter().rev();
        newest.map(|entry| entry.invocation.clone()).collect()
    }

    /// Calls that belong to no invocation, the newest first.
    pub(super) fn strays(&self) -> Vec<Call> {
        self.pages().strays.iter().rev().cloned().collect()
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Pages) -> T) -> T {
        let done = change(&mut self.pages());
        self.changed.send_replace(());
        done
    }
}

impl Pages {
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
        match self.owner_of(belongs)? {
            Owner::Invocation(id) => {
                let entry = self.entry(id)?;
                Some((entry.started, &mut entry.invocation.calls))
            }
            Owner::Delivery(id) => {
                let entry = self.delivery(id)?;
                Some((entry.started, &mut entry.delivery.calls))
            }
        }
    }

    fn owner_of(&self, belongs: Belonging<'_>) -> Option<Owner> {
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
