use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;

use super::*;
use crate::{clock::Timestamp, trace::TraceId};

pub(super) fn invocation(trace: &TraceId) -> Invocation {
    Invocation {
        id: 0,
        at: Timestamp::from_unix(0),
        trace_id: trace.clone(),
        user: "Mira",
        module_key: "page".into(),
        via: Via::InvokeRemote,
        request: SentRequest {
            method: Method::GET,
            url: "http://127.0.0.1:8080/".parse().unwrap(),
            headers: Vec::new(),
            body: None,
        },
        claims: Value::Null,
        calls: Vec::new(),
        answer: None,
        settlement: Settlement::Pending,
        duration: Duration::ZERO,
        verdict: Vec::new(),
        faults: Vec::new(),
    }
}

pub(super) fn call(path: &str) -> Call {
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

fn by<'a>(trace_id: Option<&'a str>, token_id: Option<&'a str>) -> Belonging<'a> {
    Belonging { trace_id, token_id }
}

#[tokio::test(start_paused = true)]
async fn a_call_belongs_by_its_trace_before_its_token() {
    let (journal, trace) = (Journal::default(), TraceId::random());
    let first = journal.begin(invocation(&trace), vec!["app".into()]);
    let second = journal.begin(invocation(&TraceId::random()), vec!["app".into()]);
    let now = Instant::now();
    journal.record(call("/a"), now, by(Some(trace.as_str()), Some("app")));
    journal.record(call("/b"), now, by(None, Some("app")));
    journal.record(call("/c"), now, by(Some("unknown"), None));
    assert_eq!(journal.get(first).unwrap().calls[0].path, "/a");
    assert_eq!(journal.get(second).unwrap().calls[0].path, "/b");
    assert_eq!(journal.strays()[0].path, "/c");
}

#[tokio::test(start_paused = true)]
async fn calls_stand_in_the_order_of_their_start() {
    let (journal, trace) = (Journal::default(), TraceId::random());
    let id = journal.begin(invocation(&trace), Vec::new());
    let began = Instant::now();
    tokio::time::advance(Duration::from_millis(5)).await;
    let belongs = by(Some(trace.as_str()), None);
    journal.record(call("/late"), Instant::now(), belongs);
    journal.record(call("/early"), began, belongs);
    let paths: Vec<_> = journal
        .get(id)
        .unwrap()
        .calls
        .into_iter()
        .map(|c| c.path)
        .collect();
    assert_eq!(paths, ["/early", "/late"]);
}

#[test]
fn an_exchanged_token_leads_back_to_the_invocation_it_was_made_for() {
    let journal = Journal::default();
    let id = journal.begin(invocation(&TraceId::random()), vec!["app".into()]);
    journal.hand_out("priya".into(), by(None, Some("app")));
    journal.record(call("/p"), Instant::now(), by(None, Some("priya")));
    assert_eq!(journal.get(id).unwrap().calls.len(), 1);
}

#[test]
fn what_is_under_way_is_never_forgotten() {
    let journal = Journal::default();
    let first = journal.begin(invocation(&TraceId::random()), Vec::new());
    for _ in 0..=MAX_INVOCATIONS {
        let id = journal.begin(invocation(&TraceId::random()), Vec::new());
        journal.finish(id, |entry| {
            entry.settlement = Settlement::Resolved { status: 200 }
        });
    }
    assert!(journal.finish(first, |_| ()).is_some());
}

#[test]
fn the_journal_forgets_the_oldest() {
    let journal = Journal::default();
    let trace = TraceId::random();
    for _ in 0..=MAX_INVOCATIONS {
        let id = journal.begin(invocation(&trace), Vec::new());
        journal.finish(id, |entry| {
            entry.settlement = Settlement::Resolved { status: 200 }
        });
    }
    assert_eq!(journal.newest_first().len(), MAX_INVOCATIONS);
    assert!(journal.get(1).is_none());
    for _ in 0..=MAX_CALLS {
        journal.record(call("/"), Instant::now(), by(None, None));
        journal.record(call("/"), Instant::now(), by(Some(trace.as_str()), None));
    }
    assert_eq!(journal.strays().len(), MAX_CALLS);
    assert_eq!(journal.newest_first()[0].calls.len(), MAX_CALLS);
}
