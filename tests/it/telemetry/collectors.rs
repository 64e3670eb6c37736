//! Collectors that are gone or silent, and the last spans of a remote that ends.

use std::time::{Duration, Instant};

use super::traces::{TRACE, has, of_forge};
use crate::support::{collector::Collector, place::Place, remote::Serve, site::Site};

#[tokio::test]
async fn what_a_remote_has_to_tell_is_told_before_it_ends() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let collector = Collector::start().await;
    let mut remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url())
        .start()
        .await;
    let _ = of_forge(&remote, TRACE).get("/api/invocation").await.ok();
    remote.terminate();
    let status = remote.ended(Duration::from_secs(15)).await;
    assert!(status.success());
    assert!(has(&collector.spans(), "GET /api/invocation"));
}

#[tokio::test]
async fn a_dead_collector_costs_a_request_nothing_and_is_told_once() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    // Nobody listens on a port that was just given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let mut remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &nowhere)
        .variable("OTEL_EXPORTER_OTLP_HEADERS", "authorization=t0psecret-key")
        .start()
        .await;
    let lost = |line: &serde_json::Value| line["telemetry.lost_spans"].is_u64();
    for _ in 0..50 {
        let _ = of_forge(&remote, TRACE).get("/api/invocation").await.ok();
    }
    let line = remote.line("says what is lost", lost).await;
    assert_eq!(line["level"], "WARN");
    assert!(line["message"].as_str().unwrap().contains("otlp_endpoint"));
    for _ in 0..50 {
        let _ = of_forge(&remote, TRACE).get("/api/invocation").await.ok();
    }
    let began = Instant::now();
    remote.terminate();
    assert!(remote.ended(Duration::from_secs(15)).await.success());
    // It has given up on a batch by then, and the minute is not over.
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(remote.log().iter().filter(|line| lost(line)).count(), 1);
}

#[tokio::test]
async fn a_collector_that_never_answers_fills_a_queue_with_an_end() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let collector = Collector::start().await;
    collector.falls_silent();
    let mut remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url())
        .set("TELEMETRY__LEVEL", "warn,forge_remote::server=info")
        .start()
        .await;
    // A span each, and no token to be signed for it.
    let call = async || {
        let answer = remote.anybody().get("/nowhere").await;
        assert_eq!(answer.status, 404);
        answer.took
    };
    // More than the queue holds.
    let mut times = Vec::new();
    for _ in 0..90 {
        let calls = (0..50).map(|_| call());
        times.extend(futures_util::future::join_all(calls).await);
    }
    let lost = |line: &serde_json::Value| line["telemetry.lost_spans"].is_u64();
    let _ = remote.line("says what is lost", lost).await;
    times.sort_unstable();
    assert!(times[times.len() / 2] < Duration::from_secs(1), "{times:?}");
    assert!(collector.spans().is_empty());
    let began = Instant::now();
    remote.terminate();
    assert!(remote.ended(Duration::from_secs(20)).await.success());
    // Four seconds for the last spans, one for what holds a thread, and the rest as always.
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
}
