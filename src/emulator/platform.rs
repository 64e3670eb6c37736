//! Forge's proxy: what happens between `invokeRemote` in the UI and the remote.

mod again;
mod curl;
mod envelope;
mod mask;
mod rate;
mod received;
mod request;
mod settle;

use std::{sync::Arc, time::Duration};

use http::Method;
use tokio::time::Instant;

use super::{
    journal::{Invocation, Settlement},
    stage::Stage,
};
use crate::{
    conformance::answer::{Exchange, Finding, Severity, judge},
    secret::Secret,
};

pub(super) use again::{Remembered, may_be_cut};
pub(super) use envelope::{Envelope, oauth_tokens};
pub(super) use mask::{mask, masked};
pub(super) use rate::Rate;
pub(super) use received::{Received, shown};

use request::Prepared;

/// Invocations under way at once; more wait for their turn.
pub(super) const MAX_UNDER_WAY: usize = 1024;
/// Largest payload that the bridge takes (Forge platform limits: 500 KB).
const MAX_REQUEST_BYTES: usize = 500 * 1024;
/// Longest address with the caller's headers: many servers take no more than 16 KiB of head,
/// and the journal keeps a hundred of them.
pub(super) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What a UI passes to `invokeRemote`, and who does it from where.
#[derive(Debug, Clone)]
pub struct Invoke {
    /// Account id of the user in session.
    pub user: String,
    /// Key of the UI module in the manifest.
    pub module_key: String,
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: Method,
    /// Path and query, resolved against the remote's address as a browser would.
    pub path: String,
    /// Headers that the app's code adds. Those that Forge sets itself cannot be replaced.
    pub headers: Vec<(String, String)>,
    /// A JSON object.
    pub body: Option<serde_json::Value>,
}

impl Invoke {
    /// A GET without headers of its own.
    pub fn get(
        user: impl Into<String>,
        module_key: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        Self {
            user: user.into(),
            module_key: module_key.into(),
            method: Method::GET,
            path: path.into(),
            headers: Vec::new(),
            body: None,
        }
    }
}

/// An invocation that the platform would not even send.
///
/// ```
/// use forge_remote::emulator::{Invocation, Invoke, InvokeError, Running};
/// async fn open(emulator: &Running, user: &str, module: &str) -> Option<Invocation> {
///     match emulator.invoke(Invoke::get(user, module, "/api/me")).await {
///         Err(InvokeError::UnknownModule(key)) => panic!("the manifest has no {key}"),
///         invoked => invoked.ok(),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// Nobody of that account id can sign in to the site.
    #[error("no active user has that account id")]
    UnknownUser,
    /// The manifest has no UI module of that key.
    #[error("the manifest has no UI module `{0}`")]
    UnknownModule(String),
    /// The UI module's resolver is no endpoint.
    #[error(
        "the UI module `{0}` has no `resolver.endpoint`, which `invokeRemote` goes to: give it one, or use `requestRemote`"
    )]
    NoEndpoint(String),
    /// The bridge knows five methods.
    #[error("the bridge takes GET, POST, PUT, PATCH and DELETE")]
    Method,
    /// The path is no path on the remote.
    #[error("the path must stay on the remote: start it with a single `/`")]
    Path,
    /// The path or the headers are longer than servers take.
    #[error("path and headers are longer than 16 KiB: send so much in a body")]
    Long,
    /// A header of the caller's is none.
    #[error("`{0}` is not a header that HTTP can carry")]
    Header(String),
    /// The bridge takes JSON objects only.
    #[error("the body must be a JSON object, and a GET has none")]
    Body,
    /// The app was uninstalled.
    #[error("the app is not installed in the site: install it first")]
    NotInstalled,
    /// The request was longer than what is kept of it.
    #[error("its body was kept in part only, and cannot be sent again: send it from the form")]
    Cut,
    /// Forge had no part in it.
    #[error("a browser sent it: send it from its page again, or as a curl command")]
    FromBrowser,
    /// The remote was at another address then.
    #[error("it went to an address where the remote is no more: invoke the remote anew")]
    Elsewhere,
    /// The app was removed and installed anew since.
    #[error("it belongs to an installation that was removed: invoke the remote anew")]
    Reinstalled,
    /// The FIT or a token could not be signed.
    #[error("the emulator could not sign the invocation")]
    Signing,
    /// The emulator stopped before the invocation was settled.
    #[error("the emulator stopped before the invocation was settled")]
    Stopped,
}

