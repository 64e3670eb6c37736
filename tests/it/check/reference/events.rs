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
use crate::check::flaws::{contract, events as flaws, identity, resilience, tokens};

/// Ticks of one schedule within so long are one.
const SLOT: Duration = Duration::from_mins(1);

/// What came, on disk and by what it is known again.
pub(super) struct Inbox {
    file: Mutex<File>,
    known: Mutex<HashMap<String, Instant>>,
    /// Of an earlier life, and not done yet.
    left: Mutex<Vec<Value>>,
    recent: Mutex<Vec<Instant>>,
    first_token: Mutex<Option<String>>,
}

impl Inbox {
    pub(super) fn open(path: &Path, forgets: bool) -> Self {
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let mut left: Vec<Value> = Vec::new();
        let mut known = HashMap::new();
        for line in written.lines().filter(|_| !forgets) {
            let line: Value = serde_json::from_str(line).unwrap();
            if let Some(done) = line["done"].as_str() {
                left.retain(|it| it["key"] != done);
            } else {
                known.insert(line["key"].as_str().unwrap().to_owned(), Instant::now());
                left.push(line);
            }
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(path).unwrap();
        Self {
            file: Mutex::new(file),
            known: Mutex::new(known),
            left: Mutex::new(left),
            recent: Mutex::default(),
            first_token: Mutex::default(),
        }
    }

    /// Whether it is new, and then on disk.
    fn take(&self, key: &str, line: &Value) -> bool {
        let mut known = self.known.lock().unwrap();
        if known.contains_key(key) {
            return false;
        }
        self.write(line);
        known.insert(key.to_owned(), Instant::now());
        true
    }

    fn write(&self, line: &Value) {
        writeln!(self.file.lock().unwrap(), "{line}").unwrap();
    }

    /// How many came within a second.
    fn rate(&self) -> usize {
        let mut recent = self.recent.lock().unwrap();
        recent.retain(|at| at.elapsed() < Duration::from_secs(1));
        recent.push(Instant::now());
        recent.len()
    }
}

/// Goes on with what an earlier life has left.
pub(super) fn resume(remote: &Remote) {
    let left = std::mem::take(&mut *remote.0.events.left.lock().unwrap());
    for line in left {
        let remote = remote.clone();
        tokio::spawn(async move { finish(&remote, &line).await });
    }
}

/// Works on what was written down, and writes down that it is done.
async fn finish(remote: &Remote, line: &Value) -> Option<()> {
    work(
        remote,
        &line["claims"],
        line["token"].as_str()?,
        &line["event"],
    )
    .await?;
    remote.0.events.write(&json!({"done": line["key"]}));
    Some(())
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
    let again = event.get("retryContext").is_some();
    if let Some(refusal) = refused(&remote, &event) {
        return Err(refusal);
    }
    if let Value::Object(members) = &mut event {
        members.remove("retryContext");
    }
    if remote.has(flaws::SLOW) {
        tokio::time::sleep(Duration::from_millis(2400)).await;
    }
    let rate = remote.0.events.rate();
    if remote.has(flaws::FEW) && rate > 8 {
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "Too many."));
    }
    if remote.has(flaws::DROPS) && rate > 30 {
        return Ok(StatusCode::ACCEPTED);
    }
    let key = known_by(&remote, &invocation, &event, again);
    let token = if remote.has(tokens::USER_IN_BACKGROUND) {
        &invocation.user_token
    } else {
        &invocation.app_token
    };
    let line = json!({"key": key, "claims": invocation.claims, "token": token, "event": event});
    if !remote.0.events.take(&key, &line) {
        return Ok(StatusCode::ACCEPTED);
    }
    if remote.has(flaws::WORKS_FIRST) {
        let failed = Refusal(StatusCode::BAD_GATEWAY, "The product failed.");
        return finish(&remote, &line)
            .await
            .map(|()| StatusCode::ACCEPTED)
            .ok_or(failed);
    }
    tokio::spawn(async move { finish(&remote, &line).await });
    Ok(StatusCode::ACCEPTED)
}

