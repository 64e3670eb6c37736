//! The remote under test: this program again, as a child that can be killed.

use std::{
    env,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, routing::get};
use base64::{Engine, engine::general_purpose::STANDARD};
use forge_remote::{Config, Event, Events, Forge, JobError, Schedule, ids::AccountId, telemetry};
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    Place,
    load::{self, Connection},
    played::{APP, free_address},
};

/// Set in the environment of the child.
pub(crate) const MARK: &str = "FORGE_REMOTE_UNDER_TEST";
/// The event that it has a handler for.
pub(crate) const EVENT: &str = "avi:confluence:updated:page";

/// What its handler does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Waits for the gate to open, and counts.
    Count,
    /// Reads the page as the app: Atlassian's side counts.
    ReadPage,
    /// Reads the page as the account that the event names.
    ReadAs,
}

/// A running remote. Dropping it kills it.
pub(crate) struct Remote {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// A remote in the making.
pub(crate) struct Setup<'a> {
    pub(crate) place: &'a Place,
    pub(crate) folder: &'a Path,
    pub(crate) keys: SocketAddr,
    pub(crate) api: &'a str,
    pub(crate) work: Work,
    pub(crate) settings: &'a [(&'a str, &'a str)],
}

impl Setup<'_> {
    /// Starts it, and waits until it answers.
    pub(crate) async fn start(&self) -> Remote {
        let address = free_address();
        let url = match self.place {
            Place::Sqlite => format!("sqlite://{}/remote.db", self.folder.display()),
            Place::Postgres(url) => url.clone(),
        };
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .current_dir(self.folder)
            .env(MARK, self.work.name())
            .env("FORGE_REMOTE_ENV", "test")
            .env("FORGE_REMOTE__APP__IDS", APP)
            .env("FORGE_REMOTE__SERVER__LISTEN", address.to_string())
            .env("FORGE_REMOTE__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
            .env(
                "FORGE_REMOTE__FIT__JWKS_URL",
                format!("http://{}/jwks.json", self.keys),
            )
            .env("FORGE_REMOTE__ATLASSIAN__API_HOSTS", "127.0.0.1")
            .env(
                "FORGE_REMOTE__ATLASSIAN__GRAPHQL_URL",
                format!("{}/graphql", self.api),
            )
            .env(
                "FORGE_REMOTE__ATLASSIAN__STORAGE_URL",
                format!("{}/forge/storage/kvs", self.api),
            )
            .env("FORGE_REMOTE__STORE__URL", url)
            .env(
                "FORGE_REMOTE__STORE__ENCRYPTION_KEY",
                STANDARD.encode([7; 32]),
            )
            .env("FORGE_REMOTE__TELEMETRY__LEVEL", "error");
        for (key, value) in self.settings {
            command.env(format!("FORGE_REMOTE__{key}"), value);
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("remote.log"))
            .unwrap();
        let child = command.stderr(Stdio::from(log)).spawn().unwrap();
        let remote = Remote { child, address };
        for _ in 0..2000 {
            if let Ok(mut connection) = Connection::open(address).await
                && connection.send(&load::get("/count")).await.is_ok()
            {
                return remote;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!(
            "the remote does not answer: see {}/remote.log",
            self.folder.display()
        );
    }
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::ReadPage => "read-page",
            Self::ReadAs => "read-as",
        }
    }
}

impl Remote {
    /// kill -9
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn resident_kilobytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// How many events it has handled since it started.
    pub(crate) async fn count(&self) -> u64 {
        let mut connection = Connection::open(self.address).await.unwrap();
        let (_, body) = connection.send(&load::get("/count")).await.unwrap();
        String::from_utf8(body).unwrap().parse().unwrap()
    }

    /// Lets handlers begin.
    pub(crate) async fn open_gate(&self) {
        let mut connection = Connection::open(self.address).await.unwrap();
        connection.send(&load::get("/open")).await.unwrap();
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the child does.
pub(crate) fn run() {
    let work = env::var(MARK).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = Config::load().unwrap();
        telemetry::init(&config.telemetry).unwrap();
        let forge = Forge::from_config(config).await.unwrap();
        let counted = Arc::new(AtomicU64::new(0));
        let gate = watch::Sender::new(false);
        let events = match work.as_str() {
            "count" => {
                let (counted, gate) = (Arc::clone(&counted), gate.subscribe());
                Events::new().on(EVENT, move |_: Event| {
                    count(Arc::clone(&counted), gate.clone())
                })
            }
            "read-page" => Events::new().on(EVENT, read_page),
            _ => Events::new().on(EVENT, read_as),
        };
        let ui = Router::new()
            .route(
                "/count",
                get(async |State(counted): State<Arc<AtomicU64>>| {
                    counted.load(Ordering::Relaxed).to_string()
                }),
            )
            .with_state(counted)
            .route("/open", get(async move || _ = gate.send_replace(true)));
        forge_remote::serve(forge, ui, events, Schedule::new())
            .await
            .unwrap();
    });
}

async fn count(counted: Arc<AtomicU64>, mut gate: watch::Receiver<bool>) -> Result<(), JobError> {
    let _ = gate.wait_for(|open| *open).await;
    counted.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

async fn read_page(event: Event) -> Result<(), JobError> {
    let id = event.payload.pointer("/content/id").and_then(Value::as_str);
    let page = event.as_app()?.confluence()?;
    let page = page
        .get("/wiki/api/v2/pages/{id}")
        .segment("id", id.unwrap_or_default());
    page.send().await?;
    Ok(())
}

async fn read_as(event: Event) -> Result<(), JobError> {
    let id = event.payload.pointer("/content/id").and_then(Value::as_str);
    let account = event.payload["atlassianId"].as_str().unwrap_or_default();
    let account: AccountId = account.parse()?;
    let them = event.as_account(&account).await?.confluence()?;
    let page = them
        .get("/wiki/api/v2/pages/{id}")
        .segment("id", id.unwrap_or_default());
    page.send().await?;
    Ok(())
}
