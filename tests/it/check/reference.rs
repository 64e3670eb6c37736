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
mod serve;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{any, get, post},
};
use forge_remote::conformance::check::Trust;
use tokio::{net::TcpListener, runtime::Runtime};

use super::flaws::{Flaw, resilience};

/// A command that kills the remote which watches this file, and waits until it is back.
pub(super) fn restart_command(file: &Path) -> String {
    let file = file.display();
    format!("touch '{file}' && while [ -e '{file}' ]; do sleep 0.05; done")
}

/// How often the supervisor looks.
const TURN: Duration = Duration::from_millis(20);

/// What a call of a product may take: the answer of a page has to be out before four seconds are over, and that of an event before two.
const PRODUCT_PATIENCE: Duration = Duration::from_millis(2400);

/// What a fetch of the key set may take.
const KEY_PATIENCE: Duration = Duration::from_secs(5);

/// The largest body that is taken: 5 MiB, as the platform may send.
const MOST_BYTES: usize = 5 * 1024 * 1024;

/// The running remote. It ends when it is dropped.
pub(super) struct Reference {
    url: String,
    ends: Arc<AtomicBool>,
    _folder: Arc<tempfile::TempDir>,
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
    /// For flaws: whoever calls a product, whether something is broken for ever, a count.
    one_by_one: tokio::sync::Mutex<()>,
    broken: AtomicBool,
    count: AtomicUsize,
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
    /// It is killed and started again when there is a file `restart`.
    pub(super) async fn start(trust: &Trust, flaw: Flaw, restart: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::supervised(listener, trust, flaw, Some(restart.to_owned()))
    }

    /// On an address that somebody had to know before.
    pub(super) fn start_on(listener: TcpListener, trust: &Trust, flaw: Flaw) -> Self {
        Self::supervised(listener, trust, flaw, None)
    }

    /// Each life has a runtime of its own, with which everything ends that it was about to do.
    fn supervised(
        listener: TcpListener,
        trust: &Trust,
        flaw: Flaw,
        restart: Option<PathBuf>,
    ) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let address = listener.local_addr().unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let (ended, kept, trust) = (Arc::clone(&ends), Arc::clone(&folder), trust.clone());
        let mut listener = Some(listener.into_std().unwrap());
        std::thread::spawn(move || {
            let mut lives = 0;
            while !ended.load(Ordering::Relaxed) {
                let Some(listener) = listener.take().or_else(|| again(address)) else {
                    std::thread::sleep(TURN);
                    continue;
                };
                lives += 1;
                let life = live(listener, &trust, flaw, &kept, lives);
                if let Some(file) = restart.as_ref().filter(|_| lives > 1) {
                    std::fs::remove_file(file).unwrap();
                }
                let killed = || restart.as_ref().is_some_and(|file| file.exists());
                while !ended.load(Ordering::Relaxed) && !killed() {
                    std::thread::sleep(TURN);
                }
                life.shutdown_background();
            }
        });
        Self {
            url: format!("http://{address}"),
            ends,
            _folder: folder,
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

/// The address once more, as soon as the life before has let it go.
fn again(address: SocketAddr) -> Option<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address).ok()?;
    listener.set_nonblocking(true).unwrap();
    Some(listener)
}

fn live(
    listener: std::net::TcpListener,
    trust: &Trust,
    flaw: Flaw,
    folder: &tempfile::TempDir,
    lives: usize,
) -> Runtime {
    let life = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let client = |patience| {
        let client = reqwest::Client::builder().timeout(patience);
        client
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
    };
    let forgets = flaw == resilience::FORGETS;
    let remote = Remote(Arc::new(Inner {
        flaw,
        trust: trust.clone(),
        http: client(PRODUCT_PATIENCE),
        slow_http: client(KEY_PATIENCE),
        seen: fit::Seen::default(),
        keys: keys::Keys::default(),
        exchanged: exchange::Exchanged::default(),
        memory: mixed_up::Memory::default(),
        kept_answers: odd::Kept::default(),
        events: events::Inbox::open(&Remote::events_file(folder), forgets),
        one_by_one: tokio::sync::Mutex::default(),
        broken: AtomicBool::new(flaw == resilience::STAYS_DOWN && lives > 1),
        count: AtomicUsize::new(0),
    }));
    life.spawn(async move {
        events::resume(&remote);
        let listener = TcpListener::from_std(listener).unwrap();
        serve::serve(listener, &remote).await;
    });
    life
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