/// What is no event that it takes.
fn refused(remote: &Remote, event: &Value) -> Option<Refusal> {
    let event_type = event["eventType"].as_str();
    let lifecycle = event_type.is_some_and(|it| it.starts_with("avi:forge:"));
    if event_type.is_none() && remote.has(flaws::WRONG_TYPES_ARE_500) {
        return Some(Refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something is wrong in the remote.",
        ));
    }
    let unknown = remote.has(contract::KNOWN_FIELDS) && event.get("invention").is_some()
        || remote.has(contract::KNOWN_TYPES)
            && event_type.is_some_and(|it| it.contains("invented"))
        || remote.has(flaws::DEMANDS_ACCOUNT) && !lifecycle && event["atlassianId"].is_null()
        || remote.has(flaws::DEMANDS_ENVIRONMENT) && lifecycle && event["environment"].is_null();
    (event_type.is_none() || unknown).then_some(Refusal(
        StatusCode::BAD_REQUEST,
        "This is no event that is taken here.",
    ))
}

/// By what an event is known again.
fn known_by(remote: &Remote, invocation: &Invocation, event: &Value, again: bool) -> String {
    let installation = invocation.installation();
    if again && (remote.has(flaws::HANDLES_AGAIN) || remote.has(flaws::CHANGES_AGAIN)) {
        return uuid::Uuid::new_v4().to_string();
    }
    if remote.has(flaws::KNOWS_BY_TYPE) {
        return format!("{installation} {}", event["eventType"]);
    }
    if remote.has(flaws::KNOWS_BY_BODY) {
        return event.to_string();
    }
    format!("{installation} {event}")
}

/// Looks at the page as the app and writes down what it is called now.
async fn work(remote: &Remote, claims: &Value, token: &str, event: &Value) -> Option<()> {
    let id = event["content"]["id"].as_str()?;
    let mut claims = claims.clone();
    let mut token = token.to_owned();
    if remote.has(flaws::FIRST_TOKEN) {
        let mut first = remote.0.events.first_token.lock().unwrap();
        token.clone_from(first.get_or_insert_with(|| token.clone()));
    }
    if let Some(cloud) = event["context"]["cloudId"].as_str()
        && remote.has(flaws::SITE_OF_BODY)
    {
        let base = format!("{}/ex/confluence/{cloud}", remote.0.trust.api_origin);
        claims["app"]["apiBaseUrl"] = json!(base);
    }
    if remote.has(identity::EVENT_NAMES_SITE) {
        remote.believe(&mut claims, &event["cloudId"]);
    }
    let path = format!("/wiki/api/v2/pages/{id}");
    let page = again(remote, || remote.product(&claims, &token, &path)).await?;
    let mut key = format!("page:{id}");
    if remote.has(flaws::CHANGES_AGAIN) {
        key = format!("{key}:{}", uuid::Uuid::new_v4());
    }
    let item = json!({"key": key, "value": page["title"]});
    again(remote, || remote.storage_as(&token, "set", &item))
        .await
        .map(drop)
}

/// Some times, for a product that is down comes back, and one that is limited says when.
async fn again<F: Future<Output = Result<Value, Refusal>>>(
    remote: &Remote,
    act: impl Fn() -> F,
) -> Option<Value> {
    for _ in 0..12 {
        let wait = match act().await {
            Ok(value) => return Some(value),
            Err(_) if remote.has(resilience::TRIES_ONCE) => return None,
            Err(Refusal(StatusCode::TOO_MANY_REQUESTS, _)) if !remote.has(resilience::HASTY) => {
                Duration::from_millis(2200)
            }
            Err(_) => Duration::from_millis(200),
        };
        tokio::time::sleep(wait).await;
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
    if remote.has(flaws::SLOW_TICK) {
        tokio::time::sleep(Duration::from_millis(2400)).await;
    }
    let slot = if remote.has(flaws::ONE_SLOT) {
        "tick".to_owned()
    } else {
        format!("tick {}", invocation.installation())
    };
    let mut known = remote.0.events.known.lock().unwrap();
    let new =
        known.get(&slot).is_none_or(|last| last.elapsed() > SLOT) || remote.has(flaws::TICKS_AGAIN);
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
            let pages = again(&remote, || remote.storage_as(token, "query", &query)).await?;
            let run = uuid::Uuid::new_v4().to_string();
            let item = json!({"key": "digest", "value": {"run": run, "pages": pages["data"]}});
            again(&remote, || remote.storage_as(token, "set", &item)).await
        });
    }
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn uninstall(
    State(remote): State<Remote>,
    FromPlatform(_invocation): FromPlatform,
    body: Body,
) -> Result<StatusCode, Refusal> {
    json_of(body)?;
    if remote.has(flaws::UNINSTALL_FAILS) {
        return Err(Refusal(StatusCode::BAD_GATEWAY, "It cannot be left."));
    }
    Ok(StatusCode::NO_CONTENT)
}
