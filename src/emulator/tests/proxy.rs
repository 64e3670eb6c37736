use std::future::pending;

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Redirect},
    routing::{any, get, post},
};
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::json;

use super::*;
use crate::emulator::world::{JONAS, MIRA, PRIYA};

const HTML: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/html")];

pub(super) fn bad_remote() -> Router {
    Router::new()
        .route("/empty", get(|| async { StatusCode::NO_CONTENT }))
        .route("/json", get(|| async { axum::Json(json!({"ok": true})) }))
        .route("/not-json", get(|| async { (HTML, "<p>hello") }))
        .route("/401", get(|| async { (StatusCode::UNAUTHORIZED, "{}") }))
        .route(
            "/422",
            get(|| async {
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    axum::Json(json!({"message": "no"})),
                )
            }),
        )
        .route(
            "/html-error",
            get(|| async { (StatusCode::BAD_GATEWAY, HTML, "<p>") }),
        )
        .route(
            "/empty-error",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        )
        .route("/redirect", get(|| async { Redirect::permanent("/json") }))
        .route("/never", get(pending::<()>))
        .route(
            "/stalls",
            get(|| async {
                Body::from_stream(futures_util::stream::pending::<
                    Result<Vec<u8>, std::io::Error>,
                >())
            }),
        )
        .route("/huge", get(|| async { vec![b' '; 5 * 1024 * 1024 + 1] }))
        .route(
            "/largest",
            get(|| async {
                let mut body = vec![b' '; 5 * 1024 * 1024 - 1];
                body.push(b'1');
                body
            }),
        )
        .route("/echo", any(echo))
        .route(
            "/leak",
            get(|headers: HeaderMap| async move {
                headers["x-forge-oauth-system"].as_bytes().to_vec()
            }),
        )
        .route(
            "/count",
            post(|body: axum::body::Bytes| async move { axum::Json(body.len()) })
                .layer(axum::extract::DefaultBodyLimit::disable()),
        )
}

async fn echo(request: Request) -> impl IntoResponse {
    let names: Vec<_> = request.headers().keys().map(ToString::to_string).collect();
    axum::Json(json!({
        "method": request.method().as_str(),
        "path": request.uri().to_string(),
        "headers": names,
    }))
}

async fn played() -> Played {
    Played::with(bad_remote(), |_| {}).await
}

async fn invoked(played: &Played, path: &str) -> Invocation {
    played
        .running
        .invoke(Invoke::get(MIRA, "digest-page", path))
        .await
        .unwrap()
}

fn broken(invocation: &Invocation) -> Vec<&'static str> {
    invocation
        .verdict
        .iter()
        .filter(|f| !f.passed)
        .map(|f| f.rule)
        .collect()
}

#[tokio::test]
async fn good_answers_resolve_and_break_no_rule() {
    let played = played().await;
    for (path, status) in [
        ("/empty", 204),
        ("/json", 200),
        ("/422", 422),
        ("/largest", 200),
    ] {
        let invocation = invoked(&played, path).await;
        assert_eq!(
            invocation.settlement,
            Settlement::Resolved { status },
            "{path}"
        );
        let broken: Vec<_> = broken(&invocation)
            .into_iter()
            .filter(|rule| *rule != "success-content-type")
            .collect();
        assert!(broken.is_empty(), "{path}: {broken:?}");
    }
}

