//! The service as an operator meets it: health, metrics, shutdown.

use std::sync::Arc;

use axum::{Router, routing::get};
use tokio::sync::Notify;

use crate::support::{app::TestApp, held::Held, log::assert_no_secret};

#[tokio::test]
async fn a_remote_with_keys_and_a_store_is_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.operator().get("/livez").await.status, 200);
    // The key set is fetched at the start; the first invocation waits for it if need be.
    let _ = app.as_forge().get("/api/invocation").await.ok();
    let ready = app.operator().get("/readyz").await.ok();
    assert_eq!(ready["ready"], true);
}

#[tokio::test]
async fn health_and_metrics_are_not_on_the_public_listener() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz", "/metrics"] {
        let _ = app.anybody().get(path).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn metrics_count_what_happens_and_hold_no_secret() {
    let app = TestApp::start().await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    let _ = app.anybody().token("abc").get("/api/invocation").await;
    let _ = app.as_forge().get("/api/content").await;
    let metrics = app.operator().get("/metrics").await;
    let text = String::from_utf8(metrics.body).unwrap();
    for name in [
        "forge_requests_total",
        "forge_request_seconds_bucket",
        "forge_fit_verifications_total",
        "forge_jwks_refreshes_total",
        "forge_product_requests_total",
    ] {
        assert!(text.contains(name), "no {name} in {text}");
    }
    assert!(text.contains(r#"route="/api/invocation""#), "{text}");
    assert_no_secret("the metrics", &text);
}

#[tokio::test]
async fn a_stop_lets_requests_in_flight_finish() {
    let held = Held::default();
    let mut app = TestApp::setup().await.routes(held.route()).start().await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    let request = tokio::spawn(app.anybody().get("/test/held"));
    held.entered().await;
    app.tell_to_stop();
    // Readiness goes red while the request is still there.
    loop {
        let ready = app.operator().get("/readyz").await;
        if ready.status == 503 {
            assert_eq!(ready.json()["stopping"], true);
            break;
        }
    }
    let refused = tokio::net::TcpStream::connect(app.address).await;
    assert!(refused.is_err(), "no new connection is taken");
    held.release();
    assert_eq!(request.await.unwrap().body, b"done");
    app.stopped().await;
}

#[tokio::test]
async fn a_caller_who_goes_away_gives_the_place_back() {
    let entered = Arc::new(Notify::new());
    let inside = Arc::clone(&entered);
    let hangs = Router::new().route(
        "/test/hangs",
        get(async move || {
            inside.notify_one();
            std::future::pending::<()>().await;
        }),
    );
    let app = TestApp::setup()
        .await
        .routes(hangs)
        .set("SERVER__MAX_IN_FLIGHT", "1")
        .start()
        .await;
    for _ in 0..3 {
        let request = tokio::spawn(app.anybody().get("/test/hangs"));
        entered.notified().await;
        request.abort();
        let _ = request.await;
        // Its connection is closed at once; the service learns of it a little later.
        while app.as_forge().get("/api/invocation").await.status == 503 {}
    }
}
