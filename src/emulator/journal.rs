//! What happened: the last invocations, each with the calls that the remote made for it.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::{clock::Timestamp, conformance::answer::Finding, trace::TraceId};

/// Invocations that are remembered, besides those under way; the oldest goes first.
const MAX_INVOCATIONS: usize = 100;
/// Calls that are remembered for one invocation, and outside of any.
const MAX_CALLS: usize = 500;
/// Tokens whose last use is remembered.
const MAX_TOKENS: usize = 1024;

/// One invocation of a module, from the press of a button to what the caller is told.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Counts from 1 since the emulator started.
    pub id: u64,
    /// When it began.
    pub at: Timestamp,
    /// `x-b3-traceid` of the request.
    pub trace_id: TraceId,
    /// Name of the user who invoked it.
    pub user: &'static str,
    /// Key of the UI module it came from.
    pub module_key: String,
    /// The request as Forge sent it, tokens masked.
    pub request: SentRequest,
    /// Claims of the FIT.
    pub claims: Value,
    /// Product calls and exchanges that the remote made, in the order of their start.
    pub calls: Vec<Call>,
    /// The remote's answer, if one came.
    pub answer: Option<Answer>,
    /// What the caller in the UI is told.
    pub settlement: Settlement,
    /// From sending the request to the last byte of the answer.
    pub duration: Duration,
    /// What the platform's rules say of the answer.
    pub verdict: Vec<Finding>,
}

/// A request as Forge sends it.
#[derive(Debug, Clone)]
pub struct SentRequest {
    /// Its method.
    pub method: Method,
    /// Where it went: the remote's address with the path resolved against it.
    pub url: Url,
    /// Its headers; of a token only the first characters are kept.
    pub headers: Vec<(String, String)>,
    /// Its body, the first 128 KiB.
    pub body: Option<String>,
}

/// A remote's answer, as far as it is kept for the console.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, tokens masked.
    pub headers: Vec<(String, String)>,
    /// The first 128 KiB of its body as text, tokens masked.
    pub body: String,
    /// Length of the whole body in bytes.
    pub bytes: usize,
}

impl Answer {
    /// The body as JSON, where it is JSON and was kept whole.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }
}

/// How the bridge's promise ends for the caller (Forge bridge: `invokeRemote`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It is still under way: seen only in the journal.
    Pending,
    /// It resolves, errors included, with this status.
    Resolved {
        /// The remote's status.
        status: u16,
    },
    /// It rejects, and the caller never sees the answer.
    Rejected {
        /// The platform's message.
        message: String,
    },
}

/// On whose behalf a call was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The app's bot account, by the app's token.
    App,
    /// The user in session, by their own token.
    User {
        /// Account id.
        account_id: String,
        /// Display name.
        name: String,
    },
    /// An account that the app impersonates, by an exchanged token.
    Impersonated {
        /// Account id.
        account_id: String,
        /// Display name.
        name: String,
    },
    /// Nobody: there was no token that the platform accepts.
    Nobody,
}

/// What a call was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A call of a product's API.
    Product,
    /// An exchange of the app's token for that of the named account.
    Exchange {
        /// Name or id of the account that was asked for.
        account: String,
    },
}

/// A call that the remote made to the emulated platform.
#[derive(Debug, Clone)]
pub struct Call {
    /// On whose behalf.
    pub identity: Identity,
    /// What for.
    pub purpose: Purpose,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
    /// The platform's answer.
    pub status: StatusCode,
    /// How long after the invocation began.
    pub started: Duration,
    /// How long the platform took.
    pub duration: Duration,
    /// Why it was refused, for the developer; the remote was told only the platform's words.
    pub note: Option<String>,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(trace: &TraceId) -> Invocation {
        Invocation {
            id: 0,
            at: Timestamp::from_unix(0),
            trace_id: trace.clone(),
            user: "Mira",
            module_key: "page".into(),
            request: SentRequest {
                method: Method::GET,
                url: "http://127.0.0.1:8080/".parse().unwrap(),
                headers: Vec::new(),
                body: None,
            },
            claims: Value::Null,
            calls: Vec::new(),
            answer: None,
            settlement: Settlement::Pending,
            duration: Duration::ZERO,
            verdict: Vec::new(),
        }
    }

