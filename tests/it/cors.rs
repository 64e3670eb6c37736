//! Calls straight from a browser: `requestRemote` sends a preflight without a FIT, and
//! reads nothing that does not carry the origin.

use std::future::pending;

use axum::{
    Router,
    body::Bytes,
    routing::{get, post},
};
use reqwest::Method;

use crate::support::{app::TestApp, caller::Caller};

const SITE: &str = "https://quarry.atlassian.net";

async fn app() -> TestApp {
    TestApp::setup()
        .await
        .set("SERVER__CORS_ORIGINS", "https://*.atlassian.net")
        .start()
        .await
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_fit() {
    let app = app().await;
    let answer = app
        .anybody()
        .header("origin", SITE)
        .header("access-control-request-method", "PUT")
        .header(
            "access-control-request-headers",
            "authorization,content-type,x-own",
        )
        .send(Method::OPTIONS, "/api/content")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), SITE);
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("PUT")
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    assert!(
        answer
            .header("access-control-max-age")
            .parse::<u32>()
            .unwrap()
            > 0
    );
    assert!(
        answer
            .headers
            .get_all("vary")
            .iter()
            .any(|v| v.to_str().unwrap().contains("origin"))
    );
    assert_eq!(
        app.atlassian.key_set_fetches(),
        1,
        "the start's own fetch and no other"
    );
}

/// A cache that keeps what a page did not ask for must not hand it to one.
#[tokio::test]
async fn answers_without_an_origin_vary_by_the_same_headers() {
    let app = app().await;
    let vary = async |call: Caller| {
        let answer = call.get("/api/invocation").await;
        let values = answer.headers.get_all("vary").iter();
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let with = vary(app.anybody().with_fit().header("origin", SITE)).await;
    let without = vary(app.anybody().with_fit()).await;
    assert!(!with.is_empty());
    assert_eq!(with, without);
}

#[tokio::test]
async fn answers_and_errors_carry_the_origin() {
    let app = app().await;
    let good = app
        .anybody()
        .with_fit()
        .header("origin", SITE)
        .get("/api/invocation")
        .await;
    assert_eq!(good.header("access-control-allow-origin"), SITE);
    let _ = good.ok();
    let calls = [
        ("/api/invocation", 401, "missing_token"),
        ("/nothing", 404, "not_found"),
    ];
    for (path, status, code) in calls {
        let answer = app.anybody().header("origin", SITE).get(path).await;
        assert_eq!(answer.header("access-control-allow-origin"), SITE);
        let _ = answer.refused(status, code);
    }
}

#[tokio::test]
async fn another_origin_is_not_allowed() {
    let app = app().await;
    for origin in [
        "https://evil.example",
        "http://quarry.atlassian.net",
        "null",
        "https://atlassian.net.evil.example",
    ] {
        let preflight = app
            .anybody()
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .send(Method::OPTIONS, "/api/content")
            .await;
        assert!(
            !preflight
                .headers
                .contains_key("access-control-allow-origin"),
            "{origin}"
        );
        let answer = app
            .anybody()
            .with_fit()
            .header("origin", origin)
            .get("/api/invocation")
            .await;
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn without_configured_origins_nobody_is_allowed() {
    let app = TestApp::start().await;
    let answer = app
        .anybody()
        .with_fit()
        .header("origin", SITE)
        .get("/api/invocation")
        .await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn refusals_of_the_limits_carry_the_origin_too() {
    let routes = Router::new()
        .route(
            "/test/body",
            post(async |body: Bytes| body.len().to_string()),
        )
        .route("/test/hangs", get(async || pending::<()>().await))
        .route("/test/panics", get(panics));
    let app = TestApp::setup()
        .await
        .routes(routes)
        .set("SERVER__CORS_ORIGINS", "https://*.atlassian.net")
        .set("SERVER__ANSWER_WITHIN_MS", "1000")
        .set("SERVER__MAX_IN_FLIGHT", "1")
        .set("SERVER__MAX_BODY_BYTES", "2000")
        .start()
        .await;
    let browser = || app.anybody().header("origin", SITE);
    let large = browser().body("text/plain", "x".repeat(2001));
    let large = large.send(Method::POST, "/test/body").await;
    let panics = browser().get("/test/panics").await;
    let hangs = tokio::spawn(browser().get("/test/hangs"));
    let overloaded = loop {
        let answer = browser().get("/nothing").await;
        if answer.status == 503 {
            break answer;
        }
    };
    let late = hangs.await.unwrap();
    for (answer, status, code) in [
        (large, 413, "payload_too_large"),
        (panics, 500, "internal_error"),
        (overloaded, 503, "overloaded"),
        (late, 504, "deadline_exceeded"),
    ] {
        assert_eq!(answer.header("access-control-allow-origin"), SITE);
        let _ = answer.refused(status, code);
    }
}

async fn panics() -> &'static str {
    panic!("a bug")
}
