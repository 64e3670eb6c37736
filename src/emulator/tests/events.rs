//! Events against remotes that are good, slow, failing and flapping.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    remote::{Remote, Reply, claims, fast, fired},
    *,
};
use crate::emulator::world::{JONAS, MIRA};

const LIMIT: Duration = Duration::from_secs(10);
const UPDATED: &str = "avi:confluence:updated:page";

#[tokio::test]
async fn an_event_arrives_flat_with_a_fit_and_the_apps_token_and_nobody_in_session() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    let deliveries = fired(&played, &FireEvent::new(UPDATED)).await;
    assert_eq!(deliveries[0].state, DeliveryState::Delivered);
    let came = &remote.came()[0];
    assert_eq!(came.path, "/forge/events");
    assert_eq!(came.headers["content-type"], "application/json");
    assert_eq!(came.headers["x-forge-oauth-system"], played.app_token());
    assert!(!came.headers.contains_key("x-forge-oauth-user"));
    let trace = came.headers["x-b3-traceid"].to_str().unwrap();
    assert_eq!(trace, deliveries[0].attempts[0].trace_id.as_str());
    assert!(came.headers.contains_key("x-b3-spanid"));
    let claims = claims(came);
    assert!(claims.get("principal").is_none() && claims.get("context").is_none());
    assert_eq!(claims["app"]["module"]["type"], "core:endpoint");
    assert_eq!(claims["app"]["module"]["key"], "events-endpoint");
    assert_eq!(came.body["eventType"], UPDATED);
    assert_eq!(came.body["atlassianId"], MIRA);
    assert_eq!(came.body["content"]["id"], world::PAGES[0].id);
    assert_eq!(came.body["content"]["space"]["id"], 65538);
    assert!(came.body.get("retryContext").is_none());
    let kept = format!("{:?}", deliveries[0]);
    assert!(!kept.contains(&played.app_token()), "tokens are masked");
}

#[tokio::test]
async fn what_fails_comes_again_four_times_with_the_reason_and_is_dropped() {
    let remote = Remote::answering([
        Reply::Status(500, "{}"),
        Reply::Never,
        Reply::Status(401, "{}"),
        Reply::Status(302, ""),
        Reply::Status(503, "{}"),
    ]);
    let played = Played::with(remote.router(), fast).await;
    let delivery = fired(&played, &FireEvent::new(UPDATED)).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Dropped);
    let came = remote.came();
    assert_eq!(came.len(), 5);
    let contexts: Vec<_> = came
        .iter()
        .map(|it| it.body["retryContext"].clone())
        .collect();
    let context = |count: u32, reason: &str| json!({"retryCount": count, "retryReason": reason, "retryData": null});
    assert_eq!(
        contexts,
        [
            Value::Null,
            context(1, "INVALID_REMOTE_INVOCATION_ERROR"),
            context(2, "TIMEOUT_ERROR"),
            context(3, "INVALID_FORGE_INVOCATION_TOKEN"),
            context(4, "INVALID_REMOTE_INVOCATION_ERROR"),
        ]
    );
    // All else stays the same, so that a digest of it tells the same event.
    let mut bodies: Vec<_> = came.into_iter().map(|it| it.body).collect();
    for body in &mut bodies {
        body.as_object_mut().unwrap().remove("retryContext");
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let broken = |attempt: &Attempt| {
        let findings = attempt.verdict.iter();
        findings
            .filter(|it| !it.passed)
            .map(|it| it.rule)
            .collect::<Vec<_>>()
    };
    assert!(broken(&delivery.attempts[0]).contains(&"acknowledged"));
    assert!(broken(&delivery.attempts[1]).contains(&"in-time"));
    assert!(broken(&delivery.attempts[2]).contains(&"unauthorized-means-fit"));
    assert!(broken(&delivery.attempts[3]).contains(&"no-redirect"));
}

#[tokio::test]
async fn a_remote_that_recovers_gets_it_once_more_and_no_oftener() {
    let remote = Remote::answering([Reply::Status(503, "{}"), Reply::Status(204, "")]);
    let played = Played::with(remote.router(), fast).await;
    let delivery = fired(&played, &FireEvent::new(UPDATED)).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(delivery.attempts.len(), 2);
    assert_ne!(delivery.attempts[0].trace_id, delivery.attempts[1].trace_id);
    assert!(
        delivery.attempts[1]
            .verdict
            .iter()
            .all(|finding| finding.passed)
    );
    assert_eq!(remote.came().len(), 2);
}

#[tokio::test]
async fn a_remote_that_is_down_counts_as_one_that_fails() {
    let played = Played::with(Router::new(), |settings| {
        fast(settings);
        settings.remote = "http://127.0.0.1:9".parse().unwrap();
    })
    .await;
    let delivery = fired(&played, &FireEvent::new(UPDATED)).await.remove(0);
    assert_eq!(delivery.attempts.len(), 5);
    let reasons = delivery.attempts.iter().map(|attempt| attempt.failure);
    assert!(reasons.eq([Some(RetryReason::InvalidRemoteInvocation); 5]));
}

