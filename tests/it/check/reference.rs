//! A small remote that does everything right, until it is told to do one thing wrong.
//!
//! It is written as a team would that has read the platform's documentation: axum,
//! jsonwebtoken, reqwest, and what it has to remember in memory and in a file.

mod answers;
mod events;
mod exchange;
mod fit;
mod keys;
mod mixed_up;
mod odd;
mod pages;
mod product;

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{any, get, post},
};
use forge_remote::conformance::check::Trust;
use tokio::{net::TcpListener, task::JoinHandle};

use super::flaws::Flaw;

/// Tells the remote to die and to come again, as a restart command does from outside.
pub(super) const RESTART: &str = "true";

/// What a call of a product may take: the answer has to be out before two seconds are over.
const PRODUCT_PATIENCE: Duration = Duration::from_millis(1200);

/// What a fetch of the key set may take.
const KEY_PATIENCE: Duration = Duration::from_secs(5);

/// The largest body that is taken: 5 MiB, as the platform may send.
const MOST_BYTES: usize = 5 * 1024 * 1024;

/// The running remote. It ends when it is dropped.
pub(super) struct Reference {
    url: String,
    serving: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// What its handlers share.
#[derive(Clone)]
struct Remote(Arc<Inner>);

struct Inner {
    flaw: Flaw,
    trust: Trust,
    http: reqwest::Client,
    /// For the key set, which nobody who has a key waits for.
    slow_http: reqwest::Client,
    seen: fit::Seen,
    keys: keys::Keys,
    exchanged: exchange::Exchanged,
    /// What only flaws remember.
    memory: mixed_up::Memory,
    kept_answers: odd::Kept,
    events: events::Inbox,
}

impl Remote {
    /// Whether this is wrong with it.
    fn has(&self, flaw: Flaw) -> bool {
        self.0.flaw == flaw
    }

    fn events_file(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("events.jsonl")
    }
}

impl Reference {
    pub(super) async fn start(trust: &Trust, flaw: Flaw) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, trust, flaw)
    }

    /// On an address that somebody had to know before.
    pub(super) fn start_on(listener: TcpListener, trust: &Trust, flaw: Flaw) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let http = reqwest::Client::builder()
            .timeout(PRODUCT_PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let remote = Remote(Arc::new(Inner {
            flaw,
            trust: trust.clone(),
            http,
            slow_http: reqwest::Client::builder()
                .timeout(KEY_PATIENCE)
                .build()
                .unwrap(),
            seen: fit::Seen::default(),
            keys: keys::Keys::default(),
            exchanged: exchange::Exchanged::default(),
            memory: mixed_up::Memory::default(),
            kept_answers: odd::Kept::default(),
            events: events::Inbox::open(&Remote::events_file(&folder)),
        }));
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = router(&remote);
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            serving,
            _folder: folder,
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn router(remote: &Remote) -> Router {
    Router::new()
        .route("/api/plain", get(pages::plain).fallback(answers::no_method))
        .route(
            "/api/content",
            get(pages::content).fallback(answers::no_method),
        )
        .route(
            "/api/app-content",
            get(pages::app_content).fallback(answers::no_method),
        )
        .route(
            "/api/note",
            get(pages::note)
                .put(pages::keep_note)
                .fallback(answers::no_method),
        )
        .route(
            "/api/accounts/{account}/content",
            get(pages::content_of).fallback(answers::no_method),
        )
        .route(
            "/forge/events",
            post(events::event).fallback(answers::no_method),
        )
        .route(
            "/forge/lifecycle",
            post(events::event).fallback(answers::no_method),
        )
        .route(
            "/forge/scheduled/digest-hourly",
            post(events::tick).fallback(answers::no_method),
        )
        .route(
            "/forge/uninstall",
            post(events::uninstall).fallback(answers::no_method),
        )
        .fallback(any(answers::no_path))
        .layer(from_fn_with_state(remote.clone(), odd::odd))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(remote.clone())
}
