use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;

use super::*;
use crate::{clock::Timestamp, ids::InstallationId, trace::TraceId};

pub(super) fn delivery() -> Delivery {
    Delivery {
        id: 0,
        at: Timestamp::from_unix(0),
        occasion: Occasion::Schedule,
        module_key: "digest-hourly".into(),
        installation: InstallationId::from(uuid::Uuid::from_u128(1)),
        state: DeliveryState::Waiting,
        attempts: Vec::new(),
        calls: Vec::new(),
        faults: Vec::new(),
    }
}

fn attempt(trace: &TraceId) -> Attempt {
    Attempt {
        at: Timestamp::from_unix(0),
        trace_id: trace.clone(),
        retry: None,
        request: SentRequest {
            method: Method::POST,
            url: "http://127.0.0.1:8080/".parse().unwrap(),
            headers: Vec::new(),
            body: Some("ä".repeat(20_000)),
        },
        claims: Value::Null,
        answer: None,
        duration: Duration::ZERO,
        failure: None,
        verdict: Vec::new(),
        started: Duration::ZERO,
        faults: Vec::new(),
    }
}

fn call(path: &str) -> Call {
    Call {
        identity: Identity::App,
        purpose: Purpose::Product,
        method: Method::GET,
        path: path.into(),
        status: StatusCode::OK,
        started: Duration::ZERO,
        duration: Duration::ZERO,
        note: None,
        faults: Vec::new(),
        at: Timestamp::from_unix(0),
        installation: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_belongs_to_a_delivery_by_the_trace_of_any_attempt() {
    let journal = Journal::default();
    let traces = [TraceId::random(), TraceId::random()];
    let first = journal.open(delivery()).unwrap();
    tokio::time::advance(Duration::from_mins(1)).await;
    journal.attempt(first, attempt(&traces[0]), vec!["app".into()]);
    journal.attempt(first, attempt(&traces[1]), vec!["app".into()]);
    let second = journal.open(delivery()).unwrap();
    journal.attempt(second, attempt(&TraceId::random()), vec!["app".into()]);
    tokio::time::advance(Duration::from_secs(9)).await;
    for (path, trace) in [
        ("/a", Some(&traces[0])),
        ("/b", Some(&traces[1])),
        ("/c", None),
    ] {
        let belongs = Belonging {
            trace_id: trace.map(TraceId::as_str),
            token_id: Some("app"),
        };
        journal.record(call(path), Instant::now(), belongs);
    }
    let paths = |id| {
        let calls = journal.delivery(id).unwrap().calls;
        calls.into_iter().map(|call| call.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(first), ["/a", "/b"]);
    assert_eq!(paths(second), ["/c"]);
    // From the first attempt on, not from when it was fired.
    let started = journal.delivery(first).unwrap().calls[0].started;
    assert_eq!(started, Duration::from_secs(9));
}

#[tokio::test]
async fn the_oldest_that_is_settled_is_forgotten_first() {
    let journal = Journal::default();
    for _ in 0..MAX_DELIVERIES {
        journal.open(delivery()).unwrap();
    }
    assert_eq!(journal.open(delivery()), Err(Full));
    journal.attempted(7, DeliveryState::Delivered, |_| {});
    journal.attempted(3, DeliveryState::Waiting, |_| {});
    assert_eq!(journal.open(delivery()), Ok(501));
    assert!(journal.delivery(7).is_none() && journal.delivery(1).is_some());
    assert_eq!(journal.deliveries()[0].id, 501);
    assert_eq!(journal.deliveries().len(), MAX_DELIVERIES);
}

#[tokio::test]
async fn bodies_are_cut_and_what_is_settled_is_not_abandoned() {
    let journal = Journal::default();
    let id = journal.open(delivery()).unwrap();
    journal.attempt(id, attempt(&TraceId::random()), Vec::new());
    journal.attempted(id, DeliveryState::Delivered, |attempt| {
        attempt.answer = Some(Answer {
            status: StatusCode::OK,
            headers: Vec::new(),
            body: "ö".repeat(10_001),
            bytes: 20_002,
        });
    });
    journal.abandon(id);
    let kept = journal.settled(id).await.unwrap();
    assert_eq!(kept.state, DeliveryState::Delivered);
    assert_eq!(kept.answer().unwrap().body.len(), 8 * 1024);
    assert_eq!(
        kept.attempts[0].request.body.as_ref().unwrap().len(),
        16 * 1024
    );
}
