//! What must not be seen is not seen: by handlers, in answers, in logs.

#[cfg(target_os = "linux")]
mod memory;
mod net;

use axum::{Router, http::HeaderMap, routing::get};
use forge_remote::Invocation;

use crate::support::{app::TestApp, log::assert_no_secret};

#[tokio::test]
async fn a_handler_sees_no_raw_header() {
    async fn headers(_: Invocation, headers: HeaderMap) -> String {
        format!("{headers:?}")
    }
    let routes = Router::new().route("/test/headers", get(headers));
    let app = TestApp::setup().await.routes(routes).start().await;
    let answer = app
        .as_forge()
        .header("x-mine", "1")
        .get("/test/headers")
        .await;
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("x-mine"), "{text}");
    for name in ["authorization", "x-forge-oauth"] {
        assert!(!text.contains(name), "{text}");
    }
}

#[tokio::test]
async fn who_prints_a_raw_request_prints_no_token() {
    async fn headers(headers: HeaderMap) -> String {
        assert!(headers["authorization"].to_str().unwrap().len() > 200);
        format!("{headers:?}")
    }
    let routes = Router::new().route("/test/raw", get(headers));
    let app = TestApp::setup().await.routes(routes).start().await;
    let answer = app.as_forge().header("x-mine", "1").get("/test/raw").await;
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("x-mine"), "{text}");
    assert_no_secret("Debug of a request's headers", &text);
}

#[tokio::test]
async fn an_invocation_prints_neither_tokens_nor_people() {
    async fn print(invocation: Invocation) -> String {
        format!(
            "{invocation:?} {:?} {:?}",
            invocation.as_app(),
            invocation.as_user()
        )
    }
    let routes = Router::new().route("/test/print", get(print));
    let app = TestApp::setup().await.routes(routes).start().await;
    let answer = app.as_forge().get("/test/print").await;
    let text = String::from_utf8(answer.body).unwrap();
    assert_no_secret("Debug", &text);
    assert!(!text.contains(crate::support::claims::USER), "{text}");
}
