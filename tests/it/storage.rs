//! Forge storage, as a handler meets it: the app's token, the configured place, the error
//! contract.

use axum::{Json, Router, extract::Path, response::Response, routing::get};
use forge_remote::{AppActor, Error, Forge, storage::Key};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    app::TestApp,
    atlassian::{Call, json_answer},
    claims::APP_TOKEN,
};

async fn visit(app: AppActor, Path(key): Path<String>) -> Result<Json<u32>, Error> {
    let (storage, key) = (app.storage(), Key::new(key)?);
    let visits = storage.get::<u32>(&key).await?.unwrap_or(0) + 1;
    storage.set(&key, &visits).await?;
    Ok(Json(visits))
}

async fn app(answer: fn(&Call) -> Response) -> TestApp {
    let routes: Router<Forge> = Router::new().route("/test/visit/{key}", get(visit));
    let app = TestApp::setup().await.routes(routes).start().await;
    app.atlassian.answers(move |call| answer(&call));
    app
}

fn stored(call: &Call) -> Response {
    match call.path.as_str() {
        "/forge/storage/kvs/v1/get" => json_answer(200, json!({"key": "visits", "value": 6})),
        "/forge/storage/kvs/v1/set" => json_answer(200, Value::Null),
        _ => json_answer(500, Value::Null),
    }
}

#[tokio::test]
async fn a_handler_reads_and_writes_as_the_app() {
    let app = app(stored).await;
    assert_eq!(app.as_forge().get("/test/visit/visits").await.ok(), 7);
    let calls = app.atlassian.calls();
    assert!(calls.iter().all(|call| call.token() == APP_TOKEN));
    assert_eq!(calls[1].json(), json!({"key": "visits", "value": 7}));
}

#[tokio::test]
async fn what_storage_refuses_is_told_by_the_error_contract() {
    for (status, told, code) in [
        (401, 502, "upstream_unauthorized"),
        (403, 403, "forbidden"),
        (429, 429, "rate_limited"),
        (400, 502, "upstream_error"),
    ] {
        let app = app(|_| Response::default()).await;
        app.atlassian.answers(move |_| {
            let mut answer = json_answer(status, json!({"code": "X", "message": "its own words"}));
            let headers = answer.headers_mut();
            headers.insert("x-trace-id", "abc123".parse().unwrap());
            headers.insert("retry-after", "60".parse().unwrap());
            answer
        });
        let answer = app.as_forge().get("/test/visit/visits").await;
        let error = answer.json()["error"].clone();
        assert_eq!(error["upstreamTraceId"], "abc123", "{status}");
        assert!(!error.to_string().contains("its own words"));
        let _ = answer.refused(told, code);
    }
}

#[tokio::test]
async fn a_key_of_the_caller_that_is_none_is_a_bad_request() {
    let app = app(stored).await;
    let answer = app.as_forge().get("/test/visit/a$b").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let _ = answer.refused(400, "bad_request");
    assert!(app.atlassian.calls().is_empty());
}