/// Sends the invocation, settles it as the bridge would, and judges the answer.
///
/// It goes on when the caller goes away: a remote cannot tell, and the journal shall have its end.
pub(super) async fn invoke(stage: &Arc<Stage>, invoke: Invoke) -> Result<Invocation, InvokeError> {
    let relayed = relay(stage, invoke).await?;
    Ok(relayed.invocation)
}

/// Sends the request of an invocation once more, as a new one.
pub(super) async fn again(
    stage: &Arc<Stage>,
    invocation: &Invocation,
) -> Result<Invocation, InvokeError> {
    let relayed = send(stage, |stage| Prepared::again(stage, invocation)).await?;
    Ok(relayed.invocation)
}

/// What became of an invocation, for the page that made it.
#[derive(Debug)]
pub(super) struct Relayed {
    pub(super) invocation: Invocation,
    /// The remote's answer as it came, whole and unmasked: none if nothing was sent.
    pub(super) received: Option<Received>,
}

/// [`invoke`], with the answer as it came.
pub(super) async fn relay(stage: &Arc<Stage>, invoke: Invoke) -> Result<Relayed, InvokeError> {
    send(stage, |stage| Prepared::new(stage, invoke)).await
}

async fn send(
    stage: &Arc<Stage>,
    prepare: impl FnOnce(&Stage) -> Result<Prepared, InvokeError>,
) -> Result<Relayed, InvokeError> {
    let permit = Arc::clone(&stage.under_way).acquire_owned().await;
    let permit = permit.map_err(|_| InvokeError::Stopped)?;
    let prepared = prepare(stage)?;
    let stage = Arc::clone(stage);
    let run = tokio::spawn(async move {
        let _permit = permit;
        run(&stage, prepared).await
    });
    run.await.ok().flatten().ok_or(InvokeError::Stopped)
}

async fn run(stage: &Stage, prepared: Prepared) -> Option<Relayed> {
    let id = stage.journal.begin(
        prepared.journal_entry(stage.clock.now()),
        prepared.envelope.token_ids(),
    );
    let envelope = prepared.envelope;
    let (tokens, fit_was_good) = (envelope.tokens(), envelope.fit_is_good());
    let began = Instant::now();
    if let Some(finding) = never_sent(stage, &envelope) {
        let invocation = close(stage, id, Duration::ZERO, |invocation| {
            invocation.settlement = settle::rejected(settle::UNEXPECTED);
            invocation.verdict = vec![finding];
        })?;
        return Some(Relayed {
            invocation,
            received: None,
        });
    }
    let limit = stage.invocation_limit;
    let received = Received::within(limit, &stage.client, envelope).await;
    let elapsed = began.elapsed();
    let invocation = close(stage, id, elapsed, |invocation| {
        invocation.settlement = settlement(&received, limit, &tokens);
        invocation.verdict = judge(&Exchange {
            fit_was_good,
            tokens: &tokens,
            outcome: received.outcome(),
            elapsed,
            limit,
        });
        invocation.answer = received.answer(&tokens);
    })?;
    Some(Relayed {
        invocation,
        received: Some(received),
    })
}

fn close(
    stage: &Stage,
    id: u64,
    duration: Duration,
    write: impl FnOnce(&mut Invocation),
) -> Option<Invocation> {
    stage.journal.finish(id, |invocation| {
        invocation.duration = duration;
        write(invocation);
    })
}

fn settlement(received: &Received, limit: Duration, tokens: &[Secret]) -> Settlement {
    match received {
        Received::Whole {
            status,
            headers,
            body,
        } => match settle::settle(*status, headers, body) {
            // Words of the remote's are in some.
            Settlement::Rejected { message } => settle::rejected(&masked(&message, tokens)),
            other => other,
        },
        Received::TooLarge { .. } => settle::rejected(settle::UNEXPECTED),
        Received::Nothing => settle::rejected(settle::NETWORK),
        Received::TimedOut => settle::rejected(&format!(
            "Remote invocation timed out after {} seconds",
            limit.as_secs_f64()
        )),
    }
}

/// Why the platform keeps an invocation to itself, if it does.
fn never_sent(stage: &Stage, envelope: &Envelope) -> Option<Finding> {
    if envelope.body_len() > MAX_REQUEST_BYTES {
        return Some(too_large_a_request());
    }
    (!stage.invocations.admits()).then(rate::too_many_invocations)
}

fn too_large_a_request() -> Finding {
    Finding {
        rule: "request-size",
        sentence: "The payload is larger than the 500 KB that the bridge takes: it was never sent."
            .into(),
        passed: false,
        severity: Severity::Must,
        mend: "Send less in one call, or use `requestRemote`, which has no such limit.",
    }
}
