//! Forge storage over HTTP: who is let in, in which words others are not, and what is seen of it.

use axum::routing::post;
use http::HeaderMap;
use serde_json::json;

use super::*;
use crate::emulator::world::{JONAS, MIRA};

const SCOPE: &str = "storage:app";

/// The app's manifest with the scope for storage, or without.
fn manifest(storage: bool) -> (TempDir, PathBuf) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("manifest.yml"));
    let text = text.unwrap();
    let mut lines: Vec<_> = text.lines().filter(|line| !line.contains(SCOPE)).collect();
    if storage {
        let scopes = lines.iter().position(|line| line.trim() == "scopes:");
        lines.insert(scopes.unwrap() + 1, "    storage:app: {}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.yml");
    std::fs::write(&path, lines.join("\n")).unwrap();
    (folder, path)
}

async fn start(change: impl FnOnce(&mut Settings)) -> Played {
    let (_folder, path) = manifest(true);
    Played::with(Router::new(), |settings| {
        settings.manifest = path;
        change(settings);
    })
    .await
}

impl Played {
    fn storage(&self, operation: &str) -> String {
        format!("{}/v1/{operation}", self.running.storage_url())
    }

    async fn send(&self, token: &str, operation: &str, body: &Value) -> reqwest::Response {
        let url = self.storage(operation);
        let request = self.http.post(url).bearer_auth(token).json(body);
        request.send().await.unwrap()
    }

    /// As the app: the status, and the body unless it is empty.
    async fn store(&self, operation: &str, body: Value) -> (u16, Value) {
        let sent = self.send(&self.app_token(), operation, &body).await;
        read(sent).await
    }
}

