//! Forge's proxy: what happens between `invokeRemote` in the UI and the remote.

mod request;
mod settle;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::Instant;

use super::{
    journal::{Answer, Invocation, Settlement},
    stage::Stage,
};
use crate::{
    conformance::answer::{Exchange, Finding, MAX_ANSWER_BYTES, Outcome, Severity, judge},
    secret::Secret,
};

pub(super) use request::Prepared;

/// Invocations under way at once; more wait for their turn.
pub(super) const MAX_UNDER_WAY: usize = 1024;
/// Largest payload that the bridge takes (Forge platform limits: 500 KB).
const MAX_REQUEST_BYTES: usize = 500 * 1024;
/// As much of a body as is kept for the console.
const MAX_SHOWN_BYTES: usize = 128 * 1024;

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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// Nobody of that account id can sign in to the site.
    #[error("no active user has that account id")]
    UnknownUser,
    /// The manifest has no UI module of that key whose resolver is an endpoint.
    #[error("the manifest has no UI module `{0}` with a `resolver.endpoint`")]
    UnknownModule(String),
    /// The bridge knows five methods.
    #[error("the bridge takes GET, POST, PUT, PATCH and DELETE")]
    Method,
    /// The path is no path on the remote.
    #[error("the path must stay on the remote: start it with a single `/`")]
    Path,
    /// A header of the caller's is none.
    #[error("`{0}` is not a header that HTTP can carry")]
    Header(String),
    /// The bridge takes JSON objects only.
    #[error("the body must be a JSON object, and a GET has none")]
    Body,
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
    let permit = Arc::clone(&stage.under_way).acquire_owned().await;
    let permit = permit.map_err(|_| InvokeError::Stopped)?;
    let prepared = Prepared::new(stage, invoke)?;
    let stage = Arc::clone(stage);
    let run = tokio::spawn(async move {
        let _permit = permit;
        run(&stage, prepared).await
    });
    run.await.ok().flatten().ok_or(InvokeError::Stopped)
}

async fn run(stage: &Stage, prepared: Prepared) -> Option<Invocation> {
    let id = stage.journal.begin(
        prepared.journal_entry(stage.clock.now()),
        prepared.token_ids(),
    );
    let tokens = prepared.tokens();
    let began = Instant::now();
    if prepared.body_len() > MAX_REQUEST_BYTES {
        return close(stage, id, Duration::ZERO, |invocation| {
            invocation.settlement = Settlement::Rejected {
                message: settle::UNEXPECTED.to_owned(),
            };
            invocation.verdict = vec![too_large_a_request()];
        });
    }
    let limit = stage.invocation_limit;
    let received = match tokio::time::timeout(limit, send(stage, prepared)).await {
        Ok(received) => received,
        Err(_) => Received::TimedOut,
    };
    let elapsed = began.elapsed();
    close(stage, id, elapsed, |invocation| {
        invocation.settlement = settlement(&received, limit);
        invocation.verdict = judge(&Exchange {
            fit_was_good: true,
            tokens: &tokens,
            outcome: received.outcome(),
            elapsed,
            limit,
        });
        invocation.answer = received.answer(&tokens);
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

/// What came back from the remote.
enum Received {
    Whole {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    TooLarge {
        status: StatusCode,
    },
    Nothing,
    TimedOut,
}

async fn send(stage: &Stage, prepared: Prepared) -> Received {
    let Ok(response) = prepared.into_request(&stage.client).send().await else {
        return Received::Nothing;
    };
    let status = response.status();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            return Received::Nothing;
        };
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Received::TooLarge { status };
        }
        body.extend_from_slice(&chunk);
    }
    Received::Whole {
        status,
        headers,
        body: body.into(),
    }
}

impl Received {
    fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Whole {
                status,
                headers,
                body,
            } => Outcome::Answered {
                status: *status,
                headers,
                body,
            },
            Self::TooLarge { status } => Outcome::TooLarge { status: *status },
            Self::Nothing => Outcome::NoAnswer,
            Self::TimedOut => Outcome::TimedOut,
        }
    }

    fn answer(&self, tokens: &[Secret]) -> Option<Answer> {
        let Self::Whole {
            status,
            headers,
            body,
        } = self
        else {
            return None;
        };
        let shown = &body[..body.len().min(MAX_SHOWN_BYTES)];
        let headers = headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), masked(&value, tokens))
        });
        Some(Answer {
            status: *status,
            headers: headers.collect(),
            body: masked(&String::from_utf8_lossy(shown), tokens),
            bytes: body.len(),
        })
    }
}

fn settlement(received: &Received, limit: Duration) -> Settlement {
    match received {
        Received::Whole {
            status,
            headers,
            body,
        } => settle::settle(*status, headers, body),
        Received::TooLarge { .. } => settle::rejected(settle::UNEXPECTED),
        Received::Nothing => settle::rejected(settle::NETWORK),
        Received::TimedOut => settle::rejected(&format!(
            "Remote invocation timed out after {} seconds",
            limit.as_secs_f64()
        )),
    }
}

/// The text with each token cut down to its first characters: an answer may echo one.
fn masked(text: &str, tokens: &[Secret]) -> String {
    tokens.iter().fold(text.to_owned(), |text, token| {
        text.replace(token.expose(), &mask(token.expose()))
    })
}

/// As much of a text as is kept for the console.
fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(text.len().min(MAX_SHOWN_BYTES));
    text[..end].to_owned()
}

/// The first eight characters.
fn mask(token: &str) -> String {
    let shown: String = token.chars().take(8).collect();
    format!("{shown}…")
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
