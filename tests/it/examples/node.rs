//! The remote on Node: the token verified, the error contract kept, the user asked for.

use std::{path::PathBuf, process::Command};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use forge_remote::emulator::{FireEvent, Settlement};
use jsonwebtoken::Algorithm;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Platform, ROOT, UPDATED, process::Process, titles};
use crate::support::{
    answer::Answer,
    atlassian::Atlassian,
    caller::{Caller, Fit},
    claims::{APP, OTHER_APP, now},
    keys::{KEY, OTHER_KEY},
};

struct Place {
    folder: PathBuf,
    jwks_url: String,
    api_origin: String,
}

async fn remote(place: &Place) -> Process {
    let example = format!("{ROOT}/examples/node");
    let node = Command::new("node").arg("--version").output();
    assert!(
        node.is_ok_and(|node| node.status.success()),
        "there is no `node` to run examples/node with: install Node.js, or let `bash tests/run.sh` do it"
    );
    assert!(
        PathBuf::from(format!("{example}/node_modules/jose")).exists(),
        "examples/node is not installed: run `npm ci --prefix examples/node`, or let `bash tests/run.sh` do it"
    );
    let mut command = Command::new("node");
    command
        .arg(format!("{example}/remote.mjs"))
        .current_dir(&place.folder)
        .env("APP_ID", APP)
        .env("JWKS_URL", &place.jwks_url)
        .env("API_ORIGINS", &place.api_origin)
        .env("EVENTS_FILE", place.folder.join("events.jsonl"))
        .env_remove("HOST")
        .env("PORT", "0");
    let listens = |line: &str| Some(line.strip_prefix("listening on ")?.to_owned());
    Process::start(&mut command, listens).await
}

fn kept(place: &Place) -> Vec<Value> {
    let text = std::fs::read_to_string(place.folder.join("events.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_page_is_answered_as_the_user_and_events_and_ticks_are_kept() {
    let platform = Platform::start().await;
    let trust = platform.emulator.trust();
    let place = Place {
        folder: platform.folder.path().to_owned(),
        jwks_url: trust.jwks_url,
        api_origin: trust.api_origin,
    };
    let remote = remote(&place).await;
    platform.emulator.set_remote(remote.url.parse().unwrap());
    platform
        .taken(platform.emulator.install().await.unwrap())
        .await;

    let mira = platform.get("Mira", "/api/mine").await;
    let jonas = platform.get("Jonas", "/api/mine").await;
    assert!(titles(&mira).contains(&"Salary bands 2027"));
    assert!(!titles(&jonas).contains(&"Salary bands 2027"));
    assert!(titles(&jonas).contains(&"Draft: moving the search index"));
    // Its errors resolve with their status: they are JSON.
    let unknown = platform.invoked("Mira", "/api/nothing").await;
    assert_eq!(unknown.settlement, Settlement::Resolved { status: 404 });

    platform
        .taken(
            platform
                .emulator
                .fire_event(&FireEvent::new(UPDATED))
                .unwrap(),
        )
        .await;
    platform
        .taken([platform.emulator.fire_schedule("digest-hourly").unwrap()])
        .await;
    platform
        .taken(platform.emulator.uninstall().await.unwrap())
        .await;
    let kept = kept(&place);
    let paths: Vec<_> = kept
        .iter()
        .map(|line| line["path"].as_str().unwrap())
        .collect();
    let expected = [
        "/forge/lifecycle",
        "/forge/events",
        "/forge/scheduled/digest-hourly",
        "/forge/uninstall",
    ];
    assert_eq!(paths, expected);
    assert_eq!(kept[1]["body"]["eventType"], UPDATED);
    assert!(
        remote.said().contains("POST /forge/events 202"),
        "{}",
        remote.said()
    );
}

struct Alone {
    atlassian: Atlassian,
    remote: Process,
    _folder: tempfile::TempDir,
}

impl Alone {
    async fn start() -> Self {
        let atlassian = Atlassian::start().await;
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            folder: folder.path().to_owned(),
            jwks_url: format!("{}/.well-known/jwks.json", atlassian.url()),
            api_origin: atlassian.url(),
        };
        let remote = remote(&place).await;
        Self {
            atlassian,
            remote,
            _folder: folder,
        }
    }

    fn anybody(&self) -> Caller {
        Caller::anybody(
            reqwest::Client::new(),
            self.remote.url.clone(),
            &self.atlassian.url(),
        )
    }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        answer.status,
        status,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header("content-type"), "application/json");
    let error = &answer.json()["error"];
    assert_eq!(error["code"], code);
    assert!(error["message"].as_str().unwrap().ends_with('.'));
}

