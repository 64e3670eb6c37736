//! Requests to Forge storage that it refuses, each with the documented code.

mod refused;

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::emulator::world::{MIRA, PRIYA};

/// Every code of the documentation that the emulator gives, and those that it does not name.
const CODES: &[&str] = &[
    "BAD_REQUEST",
    "COMPLEX_QUERY_PAGE_LIMIT_NOT_IN_RANGE",
    "CONDITION_NOT_MET",
    "EMPTY_FILTER_OPERATOR",
    "EMPTY_KEY",
    "ENTITY_TYPE_TOO_LARGE",
    "ENTITY_TYPE_TOO_SHORT",
    "INSUFFICIENT_FILTER_VALUES",
    "INVALID_ENTITY_ATTRIBUTE",
    "INVALID_ENTITY_INDEX",
    "INVALID_ENTITY_TYPE",
    "INVALID_ENTITY_VALUE",
    "INVALID_FILTER_CONDITION",
    "INVALID_FILTER_OPERATORS_COMBINATION",
    "INVALID_FILTER_VALUES",
    "INVALID_KEY",
    "KEY_ALREADY_EXISTS",
    "KEY_NOT_FOUND",
    "KEY_TOO_LONG",
    "KEY_TOO_SHORT",
    "LIST_QUERY_LIMIT_EXCEEDED",
    "MAX_DEPTH",
    "MAX_SIZE",
    "QUERY_WHERE_FIELD_INVALID",
    "QUERY_WHERE_INVALID",
    "UNPROCESSABLE_ENTITY",
];

const ENTITY: &str = "  storage:
    entities:
      - name: subscription
        attributes: {space: {type: string}, weight: {type: integer}, notes: {type: any}}
        indexes: [{name: by-space, partition: [space], range: [weight]}]
  compatibility:
";

async fn played(change: impl FnOnce(&mut Settings)) -> Played {
    let (_folder, path) = manifest("  compatibility:\n", ENTITY);
    Played::with(Router::new(), |settings| {
        settings.manifest = path;
        settings.schedules_run = false;
        change(settings);
    })
    .await
}

impl Played {
    async fn kvs(&self, token: &str, operation: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/v1/{operation}", self.running.storage_url());
        let request = self.http.post(url).bearer_auth(token).json(body);
        let sent = request.send().await.unwrap();
        let status = sent.status().as_u16();
        let text = sent.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn kept(&self, operation: &str, body: Value) {
        let (status, answer) = self.kvs(&self.app_token(), operation, &body).await;
        assert!(matches!(status, 200 | 204), "{operation}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_breaks_a_limit_is_refused_with_its_code() {
    let played = played(|_| {}).await;
    let app = played.app_token();
    played.kept("set", json!({"key": "k", "value": 1})).await;
    let light = json!({"entityName": "subscription", "key": "s", "value": {"weight": 1}});
    played.kept("entity/set", light).await;
    let mut seen = BTreeSet::new();
    for (operation, request, status, code) in refused::all() {
        let (answered, body) = played.kvs(&app, operation, &request).await;
        let shown: String = request.to_string().chars().take(120).collect();
        assert_eq!(
            (answered, &body["code"]),
            (status, &json!(code)),
            "{operation} {shown}"
        );
        assert!(body["message"].is_string(), "{operation}: {body}");
        seen.insert(code);
    }
    assert!(seen.iter().eq(CODES), "{seen:?}");
    // Nothing of all that was written.
    assert_eq!(played.running.stored().len(), 2);
}

#[tokio::test]
async fn any_token_but_the_apps_own_and_an_app_without_the_scope_are_kept_out() {
    let get = json!({"key": "k"});
    let played = played(|_| {}).await;
    let stage = &played.running.stage;
    let impersonated = stage.tokens.impersonate(stage.installed.last().id, PRIYA);
    for token in [
        played.user_token(MIRA),
        impersonated.unwrap().0.expose().to_owned(),
        "rubbish".to_owned(),
    ] {
        let (status, body) = played.kvs(&token, "get", &get).await;
        assert_eq!((status, &body["code"]), (401, &json!("UNAUTHORIZED")));
    }
    let (_folder, path) = manifest("    storage:app: {}\n", "");
    let without = Played::with(Router::new(), |settings| settings.manifest = path).await;
    let (status, body) = without.kvs(&without.app_token(), "get", &get).await;
    assert_eq!((status, &body["code"]), (403, &json!("FORBIDDEN")));
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_in_a_second_are_held_back_until_the_next() {
    let played = played(|settings| settings.storage_requests_per_second = 2).await;
    let app = played.app_token();
    let get = json!({"key": "k"});
    let code = async |operation, request: &Value| {
        let (status, body) = played.kvs(&app, operation, request).await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    for _ in 0..2 {
        assert_eq!(code("get", &get).await.0, 404);
    }
    assert_eq!(
        code("get", &get).await,
        (429, "RATE_LIMIT_EXCEEDED".to_owned())
    );
    let transaction = json!({"set": [{"key": "k", "value": 1}]});
    assert_eq!(
        code("transaction", &transaction).await,
        (429, "TOO_MANY_REQUESTS".to_owned())
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(code("get", &get).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_written_or_read_too_much_in_a_second_is_held_back() {
    let played = played(|_| {}).await;
    let app = played.app_token();
    let value = "x".repeat(240 * 1024 - 2);
    let set = |key: &str| json!({"key": key, "value": value});
    for _ in 0..4 {
        assert_eq!(played.kvs(&app, "set", &set("hot")).await.0, 204);
    }
    let (status, body) = played.kvs(&app, "set", &set("hot")).await;
    assert_eq!(
        (status, &body["code"]),
        (429, &json!("RATE_LIMIT_EXCEEDED"))
    );
    let (status, body) = played
        .kvs(&app, "transaction", &json!({"set": [set("hot")]}))
        .await;
    assert_eq!((status, &body["code"]), (429, &json!("TOO_MANY_REQUESTS")));
    let (status, body) = played
        .kvs(&app, "batch/set", &json!([set("hot"), set("other")]))
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        body["failedKeys"][0]["error"]["code"],
        "RATE_LIMIT_EXCEEDED"
    );
    assert_eq!(
        body["successfulKeys"],
        json!([{"key": "other"}]),
        "each key has its own measure"
    );

    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(played.kvs(&app, "set", &set("hot")).await.0, 204);
    let get = json!({"key": "hot"});
    for _ in 0..51 {
        assert_eq!(played.kvs(&app, "get", &get).await.0, 200);
    }
    let (status, body) = played.kvs(&app, "get", &get).await;
    assert_eq!(
        (status, &body["code"]),
        (429, &json!("RATE_LIMIT_EXCEEDED"))
    );
}
