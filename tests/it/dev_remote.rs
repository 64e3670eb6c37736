//! `forge-remote dev --remote`: the platform for a remote that somebody else starts.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::post};
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc};

use crate::command::{forge_remote, text};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml");
const PATIENCE: Duration = Duration::from_secs(30);

/// Killed with the test, whatever becomes of that.
struct Dev {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Dev {
    fn start(folder: &Path, remote: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forge-remote"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FORGE_REMOTE") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .current_dir(folder)
            .args(["dev", "--console", "127.0.0.1:0", "--manifest", MANIFEST])
            .args(["--remote", remote])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Everything that it prints when it starts.
    fn welcome(&mut self) -> String {
        let mut welcome = String::new();
        while !welcome.contains("Ctrl-C") {
            let read = self.said.read_line(&mut welcome).unwrap();
            assert!(read > 0, "it ended after saying: {welcome}");
        }
        welcome
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn page(welcome: &str) -> String {
    let console = welcome
        .lines()
        .find_map(|line| line.trim().strip_prefix("console"));
    let url = format!("{}remote", console.unwrap().trim());
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn it_waits_for_the_remote_says_so_once_and_tells_it_of_its_installation() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let mut dev = Dev::start(folder.path(), &format!("http://{address}"));
    let welcome = dev.welcome();
    for words in [
        "In any language the remote needs two settings",
        "/.well-known/jwks.json",
        "`app.apiBaseUrl`",
        "export FORGE_REMOTE__FIT__JWKS_URL=",
        "Nothing listens there yet",
    ] {
        assert!(welcome.contains(words), "{words}: {welcome}");
    }
    assert!(page(&welcome).await.contains("not up yet"));

    let (told, mut tells) = mpsc::channel(8);
    let installed = move |Json(event): Json<Value>| async move {
        told.send(event["eventType"].clone()).await.unwrap();
    };
    let remote = Router::new().route("/forge/lifecycle", post(installed));
    let listener = TcpListener::bind(address).await.unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, remote).await });
    let event = tokio::time::timeout(PATIENCE, tells.recv()).await;
    assert_eq!(event.unwrap().unwrap(), "avi:forge:installed:app");
    assert!(page(&welcome).await.contains(">listens<"));

    serving.abort();
    let _ = serving.await;
    assert!(page(&welcome).await.contains(">unreachable<"));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log.matches("nothing listens there yet").count(), 1, "{log}");
    assert_eq!(log.matches("the remote listens").count(), 1, "{log}");
}

#[tokio::test]
async fn a_remote_that_goes_away_is_named_in_the_log_when_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let remote = format!("http://{}", listener.local_addr().unwrap());
    let mut dev = Dev::start(folder.path(), &remote);
    // It takes the connection and hangs up.
    drop(listener.accept().await.unwrap());
    drop(listener);
    let welcome = dev.welcome();
    assert!(welcome.contains("The remote listens."), "{welcome}");
    let began = Instant::now();
    loop {
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        if log.contains("no whole answer came from the remote") {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn an_address_that_is_none_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for (remote, words) in [
        ("localhost:8080", "neither http:// nor https://"),
        ("http://127.0.0.1:8080/base", "it has a path, `/base`"),
        ("http://127.0.0.1:8080?a=b", "it has a query"),
    ] {
        let output = forge_remote(folder.path(), &["dev", "--remote", remote], &[]);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn help_shows_how_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let output = forge_remote(folder.path(), &["dev", "--help"], &[]);
    let help = text(&output.stdout);
    for words in [
        "--remote <URL>",
        "http://127.0.0.1:8080",
        "in any language",
        "--speed 60",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
}
