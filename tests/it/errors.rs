//! Every error code of the public interface, each from a cause that really has it.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Multipart, Query, State},
    routing::{get, post},
};
use forge_remote::{Error, Forge, Invocation, ids::InstallationId};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{
    app::TestApp,
    atlassian::{denied, exchanged, json_answer},
    claims::COLLEAGUE,
    held::Held,
    log::ON_PURPOSE,
};

#[derive(Deserialize)]
struct Wanted {
    count: u8,
}

/// Routes that a user of the library might write, with the framework's own extractors.
fn routes() -> Router<Forge> {
    Router::new()
        .route(
            "/test/json",
            post(async |_: Invocation, Json(wanted): Json<Wanted>| wanted.count.to_string()),
        )
        .route(
            "/test/query",
            get(async |Query(wanted): Query<Wanted>| wanted.count.to_string()),
        )
        .route(
            "/test/body",
            post(async |body: axum::body::Bytes| body.len().to_string()),
        )
        .route("/test/upload", post(upload))
        .route("/test/panic", get(panics))
        .route(
            "/test/401",
            get(async || axum::http::StatusCode::UNAUTHORIZED),
        )
        .route("/test/stored/{id}", get(stored))
}

async fn upload(_: Invocation, mut form: Multipart) -> Result<Json<Value>, Error> {
    let mut seen = serde_json::Map::new();
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(Error::internal)?;
        seen.insert(name, json!(bytes.len()));
    }
    Ok(Json(seen.into()))
}

async fn panics() -> &'static str {
    panic!("{ON_PURPOSE} a bug with a t0psecret in its words");
}

