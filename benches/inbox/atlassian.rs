//! Products and the gateway, which remember who asked for what.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::HeaderMap,
    routing::{get, post},
};
use serde_json::{Value, json};

/// What was asked for.
#[derive(Default)]
pub(crate) struct Seen {
    /// When each page was read, and how long that took.
    pub(crate) reads: HashMap<usize, Vec<(Instant, Instant)>>,
    /// When each exchange came.
    pub(crate) exchanges: Vec<Instant>,
}

#[derive(Clone)]
pub(crate) struct Atlassian {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Seen>>,
    slowness: Duration,
}

impl Atlassian {
    /// Each read of a page takes `slowness`.
    pub(crate) async fn start(slowness: Duration) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let atlassian = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            seen: Arc::default(),
            slowness,
        };
        let router = Router::new()
            .route("/ex/confluence/{cloud}/wiki/api/v2/pages/{id}", get(page))
            .route("/graphql", post(exchange))
            .with_state(atlassian.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        atlassian
    }

    /// How many of the pages were read at least once.
    pub(crate) fn pages(&self) -> usize {
        self.seen.lock().unwrap().reads.len()
    }
}

async fn page(
    State(atlassian): State<Atlassian>,
    Path((_, id)): Path<(String, usize)>,
    _: HeaderMap,
) -> Json<Value> {
    let began = Instant::now();
    tokio::time::sleep(atlassian.slowness).await;
    let mut seen = atlassian.seen.lock().unwrap();
    let reads = seen.reads.entry(id).or_default();
    reads.push((began, Instant::now()));
    Json(json!({"id": id.to_string(), "title": "Release notes"}))
}

async fn exchange(State(atlassian): State<Atlassian>, Json(asked): Json<Value>) -> Json<Value> {
    atlassian
        .seen
        .lock()
        .unwrap()
        .exchanges
        .push(Instant::now());
    let account = &asked["variables"]["input"]["userId"];
    Json(json!({"data": {"offlineUserAuthToken": {
        "success": true, "errors": null,
        "authToken": {"token": format!("of-{account}").replace('"', ""), "ttl": 3600},
    }}}))
}
