//! Key set, products, gateway and storage, which fail when they are told to, and remember which
//! events were handled.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{faults::Fault, fits};

/// What a product takes on a good day.
const QUICK: Duration = Duration::from_millis(5);
const SLOW: Duration = Duration::from_millis(300);
/// After a rotation the platform keeps the old key in the set for longer than any FIT lives.
const OVERLAP: Duration = Duration::from_secs(30);
const MOST_BYTES: usize = 1 << 20;
/// How long an exchanged token lives, in seconds. An hour's would all be kept until the end, as they
/// should, and memory would grow with the accounts: these come and go many times.
const TTL: u64 = 120;

/// Atlassian's side.
pub(crate) struct Platform {
    url: String,
    fault: Mutex<Option<Fault>>,
    /// Until when the second key is in the set.
    second_key_until: Mutex<Option<Instant>>,
    /// How often the change of each page was written.
    handled: Mutex<HashMap<u64, u32>>,
    pub(crate) calls: AtomicU64,
    pub(crate) exchanges: AtomicU64,
    pub(crate) key_fetches: AtomicU64,
}

impl Platform {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let platform = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            fault: Mutex::default(),
            second_key_until: Mutex::default(),
            handled: Mutex::default(),
            calls: AtomicU64::new(0),
            exchanges: AtomicU64::new(0),
            key_fetches: AtomicU64::new(0),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&platform));
        tokio::spawn(async move { axum::serve(listener, router).await });
        platform
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn switch(&self, fault: Option<Fault>) {
        let before = std::mem::replace(&mut *self.fault.lock().unwrap(), fault);
        if before == Some(Fault::KeyRotation) {
            *self.second_key_until.lock().unwrap() = Some(Instant::now() + OVERLAP);
        }
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        *self.fault.lock().unwrap()
    }

    /// How often the event about that page was handled.
    pub(crate) fn handled(&self, page: u64) -> u32 {
        let handled = self.handled.lock().unwrap();
        handled.get(&page).copied().unwrap_or_default()
    }

    /// The second key is there while it signs, and while what it signed is on its way.
    fn key_set(&self) -> Response {
        self.key_fetches.fetch_add(1, Relaxed);
        let fault = self.fault();
        if fault == Some(Fault::KeySetDown) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let until = *self.second_key_until.lock().unwrap();
        let overlaps = until.is_some_and(|until| Instant::now() < until);
        let count = if overlaps || fault == Some(Fault::KeyRotation) {
            2
        } else {
            1
        };
        let keys: Vec<_> = fits::KEYS[..count].iter().map(fits::Key::jwk).collect();
        // The shortest that counts: the set is fetched again every four minutes.
        let fresh = [("cache-control", "max-age=300")];
        (fresh, Json(json!({ "keys": keys }))).into_response()
    }

    async fn product(&self, path: &str) -> Response {
        let fault = self.fault();
        sleep(if fault == Some(Fault::SlowProduct) {
            SLOW
        } else {
            QUICK
        })
        .await;
        match fault {
            Some(Fault::ProductFails) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Some(Fault::ProductLimits) => {
                (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response()
            }
            Some(Fault::ProductRefuses) => StatusCode::UNAUTHORIZED.into_response(),
            _ => Json(product(path)).into_response(),
        }
    }

    async fn storage(&self, operation: &str, body: &[u8]) -> Response {
        let slow = self.fault() == Some(Fault::SlowStorage);
        sleep(if slow { SLOW } else { QUICK }).await;
        if operation != "set" {
            return Json(json!({"data": []})).into_response();
        }
        let body: Value = serde_json::from_slice(body).unwrap();
        let key = body["key"].as_str().unwrap();
        if let Some(page) = key.strip_prefix("change:") {
            let mut handled = self.handled.lock().unwrap();
            *handled.entry(page.parse().unwrap()).or_default() += 1;
        }
        Json(Value::Null).into_response()
    }

    async fn gateway(&self, body: &[u8]) -> Response {
        self.exchanges.fetch_add(1, Relaxed);
        sleep(QUICK).await;
        if self.fault() == Some(Fault::GatewayFails) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let asked: Value = serde_json::from_slice(body).unwrap();
        let account = asked["variables"]["input"]["userId"].as_str().unwrap();
        // As long as the platform's.
        let token = format!("{account}.{}", "t".repeat(1200));
        Json(json!({"data": {"offlineUserAuthToken": {
            "success": true, "errors": null, "authToken": {"token": token, "ttl": TTL},
        }}}))
        .into_response()
    }
}

fn product(path: &str) -> Value {
    if let Some((_, page)) = path.split_once("/wiki/api/v2/pages/") {
        return json!({"id": page, "title": "Quarry"});
    }
    if path.ends_with("/user/current") {
        let administers = json!({"operation": "administer", "targetType": "application"});
        return json!({"operations": [administers]});
    }
    let page = |number: u32| json!({"id": number.to_string(), "type": "page", "title": "Quarry"});
    json!({"results": (1..=5).map(page).collect::<Vec<_>>()})
}

async fn answer(State(platform): State<Arc<Platform>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if path == "/.well-known/jwks.json" {
        return platform.key_set();
    }
    platform.calls.fetch_add(1, Relaxed);
    let body = axum::body::to_bytes(body, MOST_BYTES).await;
    // The service may have died in the middle of it.
    let body: Bytes = body.unwrap_or_default();
    if body.is_empty() && path.starts_with("/forge/storage") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match path {
        "/graphql" => platform.gateway(&body).await,
        _ => match path.strip_prefix("/forge/storage/kvs/v1/") {
            Some(operation) => platform.storage(operation, &body).await,
            None => platform.product(path).await,
        },
    }
}