#[tokio::test]
async fn a_burst_has_events_of_their_own_and_a_duplicate_has_not() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    let mut event = FireEvent::new(UPDATED);
    event.burst = 5;
    event.duplicate = true;
    assert_eq!(fired(&played, &event).await.len(), 10);
    let bodies = remote.came().into_iter().map(|it| it.body.to_string());
    let mut times = std::collections::BTreeMap::<_, u32>::new();
    bodies.for_each(|body| *times.entry(body).or_default() += 1);
    assert!(times.into_values().eq([2; 5]));
    for burst in [0, 101] {
        event.burst = burst;
        assert_eq!(
            played.running.fire_event(&event).unwrap_err(),
            FireError::Burst
        );
    }
}

#[tokio::test]
async fn a_body_is_wrapped_by_switch() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), |settings| {
        fast(settings);
        settings.wrapped_events = true;
    })
    .await;
    let mut event = FireEvent::new(UPDATED);
    fired(&played, &event).await;
    event.wrapped = Some(false);
    fired(&played, &event).await;
    let came = remote.came();
    assert_eq!(came[0].body["payload"]["eventType"], UPDATED);
    assert_eq!(came[1].body["eventType"], UPDATED);
}

#[tokio::test]
async fn what_the_platform_would_not_deliver_is_refused() {
    let played = Played::with(Remote::default().router(), fast).await;
    let refused = |change: &dyn Fn(&mut FireEvent)| {
        let mut event = FireEvent::new(UPDATED);
        change(&mut event);
        played.running.fire_event(&event).unwrap_err()
    };
    let body = |length: usize| json!({"content": "x".repeat(length)});
    assert_eq!(
        refused(&|it| it.event_type = "avi:jira:created:issue".into()),
        FireError::NotSubscribed("avi:jira:created:issue".into())
    );
    assert_eq!(
        refused(&|it| it.subject = Some("7".into())),
        FireError::UnknownSubject
    );
    assert_eq!(
        refused(&|it| it.user = Some("nobody".into())),
        FireError::UnknownUser
    );
    assert_eq!(refused(&|it| it.body = Some(json!([1]))), FireError::Body);
    assert_eq!(
        refused(&|it| it.body = Some(body(200_000))),
        FireError::TooLarge
    );
    assert_eq!(
        refused(&|it| it.delay = Duration::from_secs(181)),
        FireError::Delay
    );
    assert!(played.running.deliveries().is_empty());
    let mut event = FireEvent::new(UPDATED);
    event.body = Some(body(199_000));
    assert!(played.running.fire_event(&event).is_ok());
}

#[tokio::test]
async fn the_calls_of_a_job_are_found_long_after_its_answer() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    let mut event = FireEvent::new(UPDATED);
    event.user = Some(JONAS.into());
    let first = fired(&played, &event).await.remove(0);
    // Another one uses the same token in between.
    let second = fired(&played, &event).await.remove(0);
    let waits = played.running.wait_for(LIMIT, |running| {
        let delivery = running.delivery(first.id)?;
        (!delivery.calls.is_empty()).then_some(delivery)
    });
    let job = async {
        let url = played.api("confluence", "/wiki/api/v2/pages/5341185");
        let request = played.http.get(url).bearer_auth(played.app_token());
        let trace = first.attempts[0].trace_id.as_str();
        request.header("x-b3-traceid", trace).send().await.unwrap()
    };
    let (found, _) = tokio::join!(waits, job);
    let found = found.expect("the job's call");
    assert_eq!(found.calls[0].path.rsplit('/').next(), Some("5341185"));
    assert_eq!(found.calls[0].identity, Identity::App);
    assert!(played.running.delivery(second.id).unwrap().calls.is_empty());
    // Without a trace it belongs to whoever was given the token last.
    played
        .get(
            &played.app_token(),
            &played.api("confluence", "/wiki/api/v2/pages/5341185"),
        )
        .await;
    assert_eq!(played.running.delivery(second.id).unwrap().calls.len(), 1);
}

#[tokio::test]
async fn a_wait_ends_at_its_limit() {
    let played = Played::start().await;
    let found = played
        .running
        .wait_for(Duration::from_millis(20), |running| running.delivery(1));
    assert!(found.await.is_none());
    assert!(played.running.settled(1, LIMIT).await.is_none());
}

#[tokio::test]
async fn no_more_is_fired_than_can_be_remembered() {
    let played = Played::start().await;
    let mut event = FireEvent::new(UPDATED);
    event.burst = 100;
    event.delay = Duration::from_mins(3);
    for _ in 0..5 {
        played.running.fire_event(&event).unwrap();
    }
    let deliveries = played.running.deliveries();
    assert_eq!((deliveries[0].id, deliveries[499].id), (500, 1));
    assert_eq!(
        played.running.fire_event(&event).unwrap_err(),
        FireError::TooMany
    );
    let stage = Arc::clone(&played.running.stage);
    played.running.stop().await;
    // What waits ends with the emulator.
    let last = tokio::time::timeout(LIMIT, stage.journal.settled(500)).await;
    assert_eq!(last.unwrap().unwrap().state, DeliveryState::Abandoned);
}
