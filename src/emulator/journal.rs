//! What happened: the last invocations, each with the calls that the remote made for it.

mod record;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokio::time::Instant;

pub use record::{Answer, Call, Identity, Invocation, Purpose, SentRequest, Settlement};

/// Invocations that are remembered, besides those under way; the oldest goes first.
const MAX_INVOCATIONS: usize = 100;
/// Calls that are remembered for one invocation, and outside of any.
const MAX_CALLS: usize = 500;
/// Tokens whose last use is remembered.
const MAX_TOKENS: usize = 1024;

/// The last invocations. Everything in it is bounded.
#[derive(Debug, Default)]
pub(super) struct Journal(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    last_id: u64,
    entries: VecDeque<Entry>,
    /// Ids of tokens and the invocation that they were last seen with.
    tokens: VecDeque<(String, u64)>,
    /// Calls that belong to no invocation, the newest last.
    strays: VecDeque<Call>,
}

#[derive(Debug)]
struct Entry {
    started: Instant,
    invocation: Invocation,
}

/// What identifies the invocation that a call belongs to.
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
        let mut pages = self.pages();
        pages.last_id += 1;
        let id = pages.last_id;
        invocation.id = id;
        for token in token_ids {
            pages.use_token(token, id);
        }
        pages.forget_the_oldest();
        pages.entries.push_back(Entry {
            started: Instant::now(),
            invocation,
        });
        id
    }

    /// Writes the end of an invocation; gives it back as it stands now.
    pub(super) fn finish(
        &self,
        id: u64,
        write: impl FnOnce(&mut Invocation),
    ) -> Option<Invocation> {
        let mut pages = self.pages();
        let entry = pages.entry(id)?;
        write(&mut entry.invocation);
        Some(entry.invocation.clone())
    }

    /// Adds a call to the invocation it belongs to: by its trace, else by its token's last use.
    pub(super) fn record(&self, mut call: Call, began: Instant, belongs: Belonging<'_>) {
        let mut pages = self.pages();
        let id = pages.invocation_of(belongs);
        let Some(entry) = id.and_then(|id| pages.entry(id)) else {
            if pages.strays.len() == MAX_CALLS {
                pages.strays.pop_front();
            }
            pages.strays.push_back(call);
            return;
        };
        call.started = began.saturating_duration_since(entry.started);
        let calls = &mut entry.invocation.calls;
        if calls.len() < MAX_CALLS {
            // Calls end in another order than they begin.
            let at = calls.partition_point(|other| other.started <= call.started);
            calls.insert(at, call);
        }
    }

    /// Remembers that a token was handed out to the invocation that a call belongs to.
    pub(super) fn hand_out(&self, token_id: String, belongs: Belonging<'_>) {
        let mut pages = self.pages();
        if let Some(id) = pages.invocation_of(belongs) {
            pages.use_token(token_id, id);
        }
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn invocation_of(&self, belongs: Belonging<'_>) -> Option<u64> {
        let by_trace = belongs.trace_id.and_then(|trace| {
            let newest = self.entries.iter().rev();
            newest
                .map(|entry| &entry.invocation)
                .find(|invocation| invocation.trace_id.as_str() == trace)
                .map(|invocation| invocation.id)
        });
        by_trace.or_else(|| {
            let token = belongs.token_id?;
            let newest = self.tokens.iter().rev();
            newest
                .filter(|(known, _)| known == token)
                .map(|(_, id)| *id)
                .next()
        })
    }

    fn use_token(&mut self, token_id: String, id: u64) {
        self.tokens.retain(|(known, _)| *known != token_id);
        if self.tokens.len() == MAX_TOKENS {
            self.tokens.pop_front();
        }
        self.tokens.push_back((token_id, id));
    }
}