async fn stored(
    State(forge): State<Forge>,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Result<String, Error> {
    let id: InstallationId = id.parse().map_err(Error::internal)?;
    Ok(forge.installation(&id).await?.record().id.to_string())
}

async fn app() -> TestApp {
    TestApp::setup().await.routes(routes()).start().await
}

#[tokio::test]
async fn bad_request() {
    let app = app().await;
    for path in [
        "/api/content?limit=0",
        "/api/content?limit=many",
        "/api/content?as=king",
        "/api/issues/..%2F..",
        "/test/query",
        "/test/query?count=x",
    ] {
        let _ = app.as_forge().get(path).await.refused(400, "bad_request");
    }
    let broken = app
        .as_forge()
        .body("application/json", "{")
        .send(Method::POST, "/test/json")
        .await;
    let _ = broken.refused(400, "bad_request");
    assert!(app.atlassian.calls().is_empty());
}

#[tokio::test]
async fn not_found() {
    let app = app().await;
    for path in ["/", "/api", "/api/content/", "/nothing", "/api/%00"] {
        let _ = app.as_forge().get(path).await.refused(404, "not_found");
        let _ = app.anybody().get(path).await.refused(404, "not_found");
    }
    app.atlassian
        .answers(|_| json_answer(404, json!({"errorMessages": ["Issue does not exist"]})));
    let _ = app
        .as_forge()
        .get("/api/issues/QUA-1")
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn method_not_allowed() {
    let app = app().await;
    let answer = app.as_forge().send(Method::DELETE, "/api/content").await;
    let _ = answer.refused(405, "method_not_allowed");
    assert!(answer.header("allow").contains("GET"));
}

#[tokio::test]
async fn payload_too_large() {
    let app = TestApp::setup()
        .await
        .routes(routes())
        .set("SERVER__MAX_BODY_BYTES", "2000")
        .start()
        .await;
    for (content_type, path) in [
        ("application/json", "/test/json"),
        ("text/plain", "/test/body"),
    ] {
        let large = app
            .as_forge()
            .body(content_type, "x".repeat(2001))
            .send(Method::POST, path)
            .await;
        let _ = large.refused(413, "payload_too_large");
    }
    let fits = app
        .as_forge()
        .body("text/plain", "x".repeat(2000))
        .send(Method::POST, "/test/body")
        .await;
    assert_eq!(fits.body, b"2000");
}

#[tokio::test]
async fn unsupported_media_type() {
    let app = app().await;
    for content_type in ["", "text/plain", "application/xml"] {
        let answer = app
            .as_forge()
            .body(content_type, r#"{"count":1}"#)
            .send(Method::POST, "/test/json")
            .await;
        let _ = answer.refused(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn invalid_body() {
    let app = app().await;
    for body in ["{}", "[]", r#"{"count":-1}"#, r#"{"count":"1"}"#] {
        let answer = app
            .as_forge()
            .body("application/json", body)
            .send(Method::POST, "/test/json")
            .await;
        let error = answer.refused(422, "invalid_body");
        assert!(
            error["message"].as_str().unwrap().len() > 40,
            "it says what is wrong: {error}"
        );
    }
}

#[tokio::test]
async fn multipart_bodies_are_taken() {
    let app = app().await;
    let form = "--x\r\ncontent-disposition: form-data; name=\"fileText\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
    let answer = app
        .as_forge()
        .body("multipart/form-data; boundary=x", form)
        .send(Method::POST, "/test/upload")
        .await;
    assert_eq!(answer.ok(), json!({"fileText": 5}));
}

#[tokio::test]
async fn missing_app_token() {
    let app = app().await;
    let answer = app
        .anybody()
        .with_fit()
        .user_token()
        .get("/api/content?as=app")
        .await;
    let error = answer.refused(403, "missing_app_token");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("auth.appSystemToken.enabled: true")
    );
}

#[tokio::test]
async fn missing_user_token() {
    let app = app().await;
    for path in ["/api/content", "/api/me", "/api/issues/QUA-1"] {
        let answer = app.anybody().with_fit().app_token().get(path).await;
        let error = answer.refused(403, "missing_user_token");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("auth.appUserToken.enabled: true")
        );
    }
}

#[tokio::test]
async fn a_token_that_has_lapsed_counts_as_missing_and_is_not_sent() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let app = app().await;
    let payload =
        URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{}}}", crate::support::claims::now() - 5));
    let lapsed = format!("eyJhbGciOiJub25lIn0.{payload}.t0psecret");
    let caller = app
        .anybody()
        .with_fit()
        .header("x-forge-oauth-user", &lapsed);
    let _ = caller
        .get("/api/content")
        .await
        .refused(403, "missing_user_token");
    assert!(app.atlassian.calls().is_empty());
}

#[tokio::test]
async fn forbidden() {
    let app = app().await;
    app.atlassian
        .answers(|_| json_answer(403, json!({"message": "no"})));
    let _ = app
        .as_forge()
        .get("/api/content")
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn a_handlers_own_401_is_not_taken_for_the_fits() {
    let app = app().await;
    let _ = app
        .as_forge()
        .get("/test/401")
        .await
        .refused(403, "forbidden");
}

/// A product where the user in session is an administrator, and a gateway of one's own.
fn administered(
    app: &TestApp,
    gateway: impl Fn(crate::support::atlassian::Call) -> axum::response::Response
    + Send
    + Sync
    + 'static,
) {
    app.atlassian.answers(move |call| match call.path.as_str() {
        "/graphql" => gateway(call),
        path if path.ends_with("/user/current") => json_answer(
            200,
            json!({"operations": [{"operation": "administer", "targetType": "application"}]}),
        ),
        _ => json_answer(200, json!({"results": []})),
    });
}

#[tokio::test]
async fn impersonation_denied() {
    let app = app().await;
    administered(&app, |_| denied("User is deactivated"));
    let path = format!("/api/accounts/{COLLEAGUE}/content");
    let _ = app
        .as_forge()
        .get(&path)
        .await
        .refused(403, "impersonation_denied");
    // A denial is remembered: asking again costs nothing.
    let _ = app
        .as_forge()
        .get(&path)
        .await
        .refused(403, "impersonation_denied");
    assert_eq!(app.atlassian.exchanges(), 1);
}

#[tokio::test]
async fn rate_limited_by_the_product() {
    let app = app().await;
    app.atlassian.answers(|_| {
        let mut answer = json_answer(429, json!({}));
        answer
            .headers_mut()
            .insert("retry-after", "120".parse().unwrap());
        answer
    });
    let answer = app.as_forge().get("/api/content").await;
    let _ = answer.refused(429, "rate_limited");
    assert_eq!(answer.header("retry-after"), "120");
    assert_eq!(
        app.atlassian.calls().len(),
        1,
        "a wait that does not fit is not waited"
    );
}

#[tokio::test]
async fn rate_limited_by_the_impersonation_quota() {
    let app = TestApp::setup()
        .await
        .set("IMPERSONATION__REQUESTS_PER_MINUTE", "1")
        .start()
        .await;
    administered(&app, |call| exchanged(&call, 3600));
    let _ = app
        .as_forge()
        .get(&format!("/api/accounts/{COLLEAGUE}/content"))
        .await
        .ok();
    let answer = app
        .as_forge()
        .get("/api/accounts/5f3c9a1be8d2470071b64c0e/content")
        .await;
    let _ = answer.refused(429, "rate_limited");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((30..=60).contains(&wait), "{wait}");
    assert_eq!(app.atlassian.exchanges(), 1);
}

#[tokio::test]
async fn internal_error() {
    let app = app().await;
    let error = app
        .as_forge()
        .get("/test/panic")
        .await
        .refused(500, "internal_error");
    assert!(!error.to_string().contains("bug"));
    let _ = app.as_forge().get("/api/invocation").await.ok();
}

#[tokio::test]
async fn upstream_error() {
    let app = app().await;
    for status in [400, 500, 501] {
        app.atlassian.answers(move |_| {
            let mut answer = json_answer(status, json!({"message": "x"}));
            answer
                .headers_mut()
                .insert("atl-traceid", "0a1b2c".parse().unwrap());
            answer
        });
        let error = app
            .as_forge()
            .get("/api/content")
            .await
            .refused(502, "upstream_error");
        assert_eq!(
            error["upstreamTraceId"], "0a1b2c",
            "Atlassian's support asks for it"
        );
    }
    app.atlassian
        .answers(|_| axum::response::Html("<p>gateway</p>").into_response());
    let _ = app
        .as_forge()
        .get("/api/content")
        .await
        .refused(502, "upstream_error");
}

use axum::response::IntoResponse;

#[tokio::test]
async fn upstream_unauthorized() {
    let app = app().await;
    app.atlassian.answers(|_| {
        json_answer(
            401,
            json!({"code": 401, "message": "Unauthorized; scope does not match"}),
        )
    });
    let _ = app
        .as_forge()
        .get("/api/content")
        .await
        .refused(502, "upstream_unauthorized");
    let _ = app
        .as_forge()
        .get("/api/content?as=app")
        .await
        .refused(502, "upstream_unauthorized");
}

#[tokio::test]
async fn upstream_that_is_not_on_the_list_gets_no_token() {
    let app = TestApp::start().await;
    for base in [
        "https://evil.example/ex/confluence/1",
        "http://127.0.0.2:1/ex",
        "http://api.atlassian.com/ex",
        "file:///etc",
        "x",
    ] {
        let caller = app.anybody().fit(|fit| {
            fit.claim("/app/apiBaseUrl", base)
                .claim("/app/installation/contexts/0/apiBaseUrl", base)
        });
        let answer = caller
            .with_fit()
            .app_token()
            .user_token()
            .get("/api/content")
            .await;
        let _ = answer.refused(502, "upstream_error");
    }
}

#[tokio::test]
async fn overloaded() {
    let held = Held::default();
    let app = TestApp::setup()
        .await
        .routes(held.route())
        .set("SERVER__MAX_IN_FLIGHT", "1")
        .start()
        .await;
    let first = tokio::spawn(app.as_forge().get("/test/held"));
    held.entered().await;
    let answer = app.as_forge().get("/api/invocation").await;
    let _ = answer.refused(503, "overloaded");
    assert_eq!(answer.header("retry-after"), "1");
    held.release();
    assert_eq!(first.await.unwrap().body, b"done");
    let _ = app.as_forge().get("/api/invocation").await.ok();
}

#[tokio::test]
async fn deadline_exceeded() {
    let app = TestApp::setup()
        .await
        .routes(routes())
        .set("SERVER__ANSWER_WITHIN_MS", "300")
        .start()
        .await;
    app.atlassian
        .answers_later(|_| Box::pin(std::future::pending()));
    let answer = app.as_forge().get("/api/content").await;
    let _ = answer.refused(504, "deadline_exceeded");
    assert!(answer.took < Duration::from_secs(5), "{:?}", answer.took);
}

#[tokio::test]
async fn store_unavailable() {
    let app = app().await;
    let unknown = "/test/stored/11111111-4d08-4b6f-a3e1-5f20d8b9c647";
    let _ = app.anybody().get(unknown).await.refused(404, "not_found");
    let failing = crate::store::Failing::new(app.folder.path()).await;
    let answer = app.anybody().get(unknown).await;
    failing.mended().await;
    let _ = answer.refused(503, "store_unavailable");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
}
