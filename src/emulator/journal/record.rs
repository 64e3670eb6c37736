//! What is written down of an invocation and of each call.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::{
    clock::Timestamp, conformance::answer::Finding, emulator::faults::Fault, ids::InstallationId,
    trace::TraceId,
};

/// One invocation of a module, from the press of a button to what the caller is told.
///
/// ```
/// use forge_remote::emulator::{Answer, Call, Identity, Invocation, Purpose, SentRequest, Settlement, Via};
///
/// fn line(invocation: &Invocation) -> String {
///     let SentRequest { method, url, .. } = &invocation.request;
///     let status = invocation.answer.as_ref().map(|answer: &Answer| answer.status);
///     let pending = matches!(invocation.settlement, Settlement::Pending);
///     let settled = if pending { "is under way" } else { "is settled" };
///     format!("{} {method} {url} {settled}: {status:?}", Via::name(invocation.via))
/// }
///
/// fn by_the_app(calls: &[Call]) -> usize {
///     let of_product = |call: &&Call| matches!(call.purpose, Purpose::Product);
///     calls.iter().filter(of_product).filter(|call| matches!(call.identity, Identity::App)).count()
/// }
/// ```
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
    /// Which way it went.
    pub via: Via,
    /// The request as it was sent, tokens masked.
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
    /// What was wrong with the request because a fault was switched on.
    pub faults: Vec<Fault>,
}

/// Which way a call of a page went to the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Through Forge, which adds tokens and settles the answer.
    InvokeRemote,
    /// Straight from the browser, with the FIT alone. What is kept of it is what the host
    /// page reported.
    RequestRemote,
}

impl Via {
    /// The function of `@forge/bridge` that the page called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvokeRemote => "invokeRemote",
            Self::RequestRemote => "requestRemote",
        }
    }
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
    /// An operation of Forge storage.
    Storage {
        /// The key, the query's prefix or the number of items; never a value.
        subject: String,
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
    /// The faults that were switched on and struck it.
    pub faults: Vec<Fault>,
    /// When it was answered.
    pub at: Timestamp,
    /// The installation whose token it carried.
    pub installation: Option<InstallationId>,
}
