//! What the platform sends by itself: written down, acknowledged, and then worked on, once.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::Mutex,
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{
    Remote,
    answers::Refusal,
    fit::{FromPlatform, Invocation},
};
use crate::check::flaws::{contract, identity, tokens};

/// Ticks of one schedule within so long are one.
const SLOT: Duration = Duration::from_mins(1);

/// What came, on disk and by what it is known again.
pub(super) struct Inbox {
    file: Mutex<File>,
    known: Mutex<HashMap<String, Instant>>,
}

impl Inbox {
    pub(super) fn open(path: &Path) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        Self {
            file: Mutex::new(file),
            known: Mutex::default(),
        }
    }

    /// Whether it is new, and then on disk.
    fn take(&self, key: String, line: &Value) -> bool {
        let mut known = self.known.lock().unwrap();
        if known.contains_key(&key) {
            return false;
        }
        writeln!(self.file.lock().unwrap(), "{line}").unwrap();
        known.insert(key, Instant::now());
        true
    }
}

type Body = Result<Bytes, BytesRejection>;

/// The body as JSON; nothing is as good as an empty object.
fn json_of(body: Body) -> Result<Value, Refusal> {
    let body = body.map_err(|rejection| Refusal(rejection.status(), "The body cannot be read."))?;
    if body.is_empty() {
        return Ok(json!({}));
    }
    let value: Value = serde_json::from_slice(&body)
        .map_err(|_| Refusal(StatusCode::BAD_REQUEST, "The body is no JSON."))?;
    if !value.is_object() {
        return Err(Refusal(StatusCode::BAD_REQUEST, "The body is no object."));
    }
    Ok(value)
}

pub(super) async fn event(
    State(remote): State<Remote>,
    FromPlatform(invocation): FromPlatform,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let mut event = json_of(body)?;
    // A redelivery may be wrapped (Forge events: retries), and says that it is one.
    let wrapped = event.get("eventType").is_none() && event["payload"].is_object();
    if wrapped && !remote.has(contract::FLAT_ONLY) {
        event = event["payload"].take();
    }
    let event_type = event["eventType"].as_str();
    let unknown = remote.has(contract::KNOWN_FIELDS) && event.get("invention").is_some()
        || remote.has(contract::KNOWN_TYPES)
            && event_type.is_some_and(|it| it.contains("invented"));
    if event_type.is_none() || unknown {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "The body has no eventType.",
        ));
    }
    if let Value::Object(members) = &mut event {
        members.remove("retryContext");
    }
    let key = format!("{} {event}", invocation.installation());
    if remote.0.events.take(key, &event) {
        tokio::spawn(async move { work(&remote, &invocation, &event).await });
    }
    Ok(StatusCode::ACCEPTED)
}

/// Looks at the page as the app and writes down what it is called now.
async fn work(remote: &Remote, invocation: &Invocation, event: &Value) -> Option<()> {
    let id = event["content"]["id"].as_str()?;
    let token = if remote.has(tokens::USER_IN_BACKGROUND) {
        invocation.user().ok()?
    } else {
        invocation.app().ok()?
    };
    let path = format!("/wiki/api/v2/pages/{id}");
    let mut claims = invocation.claims.clone();
    if remote.has(identity::EVENT_NAMES_SITE) {
        remote.believe(&mut claims, &event["cloudId"]);
    }
    let page = again(|| remote.product(&claims, token, &path)).await?;
    let item = json!({"key": format!("page:{id}"), "value": page["title"]});
    again(|| remote.storage_as(token, "set", &item))
        .await
        .map(drop)
}

/// Up to five times, for a product that is down comes back.
async fn again<F: Future<Output = Result<Value, Refusal>>>(act: impl Fn() -> F) -> Option<Value> {
    for _ in 0..5 {
        if let Ok(value) = act().await {
            return Some(value);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    None
}

pub(super) async fn tick(
    State(remote): State<Remote>,
    FromPlatform(invocation): FromPlatform,
    body: Body,
) -> Result<StatusCode, Refusal> {
    if remote.has(contract::TICK_NEEDS_BODY) && body.as_ref().is_ok_and(Bytes::is_empty) {
        return Err(Refusal(StatusCode::BAD_REQUEST, "The body is empty."));
    }
    let said = json_of(body)?;
    let slot = format!("tick {}", invocation.installation());
    let mut known = remote.0.events.known.lock().unwrap();
    let new = known.get(&slot).is_none_or(|last| last.elapsed() > SLOT);
    if new {
        known.insert(slot, Instant::now());
        drop(known);
        tokio::spawn(async move {
            let token = invocation.app().ok()?;
            if remote.has(identity::TICK_NAMES_SITE) {
                let mut claims = invocation.claims.clone();
                remote.believe(&mut claims, &said["context"]["cloudId"]);
                drop(remote.product(&claims, token, "/wiki/api/v2/pages").await);
            }
            let query = json!({"limit": 10, "where": [{"property": "key", "condition": "BEGINS_WITH", "values": ["page:"]}]});
            again(|| remote.storage_as(token, "query", &query)).await
        });
    }
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn uninstall(
    State(_remote): State<Remote>,
    FromPlatform(_invocation): FromPlatform,
    body: Body,
) -> Result<StatusCode, Refusal> {
    json_of(body)?;
    Ok(StatusCode::NO_CONTENT)
}
