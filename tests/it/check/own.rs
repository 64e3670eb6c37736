//! Our own service, as it ships, under the checker.
//!
//! Here what takes no longer than a test may: what waits for the 25 s of a page, or for the 30 s
//! between two fetches of a key set, is played by `forge-remote check` itself.

use std::{path::Path, process::Command};

use axum::{Json, Router, routing::get};
use forge_remote::conformance::{
    check::{Check, Settings},
    report::Judged,
    rule::{Group, Only, Verdict, catalogue},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::MANIFEST;
use crate::{
    examples::process::Process,
    support::keys::{KEY, KID},
};

/// What the pages of the digest app call.
const UI_PATHS: &[&str] = &[
    "/api/content",
    "/api/content?as=app",
    "/api/me",
    "/api/invocation",
    r#"PUT:/api/subscription={"spaces":["ENG"]}"#,
    "/api/digest",
    "/api/accounts/{account}/content",
];

/// Rules that have to wait for the platform's own times.
fn is_slow(id: &str) -> bool {
    let slow = [
        "time-",
        "key-new",
        "key-of-set",
        "key-withdrawn",
        "key-slow",
        "key-outage",
        // What takes a restart command, and the seconds of the slow.
        "restart-",
        "slow-",
    ];
    slow.iter().any(|start| id.starts_with(start))
}

fn settings() -> Settings {
    let mut settings = Settings::new(MANIFEST);
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.ui_paths = UI_PATHS.iter().map(|path| path.parse().unwrap()).collect();
    settings
}

/// Our service in a folder of its own, told what the checker prints and these variables.
async fn serve(check: &Check, folder: &Path, more: &[(&str, String)]) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forge-remote"));
    command
        .arg("serve")
        .current_dir(folder)
        .envs(check.trust().variables())
        .env("FORGE_REMOTE_ENV", "development")
        .env("FORGE_REMOTE__SERVER__LISTEN", "127.0.0.1:0")
        .env("FORGE_REMOTE__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
        .env("FORGE_REMOTE__STORE__URL", "sqlite://remote.db")
        .env("FORGE_REMOTE__TELEMETRY__FORMAT", "json")
        .envs(more.iter().map(|(name, value)| (name, value)));
    Process::start(&mut command, |line| {
        let fields: Value = serde_json::from_str(line).ok()?;
        Some(format!("http://{}", fields["server.address"].as_str()?))
    })
    .await
}

fn described<'a>(judged: impl Iterator<Item = &'a Judged>) -> String {
    let lines = judged.map(|one| format!("{}: {:?}", one.rule.id, one.verdict));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_service_keeps_every_quick_rule() {
    let folder = tempfile::tempdir().unwrap();
    let check = Check::start(settings()).await.unwrap();
    let remote = serve(&check, folder.path(), &[]).await;
    let url = remote.url.parse().unwrap();
    let quick: Vec<Only> = catalogue()
        .filter(|rule| !is_slow(rule.id))
        .map(|rule| Only::Rule(rule.id))
        .collect();
    let report = check.run(&url, &quick, &|_| {}).await.unwrap();
    let judged = report.judged.iter();
    let bad = described(judged.filter(|one| one.verdict != Verdict::Passed));
    assert!(bad.is_empty(), "{bad}");
}

/// `--jwks-key`: the remote's key set is its own, and nothing about it can be tried.
#[tokio::test(flavor = "multi_thread")]
async fn with_a_key_that_the_remote_trusts_all_but_the_key_set_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let pem = include_str!("../../keys/rsa-2048-a.pem");
    std::fs::write(&key, format!("kid: {KID}\n{pem}")).unwrap();
    let set = json!({"keys": [KEY.jwk(KID)]});
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let jwks_url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let keys = Router::new().route("/jwks.json", get(|| async { Json(set) }));
    tokio::spawn(async move { axum::serve(listener, keys).await });
    let mut settings = settings();
    settings.signing_key = Some(key);
    let check = Check::start(settings).await.unwrap();
    assert_eq!(check.trust().jwks_url, None);
    let variable = ("FORGE_REMOTE__FIT__JWKS_URL", jwks_url);
    let remote = serve(&check, folder.path(), &[variable]).await;
    let url = remote.url.parse().unwrap();
    let group = [Only::Group(Group::Authentication)];
    let report = check.run(&url, &group, &|_| {}).await.unwrap();
    let wrong = report.judged.iter().filter(|one| {
        let untried = matches!(one.verdict, Verdict::NotExercised { .. });
        untried != one.rule.id.starts_with("key-") || matches!(one.verdict, Verdict::Failed(_))
    });
    let wrong = described(wrong);
    assert!(wrong.is_empty(), "{wrong}");
}
