//! Our own service, as it ships, under the checker.
//!
//! Here what takes no longer than a test may: what waits for the 25 s of a page, or for the 30 s
//! between two fetches of a key set, is played by `forge-remote check` itself.

use std::process::Command;

use forge_remote::conformance::{
    check::{Check, Settings},
    rule::{Only, Verdict, catalogue},
};
use serde_json::Value;

use super::MANIFEST;
use crate::examples::process::Process;

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

#[tokio::test(flavor = "multi_thread")]
async fn our_own_service_keeps_every_quick_rule() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(MANIFEST);
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.ui_paths = UI_PATHS.iter().map(|path| path.parse().unwrap()).collect();
    let check = Check::start(settings).await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_forge-remote"));
    command
        .arg("serve")
        .current_dir(folder.path())
        .envs(check.trust().variables())
        .env("FORGE_REMOTE_ENV", "development")
        .env("FORGE_REMOTE__SERVER__LISTEN", "127.0.0.1:0")
        .env("FORGE_REMOTE__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
        .env("FORGE_REMOTE__STORE__URL", "sqlite://remote.db")
        .env("FORGE_REMOTE__TELEMETRY__FORMAT", "json");
    let remote = Process::start(&mut command, |line| {
        let fields: Value = serde_json::from_str(line).ok()?;
        Some(format!("http://{}", fields["server.address"].as_str()?))
    })
    .await;
    let url = remote.url.parse().unwrap();
    let quick: Vec<Only> = catalogue()
        .filter(|rule| !is_slow(rule.id))
        .map(|rule| Only::Rule(rule.id))
        .collect();
    let report = check.run(&url, &quick, &|_| {}).await.unwrap();
    let bad: Vec<_> = report
        .judged
        .iter()
        .filter(|one| one.verdict != Verdict::Passed)
        .map(|one| format!("{}: {:?}", one.rule.id, one.verdict))
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
