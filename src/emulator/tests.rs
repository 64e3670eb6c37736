//! The emulator over real HTTP, against small remotes of every kind.

mod again;
mod apis;
mod console;
mod console_pages;
mod events;
mod events_console;
mod exchange;
mod faults;
mod host;
mod lifecycle;
mod masking;
mod own_remote;
mod proxy;
mod remote;
mod schedules;
mod start;
mod storage;
mod strictness;
mod templates;

use std::{net::SocketAddr, path::Path};

use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// An emulator on a free port, with the app's own manifest.
struct Played {
    running: Running,
    http: reqwest::Client,
    _state: TempDir,
}

impl Played {
    /// With a remote that is never asked.
    async fn start() -> Self {
        Self::with(Router::new(), |_| {}).await
    }

    async fn with(remote: Router, change: impl FnOnce(&mut Settings)) -> Self {
        let state = tempfile::tempdir().unwrap();
        // To make one takes longer than most tests.
        std::fs::write(state.path().join("signing-key.der"), signing_key()).unwrap();
        let remote = format!("http://{}", serve(remote).await).parse().unwrap();
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifest.yml");
        let mut settings = Settings::new(manifest, remote);
        settings.listen = "127.0.0.1:0".parse().unwrap();
        settings.state_dir = state.path().to_owned();
        change(&mut settings);
        Self {
            running: Emulator::start(settings).await.unwrap(),
            http: crate::outbound::client().unwrap(),
            _state: state,
        }
    }

    fn app_token(&self) -> String {
        let stage = &self.running.stage;
        let token = stage.tokens.for_app(stage.installed.last().id);
        token.unwrap().expose().to_owned()
    }

    fn user_token(&self, account: &str) -> String {
        let stage = &self.running.stage;
        let token = stage.tokens.for_user(stage.installed.last().id, account);
        token.unwrap().expose().to_owned()
    }

    fn api(&self, product: &str, path: &str) -> String {
        format!(
            "{}/ex/{product}/{}{path}",
            self.running.stage.origin,
            world::cloud_id()
        )
    }

    /// GET as the holder of that token: status and body.
    async fn get(&self, token: &str, url: &str) -> (u16, Value) {
        let sent = self.http.get(url).bearer_auth(token).send().await.unwrap();
        (sent.status().as_u16(), sent.json().await.unwrap())
    }
}

/// The same for all, in PKCS #8.
fn signing_key() -> Vec<u8> {
    let pem = include_str!("../../tests/keys/rsa-2048-a.pem").lines();
    let body: String = pem.filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