#[tokio::test]
async fn every_bad_answer_rejects_in_the_platforms_words() {
    let played = played().await;
    for (path, message, rule) in [
        (
            "/401",
            "Remote could not verify the Forge Invocation Token",
            "unauthorized-means-fit",
        ),
        (
            "/html-error",
            "Invalid response from remote - content-type header must be set to application/json and is currently: text/html. Status: 502.",
            "error-content-type",
        ),
        (
            "/not-json",
            "Invalid response from remote - cannot parse body as JSON. Status: 200.",
            "success-parses",
        ),
        (
            "/empty-error",
            "Invalid response from remote - cannot parse body as JSON. Status: 500.",
            "error-parses",
        ),
        (
            "/redirect",
            "Invalid response from remote - cannot parse body as JSON. Status: 308.",
            "no-redirect",
        ),
        ("/huge", "An unexpected error happened", "size"),
    ] {
        let invocation = invoked(&played, path).await;
        assert_eq!(
            invocation.settlement,
            Settlement::Rejected {
                message: message.into()
            },
            "{path}"
        );
        assert!(
            broken(&invocation).contains(&rule),
            "{path}: {:?}",
            broken(&invocation)
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_not_whole_in_time_is_a_timeout() {
    let impatient = |settings: &mut Settings| {
        settings.invocation_limit = Duration::from_millis(300);
    };
    let played = Played::with(bad_remote(), impatient).await;
    for path in ["/never", "/stalls"] {
        let invocation = invoked(&played, path).await;
        let message = "Remote invocation timed out after 0.3 seconds".to_owned();
        assert_eq!(
            invocation.settlement,
            Settlement::Rejected { message },
            "{path}"
        );
        assert_eq!(broken(&invocation), ["in-time"]);
    }
}

#[tokio::test]
async fn more_at_once_than_the_journal_holds_are_all_settled() {
    let played = Played::with(bad_remote(), |_| {}).await;
    let all = (0..250).map(|_| invoked(&played, "/json"));
    let all = futures_util::future::join_all(all).await;
    let settled = Settlement::Resolved { status: 200 };
    assert!(
        all.iter()
            .all(|invocation| invocation.settlement == settled)
    );
}

#[tokio::test]
async fn a_remote_that_is_not_there_is_a_network_error() {
    let nobody = {
        TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
    };
    let url = format!("http://{nobody}").parse().unwrap();
    let played = Played::with(Router::new(), |settings| settings.remote = url).await;
    let invocation = invoked(&played, "/json").await;
    let message = "Invalid response from remote - remote network error".to_owned();
    assert_eq!(invocation.settlement, Settlement::Rejected { message });
    assert_eq!(broken(&invocation), ["reachable"]);
}

#[tokio::test]
async fn the_request_carries_what_forge_sends() {
    let played = played().await;
    let mut invoke = Invoke::get(MIRA, "digest-page", "/echo?x=1");
    invoke.method = Method::PUT;
    invoke.body = Some(json!({"a": 1}));
    invoke.headers = vec![("x-own".into(), "1".into())];
    let invocation = played.running.invoke(invoke).await.unwrap();
    let answer = invocation.answer.as_ref().unwrap().json().unwrap();
    assert_eq!(
        (&answer["method"], &answer["path"]),
        (&json!("PUT"), &json!("/echo?x=1"))
    );
    for name in [
        "authorization",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-forge-oauth-system",
        "x-forge-oauth-user",
        "x-own",
        "content-type",
    ] {
        assert!(
            answer["headers"].as_array().unwrap().contains(&json!(name)),
            "{name}"
        );
    }
    assert_eq!(invocation.claims["principal"], MIRA);
    for (name, value) in &invocation.request.headers {
        assert!(
            value.len() < 40 || name == "content-type",
            "{name} is not masked"
        );
    }
}

#[tokio::test]
async fn tokens_travel_only_where_the_manifest_switches_them_on() {
    let own =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml")).unwrap();
    for (from, to, expected) in [
        (
            "appUserToken:\n          enabled: true",
            "appUserToken:\n          enabled: false",
            vec!["x-forge-oauth-system"],
        ),
        (
            "appSystemToken:\n          enabled: true",
            "appSystemToken:\n          enabled: false",
            vec!["x-forge-oauth-user"],
        ),
    ] {
        assert!(own.contains(from));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.yml");
        std::fs::write(&path, own.replace(from, to)).unwrap();
        let played = Played::with(bad_remote(), |settings| settings.manifest = path).await;
        let answer = invoked(&played, "/echo")
            .await
            .answer
            .unwrap()
            .json()
            .unwrap();
        let tokens: Vec<_> = answer["headers"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| name.starts_with("x-forge-oauth"))
            .map(str::to_owned)
            .collect();
        assert_eq!(tokens, expected);
    }
}

#[tokio::test]
async fn a_token_in_the_answer_is_found_and_never_shown() {
    let played = played().await;
    let invocation = invoked(&played, "/leak").await;
    assert!(broken(&invocation).contains(&"no-token-echoed"));
    assert!(!format!("{invocation:?}").contains(&played.app_token()));
}

#[tokio::test]
async fn the_bridge_takes_500_kb_and_no_more() {
    let played = played().await;
    let mut invoke = Invoke::get(MIRA, "digest-page", "/count");
    invoke.method = Method::POST;
    let wrapping = r#"{"a":""}"#.len();
    for (length, fits) in [(500 * 1024, true), (500 * 1024 + 1, false)] {
        invoke.body = Some(json!({"a": "x".repeat(length - wrapping)}));
        let invocation = played.running.invoke(invoke.clone()).await.unwrap();
        assert_eq!(
            invocation.settlement == Settlement::Resolved { status: 200 },
            fits
        );
        assert_eq!(broken(&invocation).contains(&"request-size"), !fits);
    }
}

#[tokio::test]
async fn what_the_platform_would_not_send_is_an_error() {
    let played = played().await;
    let refused = async |change: &dyn Fn(&mut Invoke)| {
        let mut invoke = Invoke::get(MIRA, "digest-page", "/json");
        change(&mut invoke);
        played.running.invoke(invoke).await.unwrap_err()
    };
    assert_eq!(
        refused(&|i| i.user = world::TOMAS.into()).await,
        InvokeError::UnknownUser
    );
    assert_eq!(
        refused(&|i| i.module_key = "ui-endpoint".into()).await,
        InvokeError::UnknownModule("ui-endpoint".into())
    );
    assert_eq!(
        refused(&|i| i.method = Method::OPTIONS).await,
        InvokeError::Method
    );
    assert_eq!(
        refused(&|i| i.path = "//evil.example/".into()).await,
        InvokeError::Path
    );
    let long = "x".repeat(16 * 1024);
    assert_eq!(
        refused(&|i| i.path = format!("/{long}")).await,
        InvokeError::Long
    );
    assert_eq!(
        refused(&|i| i.headers = vec![("x-own".into(), long.clone())]).await,
        InvokeError::Long
    );
}

/// A remote as it should be: it forwards its tokens to the emulated APIs.
fn calling_remote() -> Router {
    async fn call(headers: HeaderMap, token: &str, url: String) -> axum::response::Response {
        let client = crate::outbound::client().unwrap();
        let trace = headers["x-b3-traceid"].clone();
        let token = headers[token].to_str().unwrap().to_owned();
        let answer = client
            .get(url)
            .bearer_auth(token)
            .header("x-b3-traceid", trace)
            .send()
            .await
            .unwrap();
        axum::Json(answer.json::<Value>().await.unwrap()).into_response()
    }
    Router::new().route("/user", get(|headers: HeaderMap, axum::extract::RawQuery(url): axum::extract::RawQuery| async move {
        call(headers, "x-forge-oauth-user", url.unwrap()).await
    })).route("/app", get(|headers: HeaderMap, axum::extract::RawQuery(url): axum::extract::RawQuery| async move {
        call(headers, "x-forge-oauth-system", url.unwrap()).await
    }))
}

#[tokio::test]
async fn the_remotes_calls_stand_with_the_invocation_they_were_made_for() {
    let played = Played::with(calling_remote(), |_| {}).await;
    let url = played.api("confluence", "/wiki/rest/api/content");
    let ask = async |user: &str, path: &str| {
        let invoke = Invoke::get(user, "digest-page", format!("/{path}?{url}"));
        played.running.invoke(invoke).await.unwrap()
    };
    let jonas = ask(JONAS, "user").await;
    let app = ask(PRIYA, "app").await;
    assert_eq!(jonas.calls.len(), 1);
    assert_eq!(
        jonas.calls[0].identity,
        Identity::User {
            account_id: JONAS.into(),
            name: "Jonas Lindqvist".into()
        }
    );
    assert_eq!(app.calls[0].identity, Identity::App);
    assert!(app.answer.unwrap().body != jonas.answer.unwrap().body);
    let kept: Vec<_> = played
        .running
        .journal()
        .iter()
        .map(|invocation| invocation.id)
        .collect();
    assert_eq!(kept, [2, 1]);
}
