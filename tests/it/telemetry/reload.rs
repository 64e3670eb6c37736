//! SIGHUP: settings read again while the remote runs.

use std::time::Duration;

use serde_json::Value;

use crate::support::{place::Place, remote::Serve, site::Site};

fn says(message: &'static str) -> impl FnMut(&Value) -> bool {
    move |line| {
        line["message"]
            .as_str()
            .is_some_and(|it| it.contains(message))
    }
}

#[tokio::test]
async fn a_hangup_takes_what_can_change_and_names_what_cannot() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("config")).unwrap();
    let write = |text: &str| {
        std::fs::write(folder.path().join("config/test.toml"), text).unwrap();
    };
    write("[inbox]\nworkers = 3");
    let remote = Serve::new(&place, &site)
        .folder(folder.path())
        .start()
        .await;

    let preflight = async |origin: &str| {
        let page = remote.anybody().header("origin", origin);
        let page = page.header("access-control-request-method", "GET");
        let answer = page.send(reqwest::Method::OPTIONS, "/api/me").await;
        answer.headers.contains_key("access-control-allow-origin")
    };
    let level = async || remote.operator().get("/log-level").await.json()["level"].clone();
    assert!(!preflight("https://quarry.atlassian.net").await);

    // A mistake anywhere, and nothing is taken.
    write("[telemetry]\nlevel = \"debug\"\n[inbox]\nworkers = 0");
    remote.signal("HUP");
    let line = remote
        .line("refuses them", says("new settings are not taken"))
        .await;
    assert_eq!(line["level"], "ERROR");
    let cause = line["cause"].as_str().unwrap();
    assert!(cause.contains("inbox.workers = 0 (from "), "{cause}");
    assert!(cause.contains("a number from 1 to 256"), "{cause}");
    assert_eq!(level().await, "info");

    write(
        "[telemetry]\nlevel = \"warn\"\n[inbox]\nworkers = 5\n\
         [server]\ncors_origins = [\"https://*.atlassian.net\"]",
    );
    remote.signal("HUP");
    let line = remote.line("names them", says("needs a restart")).await;
    assert_eq!(
        line["settings.applied"],
        "server.cors_origins telemetry.level"
    );
    assert_eq!(line["settings.need_restart"], "inbox.workers");
    assert_eq!(level().await, "warn");
    assert!(preflight("https://quarry.atlassian.net").await);
    assert_eq!(remote.operator().get("/livez").await.status, 200);
}