async fn read(sent: reqwest::Response) -> (u16, Value) {
    let status = sent.status().as_u16();
    let text = sent.text().await.unwrap();
    if text.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn the_app_stores_and_reads_with_the_documented_statuses() {
    let played = start(|_| {}).await;
    let key = json!({"key": "digest:QUA:cfg"});
    let value = json!({"hour": 7, "days": ["mon", "thu"]});
    let set = json!({
        "key": key["key"],
        "value": value,
        "options": {"ttl": {"value": 30, "unit": "DAYS"}, "keyPolicy": "FAIL_IF_EXISTS"},
    });
    assert_eq!(played.store("set", set.clone()).await, (204, Value::Null));
    let (status, body) = played.store("set", set).await;
    assert_eq!((status, &body["code"]), (409, &json!("KEY_ALREADY_EXISTS")));
    let got = json!({"key": key["key"], "value": value});
    assert_eq!(played.store("get", key.clone()).await, (200, got.clone()));
    assert_eq!(
        played.store("query", json!({})).await,
        (200, json!({"data": [got]}))
    );
    assert_eq!(played.store("delete", key.clone()).await.0, 204);
    let (status, body) = played.store("get", key).await;
    assert_eq!((status, &body["code"]), (404, &json!("KEY_NOT_FOUND")));
    assert!(body["message"].is_string());
}

#[tokio::test]
async fn every_documented_path_is_there_and_takes_post_alone() {
    let played = start(|_| {}).await;
    for (operation, status) in [
        ("get", 400),
        ("set", 400),
        ("delete", 400),
        ("query", 200),
        ("secret/get", 400),
        ("secret/set", 400),
        ("secret/delete", 400),
        ("entity/get", 400),
        ("entity/set", 400),
        ("entity/delete", 400),
        ("entity/query", 400),
        ("transaction", 400),
        ("batch/get", 400),
        ("batch/set", 400),
        ("batch/delete", 400),
    ] {
        assert_eq!(
            played.store(operation, json!({})).await.0,
            status,
            "{operation}"
        );
        let (status, body) = played
            .get(&played.app_token(), &played.storage(operation))
            .await;
        assert_eq!((status, &body["code"]), (405, &json!("METHOD_NOT_ALLOWED")));
    }
    for unknown in ["secret/query", "sets", ""] {
        let (status, body) = played.store(unknown, json!({})).await;
        assert_eq!(
            (status, &body["code"]),
            (404, &json!("NOT_FOUND")),
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn only_the_apps_own_living_token_opens_it() {
    let clock = Clock::manual(crate::clock::Timestamp::from_unix(1_785_312_000));
    let own = clock.clone();
    let played = start(|settings| settings.clock = own).await;
    let app = played.app_token();
    let impersonated = played
        .running
        .stage
        .tokens
        .impersonate(played.running.installation_id(), JONAS)
        .unwrap()
        .0;
    let get = json!({"key": "a"});
    for token in [&played.user_token(MIRA), impersonated.expose(), "rubbish"] {
        let (status, body) = read(played.send(token, "get", &get).await).await;
        assert_eq!((status, &body["code"]), (401, &json!("UNAUTHORIZED")));
        assert!(body["message"].is_string());
    }
    let nobody = played.http.post(played.storage("get")).json(&get);
    assert_eq!(read(nobody.send().await.unwrap()).await.0, 401);
    assert_eq!(read(played.send(&app, "get", &get).await).await.0, 404);
    clock.advance(Duration::from_hours(4));
    assert_eq!(read(played.send(&app, "get", &get).await).await.0, 401);
}

#[tokio::test]
async fn without_the_scope_it_is_forbidden() {
    let (_folder, path) = manifest(false);
    let played = Played::with(Router::new(), |settings| settings.manifest = path).await;
    let (status, body) = played.store("get", json!({"key": "a"})).await;
    assert_eq!((status, &body["code"]), (403, &json!("FORBIDDEN")));
    let note = played.running.other_calls()[0].note.clone().unwrap();
    assert!(note.contains("`storage:app`"), "{note}");
}

#[tokio::test]
async fn bodies_that_are_too_large_or_no_json_are_refused_in_its_own_shape() {
    let played = start(|_| {}).await;
    let token = played.app_token();
    let send = |kind: &'static str, body: String| {
        let request = played
            .http
            .post(played.storage("batch/set"))
            .bearer_auth(&token);
        async move {
            read(
                request
                    .header("content-type", kind)
                    .body(body)
                    .send()
                    .await
                    .unwrap(),
            )
            .await
        }
    };
    let nested = "[".repeat(200) + &"]".repeat(200);
    let json = "application/json; charset=utf-8";
    for (kind, body, status, code) in [
        (json, String::new(), 400, "BAD_REQUEST"),
        (json, "{".to_owned(), 400, "BAD_REQUEST"),
        ("text/plain", "[]".to_owned(), 400, "BAD_REQUEST"),
        (json, nested, 400, "MAX_DEPTH"),
        (
            json,
            format!("[{}]", " ".repeat(4 * 1024 * 1024)),
            400,
            "MAX_SIZE",
        ),
        (json, " ".repeat(9 * 1024 * 1024), 413, "PAYLOAD_TOO_LARGE"),
    ] {
        let length = body.len();
        let (got, body) = send(kind, body).await;
        assert_eq!((got, &body["code"]), (status, &json!(code)), "{length}");
    }
    // A batch within the bounds is larger than any other request of the emulator.
    let value = "x".repeat(160 * 1024);
    let batch: Vec<_> = (0..25)
        .map(|n| json!({"key": n.to_string(), "value": value}))
        .collect();
    let (status, told) = played.store("batch/set", json!(batch)).await;
    assert_eq!(
        (status, told["successfulKeys"].as_array().unwrap().len()),
        (200, 25)
    );
}

#[tokio::test]
async fn above_the_rate_it_is_429_and_an_answer_carries_its_trace() {
    let played = start(|settings| settings.storage_requests_per_second = 0).await;
    let (status, body) = played.store("query", json!({})).await;
    assert_eq!(
        (status, &body["code"]),
        (429, &json!("RATE_LIMIT_EXCEEDED"))
    );
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let asked = played
        .http
        .post(played.storage("query"))
        .header("x-b3-traceid", trace);
    assert_eq!(asked.send().await.unwrap().headers()["x-b3-traceid"], trace);
    let sent = played.send(&played.app_token(), "query", &json!({})).await;
    assert!(!sent.headers()["x-b3-traceid"].is_empty());
}

#[tokio::test]
async fn a_call_is_written_down_with_the_invocation_it_was_made_for() {
    let played = start(|_| {}).await;
    let url = played.storage("set");
    let remote = Router::new().route(
        "/api/keep",
        post(move |headers: HeaderMap| async move {
            let set = crate::outbound::client().unwrap().post(url);
            let token = headers["x-forge-oauth-system"].to_str().unwrap();
            let set = set
                .bearer_auth(token)
                .header("x-b3-traceid", &headers["x-b3-traceid"]);
            let set = set.json(&json!({"key": "subscription:1", "value": "hush"}));
            axum::Json(json!({"status": set.send().await.unwrap().status().as_u16()}))
        }),
    );
    let remote = format!("http://{}", serve(remote).await).parse().unwrap();
    played.running.set_remote(remote);
    let mut invoke = Invoke::get(MIRA, "digest-page", "/api/keep");
    invoke.method = http::Method::POST;
    let invocation = played.running.invoke(invoke).await.unwrap();
    assert_eq!(invocation.answer.unwrap().json().unwrap()["status"], 204);
    let [call] = invocation.calls.as_slice() else {
        panic!("{:?}", invocation.calls);
    };
    assert_eq!(call.identity, Identity::App);
    let subject = "subscription:1".to_owned();
    assert_eq!(call.purpose, Purpose::Storage { subject });
    assert_eq!(call.path, "/forge/storage/kvs/v1/set");
    assert!(!format!("{call:?}").contains("hush"));
    let page = format!(
        "{}invocations/{}",
        played.running.console_url(),
        invocation.id
    );
    let page = played
        .http
        .get(page)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("subscription:1") && !page.contains("hush"));
}

#[tokio::test]
async fn a_test_sees_what_was_stored_and_an_uninstall_ends_it() {
    let played = start(|_| {}).await;
    played
        .store("set", json!({"key": "a", "value": {"n": 1}}))
        .await;
    played
        .store("secret/set", json!({"key": "a", "value": "hush"}))
        .await;
    let entity = json!({"entityName": "sub", "key": "a", "value": {"x": 2}});
    played.store("entity/set", entity).await;
    let stored = played.running.stored();
    let seen: Vec<_> = stored
        .iter()
        .map(|item| (item.space.clone(), item.key.as_str(), item.value.clone()))
        .collect();
    let entity = StoredIn::Entity("sub".to_owned());
    assert_eq!(
        seen,
        [
            (StoredIn::Keys, "a", Some(json!({"n": 1}))),
            (StoredIn::Secrets, "a", None),
            (entity, "a", Some(json!({"x": 2}))),
        ]
    );
    assert!(!format!("{:?} {stored:?}", played.running).contains("hush"));
    played.running.forget_stored();
    assert!(played.running.stored().is_empty());
    assert_eq!(played.store("get", json!({"key": "a"})).await.0, 404);
}

#[tokio::test]
async fn the_console_lists_what_is_stored_by_prefix_and_page_and_no_secret() {
    let played = start(|_| {}).await;
    let page = |query: &str| {
        let url = format!("{}storage{query}", played.running.console_url());
        let sent = played.http.get(url).send();
        async move { sent.await.unwrap().text().await.unwrap() }
    };
    assert!(page("").await.contains("Nothing is stored yet."));
    for at in 0..51 {
        let set = json!({"key": format!("p:{at:02}"), "value": {"at": at}});
        assert_eq!(played.store("set", set).await.0, 204);
    }
    let script = json!({"key": "q", "value": "<script>alert(1)</script>", "options": {"ttl": {"value": 1, "unit": "DAYS"}}});
    played.store("set", script).await;
    played
        .store("set", json!({"key": "r", "value": "x".repeat(100_000)}))
        .await;
    played
        .store("secret/set", json!({"key": "s", "value": "hush"}))
        .await;

    let first = page("?prefix=p%3A").await;
    assert!(first.contains("1 to 50 of 51 items") && first.contains("p:49"));
    assert!(!first.contains("p:50") && first.contains("/storage?prefix=p%3A&amp;page=2"));
    let second = page("?prefix=p%3A&page=2").await;
    assert!(second.contains("51 to 51 of 51 items") && second.contains("p:50"));
    assert!(
        page("?prefix=p%3A&page=3")
            .await
            .contains("There is no such page.")
    );
    assert!(
        page("?prefix=zz")
            .await
            .contains("No key begins like that.")
    );
    let rest = page("?page=2").await;
    assert!(!rest.contains("<script>") && rest.contains("97.6 KiB"));
    assert!(rest.len() < 40_000, "large values are cut: {}", rest.len());
    assert!(rest.contains("secret") && !rest.contains("hush"));
    for odd in [
        "?page=0",
        "?page=-1",
        "?page=99999999999999999999",
        "?page=18446744073709551615",
    ] {
        assert!(page(odd).await.contains("Forge storage"), "{odd}");
    }
}
