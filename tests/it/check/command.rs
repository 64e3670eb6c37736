//! The command itself: what it prints, where it writes, and how it ends.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use axum::http::StatusCode;
use forge_remote::{
    conformance::{check::Trust, rule::catalogue},
    ids::AppId,
};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{
    MANIFEST,
    flaws::{Flaw, NONE, authentication},
    reference::Reference,
};

fn check() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forge-remote"));
    command
        .arg("check")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A check that waits for its remote; killed when it is dropped.
struct Waiting {
    child: Child,
    out: BufReader<ChildStdout>,
    trust: Trust,
}

impl Waiting {
    /// Starts it and reads what the remote has to be told.
    fn start(remote: &str, arguments: &[&str]) -> Self {
        let mut child = check()
            .args([
                remote,
                "--listen",
                "127.0.0.1:0",
                "--manifest",
                MANIFEST,
                "--ui-path",
                "/api/content",
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("STORAGE_URL=") {
            assert!(
                out.read_line(&mut said).unwrap() > 0,
                "it ended after saying: {said}"
            );
        }
        let variable = |name: &str| {
            let line = said
                .lines()
                .find_map(|line| line.trim().strip_prefix(&format!("{name}=")));
            line.unwrap_or_else(|| panic!("{name} is missing: {said}"))
                .to_owned()
        };
        let graphql_url = variable("FORGE_REMOTE__ATLASSIAN__GRAPHQL_URL");
        let trust = Trust {
            app_id: variable("FORGE_REMOTE__APP__IDS").parse::<AppId>().unwrap(),
            jwks_url: Some(variable("FORGE_REMOTE__FIT__JWKS_URL")),
            api_origin: graphql_url.trim_end_matches("/graphql").to_owned(),
            graphql_url,
            storage_url: variable("FORGE_REMOTE__ATLASSIAN__STORAGE_URL"),
        };
        Self { child, out, trust }
    }

    /// What it printed after the settings, and how it ended.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        (rest, status.code())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The checker has to be there before the remote, whose address has to be known before that.
async fn checked(flaw: Flaw, arguments: &[&str]) -> (String, Option<i32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let waiting = Waiting::start(&url, arguments);
    let remote = Reference::start_on(listener, &waiting.trust, flaw);
    let ended = tokio::task::spawn_blocking(|| waiting.end()).await.unwrap();
    drop(remote);
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_the_remote_prints_a_table_and_writes_reports() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (json, junit, badge) = (file("a.json"), file("a.xml"), file("a.badge"));
    let only = ["--only", "fit-expired-refused", "--only", "error-json-path"];
    let reports = ["--json", &json, "--junit", &junit, "--badge", &badge];
    let (said, code) = checked(NONE, &[&only[..], &reports].concat()).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("✓ must   fit-expired-refused"), "{said}");
    assert!(!said.contains('\x1b'), "no colours in a pipe: {said}");
    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(report["score"]["must"]["passed"], 2, "{report}");
    let xml = std::fs::read_to_string(junit).unwrap();
    assert!(xml.contains("fit-expired-refused"), "{xml}");
    let badge = std::fs::read_to_string(badge).unwrap();
    assert!(badge.contains("2/2 must"), "{badge}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_must_ends_it_with_1_and_says_what_was_seen_without_a_token() {
    let only = ["--only", "fit-expired-refused"];
    let (said, code) = checked(authentication::TAKES_EXPIRED, &only).await;
    assert_eq!(code, Some(1), "{said}");
    for word in ["✗ must", "sent ", "came back ", "mend ", "0 of 1 hold"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains("eyJ"), "{said}");
}

#[test]
fn whatever_cannot_be_tried_ends_it_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let ends = |arguments: &[&str]| {
        let output = check()
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let listen = ["--listen", "127.0.0.1:0"];
    let remote = "http://127.0.0.1:1";
    let with = |more: &[&str]| ends(&[&[remote][..], &listen, more].concat());
    for (what, (code, said)) in [
        ("no URL", ends(&[])),
        ("an unknown rule", with(&["--only", "no-such-rule"])),
        ("a path that is none", with(&["--ui-path", "api"])),
        ("no manifest", with(&["--manifest", "missing.yml"])),
        (
            "https",
            ends(&[
                "https://127.0.0.1:1",
                "--listen",
                "127.0.0.1:0",
                "--manifest",
                MANIFEST,
            ]),
        ),
        (
            "nobody there",
            with(&["--manifest", MANIFEST, "--wait", "1"]),
        ),
        (
            "a key that is none",
            with(&["--manifest", MANIFEST, "--jwks-key", MANIFEST]),
        ),
    ] {
        assert_eq!(code, Some(2), "{what}: {said}");
        assert!(
            !said.is_empty() && !said.contains("panicked"),
            "{what}: {said}"
        );
    }
}

/// An older process on the port, with the settings of another day.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_refuses_a_good_fit_is_told_whether_it_has_fetched_the_key_set() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let refuses = axum::Router::new().fallback(|| async { StatusCode::UNAUTHORIZED });
    tokio::spawn(async move { axum::serve(listener, refuses).await });
    let mut command = check();
    command.args([&url, "--listen", "127.0.0.1:0", "--manifest", MANIFEST]);
    command.args(["--wait", "1"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("has not fetched"), "{said}");
}

#[test]
fn every_rule_is_listed() {
    let output = check().arg("--list").output().unwrap();
    let listed = text(&output.stdout);
    for rule in catalogue() {
        assert!(listed.contains(rule.id), "{} is not listed", rule.id);
    }
    let output = check()
        .args(["--list", "--only", "contract"])
        .output()
        .unwrap();
    let listed = text(&output.stdout);
    assert!(
        listed.contains("error-json-path") && !listed.contains("fit-good-accepted"),
        "{listed}"
    );
}
