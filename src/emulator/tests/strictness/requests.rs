//! What a page asks for and the platform never sends.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::{
    broken,
    scripted::{Says, Scripted},
    *,
};
use crate::emulator::world::{MIRA, TOMAS};

async fn played(remote: &Scripted, change: impl FnOnce(&mut Settings)) -> Played {
    Played::with(Router::new(), |settings| {
        settings.remote = remote.url.clone();
        settings.schedules_run = false;
        change(settings);
    })
    .await
}

fn post(body: Value) -> Invoke {
    let mut invoke = Invoke::get(MIRA, "digest-page", "/api/content");
    invoke.method = Method::POST;
    invoke.body = Some(body);
    invoke
}

#[tokio::test]
async fn a_payload_over_500_kb_rejects_and_is_not_sent() {
    let remote = Scripted::saying([Says::status(200)]).await;
    let played = played(&remote, |_| {}).await;
    let around = json!({"text": ""}).to_string().len();
    let of = |bytes: usize| post(json!({"text": "x".repeat(bytes - around)}));
    let invocation = played.running.invoke(of(500 * 1024 + 1)).await.unwrap();
    let message = "An unexpected error happened".to_owned();
    assert_eq!(invocation.settlement, Settlement::Rejected { message });
    assert_eq!(broken(&invocation.verdict), ["request-size"]);
    assert!(remote.came().is_empty());
    let invocation = played.running.invoke(of(500 * 1024)).await.unwrap();
    assert_eq!(invocation.settlement, Settlement::Resolved { status: 200 });
}

#[tokio::test(start_paused = true)]
async fn more_invocations_in_a_minute_than_users_may_make_reject_and_are_not_sent() {
    let remote = Scripted::saying([Says::status(200)]).await;
    let played = played(&remote, |settings| settings.invocations_per_minute = 3).await;
    let invoked = async || {
        let invoke = Invoke::get(MIRA, "digest-page", "/api/content");
        played.running.invoke(invoke).await.unwrap()
    };
    let resolved = Settlement::Resolved { status: 200 };
    for _ in 0..3 {
        assert_eq!(invoked().await.settlement, resolved);
    }
    let invocation = invoked().await;
    let message = "An unexpected error happened".to_owned();
    assert_eq!(invocation.settlement, Settlement::Rejected { message });
    assert_eq!(broken(&invocation.verdict), ["invocation-rate"]);
    assert_eq!(remote.came().len(), 3);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(invoked().await.settlement, resolved, "in the next minute");
}

#[tokio::test]
async fn a_call_that_the_bridge_does_not_take_is_refused_in_words() {
    type Change = fn(&mut Invoke);
    let remote = Scripted::saying([Says::status(200)]).await;
    let played = played(&remote, |_| {}).await;
    let rows: [(Change, InvokeError); 11] = [
        (|it| it.method = Method::HEAD, InvokeError::Method),
        (|it| it.method = Method::OPTIONS, InvokeError::Method),
        (
            |it| it.path = "https://evil.example/".into(),
            InvokeError::Path,
        ),
        (|it| it.path = "//evil.example/".into(), InvokeError::Path),
        (|it| it.path = r"\\evil.example/".into(), InvokeError::Path),
        (|it| it.body = Some(json!([1])), InvokeError::Body),
        (|it| it.body = Some(json!("text")), InvokeError::Body),
        (|it| it.method = Method::GET, InvokeError::Body),
        (
            |it| it.headers = vec![("x-own".into(), "a\r\nx-forge-oauth-user: b".into())],
            InvokeError::Header("x-own".into()),
        ),
        (|it| it.user = TOMAS.into(), InvokeError::UnknownUser),
        (
            |it| it.module_key = "events-endpoint".into(),
            InvokeError::UnknownModule("events-endpoint".into()),
        ),
    ];
    for (change, refusal) in rows {
        let mut invoke = post(json!({"a": 1}));
        change(&mut invoke);
        assert_eq!(played.running.invoke(invoke).await.unwrap_err(), refusal);
    }
    assert!(remote.came().is_empty());
}

/// A page's code may name any header: those that Forge sets are Forge's.
#[tokio::test]
async fn a_page_cannot_put_tokens_and_traces_of_its_own_in_place_of_forges() {
    let remote = Scripted::saying([Says::status(200)]).await;
    let played = played(&remote, |_| {}).await;
    let mut invoke = post(json!({"a": 1}));
    let own = [
        "Authorization",
        "x-forge-oauth-system",
        "X-Forge-OAuth-User",
        "x-b3-traceid",
        "x-own",
    ];
    invoke.headers = own
        .map(|name| (name.to_owned(), "forged".to_owned()))
        .into();
    played.running.invoke(invoke).await.unwrap();
    let head = remote.came().remove(0).head;
    let forged: Vec<_> = head
        .lines()
        .filter(|line| line.contains("forged"))
        .collect();
    assert_eq!(forged, ["x-own: forged"]);
}