#[tokio::test]
async fn a_token_that_is_not_for_it_is_401_and_nothing_else_is() {
    let alone = Alone::start().await;
    let good = || Fit::of(&alone.atlassian.url());
    let none = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        URL_SAFE_NO_PAD.encode(good().claims.to_string())
    );
    for (case, token) in [
        (
            "other issuer",
            good().claim("/iss", "forge/context-token").token(),
        ),
        ("other audience", good().claim("/aud", OTHER_APP).token()),
        ("other app", good().claim("/app/id", OTHER_APP).token()),
        ("expired", good().claim("/exp", now() - 60).token()),
        ("never expires", good().without("/exp").token()),
        ("not yet valid", good().claim("/nbf", now() + 60).token()),
        ("other key", good().key(OTHER_KEY).token()),
        (
            "unknown key",
            good().header("kid", "forge/invocation-token/0").token(),
        ),
        ("hmac", good().hmac(Algorithm::HS256, &KEY.public_der())),
        ("no algorithm", none),
        ("no token at all", "rubbish".to_owned()),
    ] {
        let answer = alone
            .anybody()
            .token(&token)
            .user_token()
            .get("/api/mine")
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{case}");
    }
    refused(
        &alone.anybody().get("/api/mine").await,
        401,
        "missing_token",
    );
    // With a good one it is other things that are missing.
    refused(
        &alone.anybody().with_fit().get("/api/mine").await,
        403,
        "missing_user_token",
    );
    refused(
        &alone.anybody().with_fit().get("/else").await,
        404,
        "not_found",
    );
    assert!(alone.atlassian.calls().is_empty(), "no token went anywhere");
}

#[tokio::test]
async fn what_fails_behind_it_is_told_in_json_and_never_as_401() {
    let alone = Alone::start().await;
    let mine = || alone.anybody().with_fit().user_token().get("/api/mine");
    for (theirs, ours) in [
        (401, 502),
        (403, 403),
        (404, 404),
        (429, 429),
        (500, 502),
        (302, 502),
    ] {
        alone.atlassian.answers(move |_| {
            crate::support::atlassian::json_answer(theirs, json!({"message": "no"}))
        });
        refused(&mine().await, ours, "upstream_error");
    }
    // A token goes to no host but the one that was named.
    let elsewhere = alone.anybody();
    let elsewhere =
        elsewhere.fit(|fit| fit.claim("/app/apiBaseUrl", "http://127.0.0.1:9/ex/confluence/1"));
    let answer = elsewhere.with_fit().user_token().get("/api/mine").await;
    refused(&answer, 502, "unknown_api_host");
}

#[tokio::test]
async fn a_browser_cannot_say_that_something_happened() {
    let alone = Alone::start().await;
    let event = json!({"eventType": UPDATED});
    let of_a_page = alone
        .anybody()
        .with_fit()
        .json(&event)
        .post("/forge/events")
        .await;
    refused(&of_a_page, 403, "forbidden");
    let of_forge = alone.anybody().fit(Fit::of_platform).with_fit();
    assert_eq!(
        of_forge.json(&event).post("/forge/events").await.status,
        202
    );
    let broken = alone
        .anybody()
        .fit(Fit::of_platform)
        .with_fit()
        .body("application/json", "{");
    refused(&broken.post("/forge/events").await, 400, "bad_request");
}