    fn call(path: &str) -> Call {
        Call {
            identity: Identity::App,
            purpose: Purpose::Product,
            method: Method::GET,
            path: path.into(),
            status: StatusCode::OK,
            started: Duration::ZERO,
            duration: Duration::ZERO,
            note: None,
        }
    }

    fn by<'a>(trace_id: Option<&'a str>, token_id: Option<&'a str>) -> Belonging<'a> {
        Belonging { trace_id, token_id }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_belongs_by_its_trace_before_its_token() {
        let (journal, trace) = (Journal::default(), TraceId::random());
        let first = journal.begin(invocation(&trace), vec!["app".into()]);
        let second = journal.begin(invocation(&TraceId::random()), vec!["app".into()]);
        let now = Instant::now();
        journal.record(call("/a"), now, by(Some(trace.as_str()), Some("app")));
        journal.record(call("/b"), now, by(None, Some("app")));
        journal.record(call("/c"), now, by(Some("unknown"), None));
        assert_eq!(journal.get(first).unwrap().calls[0].path, "/a");
        assert_eq!(journal.get(second).unwrap().calls[0].path, "/b");
        assert_eq!(journal.strays()[0].path, "/c");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_stand_in_the_order_of_their_start() {
        let (journal, trace) = (Journal::default(), TraceId::random());
        let id = journal.begin(invocation(&trace), Vec::new());
        let began = Instant::now();
        tokio::time::advance(Duration::from_millis(5)).await;
        let belongs = by(Some(trace.as_str()), None);
        journal.record(call("/late"), Instant::now(), belongs);
        journal.record(call("/early"), began, belongs);
        let paths: Vec<_> = journal
            .get(id)
            .unwrap()
            .calls
            .into_iter()
            .map(|c| c.path)
            .collect();
        assert_eq!(paths, ["/early", "/late"]);
    }

    #[test]
    fn an_exchanged_token_leads_back_to_the_invocation_it_was_made_for() {
        let journal = Journal::default();
        let id = journal.begin(invocation(&TraceId::random()), vec!["app".into()]);
        journal.hand_out("priya".into(), by(None, Some("app")));
        journal.record(call("/p"), Instant::now(), by(None, Some("priya")));
        assert_eq!(journal.get(id).unwrap().calls.len(), 1);
    }

    #[test]
    fn what_is_under_way_is_never_forgotten() {
        let journal = Journal::default();
        let first = journal.begin(invocation(&TraceId::random()), Vec::new());
        for _ in 0..=MAX_INVOCATIONS {
            let id = journal.begin(invocation(&TraceId::random()), Vec::new());
            journal.finish(id, |entry| {
                entry.settlement = Settlement::Resolved { status: 200 }
            });
        }
        assert!(journal.finish(first, |_| ()).is_some());
    }

    #[test]
    fn the_journal_forgets_the_oldest() {
        let journal = Journal::default();
        let trace = TraceId::random();
        for _ in 0..=MAX_INVOCATIONS {
            let id = journal.begin(invocation(&trace), Vec::new());
            journal.finish(id, |entry| {
                entry.settlement = Settlement::Resolved { status: 200 }
            });
        }
        assert_eq!(journal.newest_first().len(), MAX_INVOCATIONS);
        assert!(journal.get(1).is_none());
        for _ in 0..=MAX_CALLS {
            journal.record(call("/"), Instant::now(), by(None, None));
            journal.record(call("/"), Instant::now(), by(Some(trace.as_str()), None));
        }
        assert_eq!(journal.strays().len(), MAX_CALLS);
        assert_eq!(journal.newest_first()[0].calls.len(), MAX_CALLS);
    }
}
