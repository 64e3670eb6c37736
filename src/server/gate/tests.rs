use std::{convert::Infallible, future::pending};

use axum::{
    Extension,
    body::{Body, to_bytes},
    http::Request,
    routing::{any, get},
};
use futures_util::stream;
use serde_json::Value;
use tokio::time::Instant;

use super::*;
use crate::config;

const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const TRACE: &str = "463ac35c9f6413ad";

fn gate(max_in_flight: usize) -> Gate {
    Gate::new(&config::Server {
        listen: ([127, 0, 0, 1], 0).into(),
        admin_listen: ([127, 0, 0, 1], 0).into(),
        max_body_bytes: 1024,
        max_in_flight,
        answer_within: ANSWER_WITHIN,
        cors_origins: Vec::new(),
    })
}

/// A body whose stream yields `frames`, and is then silent for ever.
fn silent_after(frames: usize) -> Body {
    let frame = |_| Ok::<_, Infallible>("data");
    let silence = stream::once(pending::<Result<&str, Infallible>>());
    Body::from_stream(futures_util::StreamExt::chain(
        stream::iter((0..frames).map(frame)),
        silence,
    ))
}

fn router() -> Router {
    let events = [(header::CONTENT_TYPE, "text/event-stream")];
    let endless = || stream::repeat_with(|| Ok::<_, Infallible>("data"));
    Router::new()
        .route("/held", any(async || pending::<()>().await))
        .route("/short", get(async || "short"))
        .route("/silent", get(async || silent_after(1)))
        .route("/endless", get(async move || Body::from_stream(endless())))
        .route("/agent", get(async move || (events, silent_after(1))))
        .fallback(async |Extension(deadline): Extension<Deadline>| {
            deadline.remaining().as_millis().to_string()
        })
}

async fn call(gate: &Gate, path: &str) -> Response<Held> {
    let request = Request::builder()
        .uri(path)
        .header("x-b3-traceid", TRACE)
        .body(Body::empty())
        .unwrap();
    gate.clone().serve(router(), request).await.unwrap()
}

async fn text(answer: Response<Held>) -> Result<String, axum::Error> {
    let body = to_bytes(Body::new(answer.into_body()), usize::MAX).await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// A request that stays in the handler.
fn hold(gate: &Gate, path: &'static str) -> tokio::task::JoinHandle<()> {
    let gate = gate.clone();
    tokio::spawn(async move {
        call(&gate, path).await;
    })
}

#[tokio::test]
async fn a_refusal_has_the_public_shape_and_the_callers_trace() {
    let gate = gate(1);
    let _place = gate.0.ui.let_in().ok().unwrap();
    let answer = call(&gate, "/short").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
    let body: Value = serde_json::from_str(&text(answer).await.unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "overloaded");
    assert_eq!(body["error"]["traceId"], TRACE);
    assert!(body["error"]["message"].as_str().unwrap().ends_with('.'));
    assert_eq!(body["error"].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn each_lane_has_places_of_its_own_and_its_callers_patience() {
    let gate = gate(1);
    for (path, patience) in [
        ("/forge/events", PLATFORM_PATIENCE),
        ("/forge/scheduled/hourly", PLATFORM_PATIENCE),
        ("/forge/uninstall", UNINSTALL_PATIENCE),
        ("/api/content", ANSWER_WITHIN),
        ("/forgery", ANSWER_WITHIN),
    ] {
        let place = gate.lane(path).let_in().ok().unwrap();
        assert_eq!(call(&gate, path).await.status(), 503, "{path}");
        drop(place);
        let millis: u128 = text(call(&gate, path).await)
            .await
            .unwrap()
            .parse()
            .unwrap();
        assert!(millis <= patience.as_millis(), "{path}");
        assert!(millis + 1000 > patience.as_millis(), "{path}");
    }
    let _ui = gate.0.ui.let_in().ok().unwrap();
    assert_eq!(call(&gate, "/forge/events").await.status(), 200);
}

#[tokio::test]
async fn what_is_shed_reaches_no_handler_and_takes_no_place() {
    let gate = gate(1);
    gate.0.platform.tap.shed(1.0, true);
    let mut refused = 0;
    for _ in 0..100 {
        refused += u32::from(call(&gate, "/forge/events").await.status() == 503);
    }
    assert!(refused >= 90, "{refused}");
    assert!(gate.0.platform.room.enter().is_ok());
    assert_eq!(call(&gate, "/short").await.status(), 200, "people first");
    assert_eq!(call(&gate, "/forge/uninstall").await.status(), 200);
}

#[tokio::test]
async fn a_request_that_is_given_up_gives_its_place_back() {
    let gate = gate(1);
    let held = hold(&gate, "/held");
    while call(&gate, "/short").await.status() == 200 {
        tokio::task::yield_now().await;
    }
    held.abort();
    let _ = held.await;
    assert_eq!(call(&gate, "/short").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_holds_its_place_until_it_ends_in_time() {
    let gate = gate(1);
    for (path, patience) in [
        ("/silent", ANSWER_WITHIN),
        ("/endless", ANSWER_WITHIN),
        ("/agent", STREAM_PATIENCE),
    ] {
        let began = Instant::now();
        let mut answer = call(&gate, path).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(call(&gate, "/short").await.status(), 503, "{path}");
        let ended = loop {
            match next(answer.body_mut()).await {
                // As slow as a reader may be, the clock goes on.
                Some(Ok(_)) => tokio::time::advance(Duration::from_secs(1)).await,
                ended => break ended,
            }
        };
        assert!(
            ended
                .unwrap()
                .unwrap_err()
                .is::<crate::deadline::DeadlineExceeded>()
        );
        let took = began.elapsed();
        assert!(
            took >= patience && took <= patience + Duration::from_secs(2),
            "{path}: {took:?}"
        );
        drop(answer);
        assert_eq!(call(&gate, "/short").await.status(), 200, "{path}");
    }
}

async fn next(
    body: &mut Held,
) -> Option<Result<hyper::body::Frame<axum::body::Bytes>, tower::BoxError>> {
    use axum::body::HttpBody;
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context)).await
}

#[tokio::test(start_paused = true)]
async fn a_body_in_memory_reaches_a_slow_reader_whole() {
    let gate = gate(1);
    let answer = call(&gate, "/short").await;
    tokio::time::advance(ANSWER_WITHIN * 2).await;
    assert_eq!(text(answer).await.unwrap(), "short");
}
