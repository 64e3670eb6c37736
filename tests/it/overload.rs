//! More work than there is room for: who is refused, who is answered all the same, and how
//! long somebody slow may hold a place.

use std::{
    convert::Infallible,
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, routing::get};
use forge_remote::Invocation;
use futures_util::stream;
use reqwest::Method;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Semaphore, task::JoinSet};

use crate::support::{
    app::TestApp,
    caller::{Caller, Fit},
    held::Held,
};

const EVENT: &str = "avi:confluence:updated:page";
const NEIGHBOUR: &str = "ari:cloud:ecosystem::installation/11111111-4d08-4b6f-a3e1-5f20d8b9c647";

#[tokio::test]
async fn a_full_lane_refuses_before_it_looks_at_the_token() {
    let held = Held::default();
    let app = TestApp::setup()
        .await
        .routes(held.route())
        .set("SERVER__MAX_IN_FLIGHT", "1")
        .start()
        .await;
    let request = tokio::spawn(app.anybody().get("/test/held"));
    held.entered().await;
    for caller in [app.as_forge(), app.anybody().token("none.at.all")] {
        let trace = "463ac35c9f6413ad";
        let answer = caller.header("x-b3-traceid", trace).get("/api/me").await;
        assert_eq!(answer.refused(503, "overloaded")["traceId"], trace);
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(app.operator().get("/livez").await.status, 200);
    let metrics = app.operator().get("/metrics").await.body;
    let metrics = String::from_utf8(metrics).unwrap();
    let line = metrics
        .lines()
        .find(|it| it.starts_with(r#"forge_shed_total{lane="ui",reason="full"}"#));
    assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
    held.release();
    assert_eq!(request.await.unwrap().status, 200);
}

#[tokio::test]
async fn people_are_served_while_events_are_turned_away() {
    let app = TestApp::setup()
        .await
        .set("SERVER__MAX_IN_FLIGHT", "1")
        .start()
        .await;
    // An event whose body does not come holds the only place for events.
    let mut slow = TcpStream::connect(app.address).await.unwrap();
    let fit = Fit::of(&app.atlassian.url()).of_platform().token();
    let head = format!(
        "POST /forge/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {fit}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let event = json!({"eventType": EVENT, "content": {"id": "1"}});
    let refused = loop {
        let answer = app.as_platform().json(&event).post("/forge/events").await;
        if answer.status != 202 {
            break answer;
        }
    };
    let _ = refused.refused(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    let _ = app.as_forge().get("/api/invocation").await.ok();
    drop(slow);
}

/// Answers when the test says so.
fn slow(gate: &Arc<Semaphore>) -> Router<forge_remote::Forge> {
    let gate = Arc::clone(gate);
    let handler = async move |_: Invocation| {
        gate.acquire().await.unwrap().forget();
        "{}"
    };
    Router::new().route("/test/slow", get(handler))
}

fn neighbour(app: &TestApp) -> Caller {
    let of_neighbour = app.anybody().fit(|fit| {
        fit.claim("/app/installationId", NEIGHBOUR)
            .claim("/app/installation/id", NEIGHBOUR)
    });
    of_neighbour.with_fit()
}

#[tokio::test]
async fn one_installation_does_not_take_the_service_from_another() {
    let gate = Arc::new(Semaphore::new(0));
    let app = TestApp::setup()
        .await
        .routes(slow(&gate))
        .set("SERVER__MAX_IN_FLIGHT", "16")
        .start()
        .await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    let mut flood = JoinSet::new();
    for _ in 0..24 {
        flood.spawn(app.as_forge().get("/test/slow"));
    }
    // What is over three quarters of the places is refused; the rest is at work.
    for _ in 0..12 {
        let answer = flood.join_next().await.unwrap().unwrap();
        let _ = answer.refused(503, "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
    for _ in 0..5 {
        let _ = neighbour(&app).get("/api/invocation").await.ok();
        let more = app.as_forge().get("/api/invocation").await;
        let _ = more.refused(503, "overloaded");
    }
    gate.add_permits(12);
    while let Some(answer) = flood.join_next().await {
        assert_eq!(answer.unwrap().status, 200);
    }
    let _ = app.as_forge().get("/api/invocation").await.ok();
}

#[tokio::test]
async fn a_body_that_a_handler_never_ends_is_ended_in_time() {
    let silent = async || Body::from_stream(stream::once(pending::<Result<&str, Infallible>>()));
    let app = TestApp::setup()
        .await
        .routes(Router::new().route("/test/silent", get(silent)))
        .set("SERVER__MAX_IN_FLIGHT", "1")
        .set("SERVER__ANSWER_WITHIN_MS", "300")
        .start()
        .await;
    let began = Instant::now();
    let silent = app.anybody().try_send(Method::GET, "/test/silent").await;
    assert!(silent.is_err(), "it is cut, and the caller can see that");
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(began.elapsed() < Duration::from_secs(10));
    let _ = app.as_forge().get("/api/invocation").await.ok();
}

#[tokio::test]
async fn half_a_head_does_not_hold_up_a_stop() {
    let app = TestApp::start().await;
    let mut half = TcpStream::connect(app.address).await.unwrap();
    half.write_all(b"GET /api/me HTTP/1.1\r\nhost: x\r\nx-half-a-")
        .await
        .unwrap();
    let _ = app.as_forge().get("/api/invocation").await.ok();
    let began = Instant::now();
    app.stopped().await;
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
}
