//! Events against remotes that are good, slow, failing and flapping.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, routing::any};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::*;
use crate::emulator::world::{BOT, JONAS, MIRA};

const LIMIT: Duration = Duration::from_secs(10);
const UPDATED: &str = "avi:confluence:updated:page";

/// What came to a remote.
#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// A remote that answers from a list, 202 when it is empty, and remembers what came.
#[derive(Clone, Default)]
pub(super) struct Remote {
    answers: Arc<Mutex<VecDeque<Reply>>>,
    came: Arc<Mutex<Vec<Came>>>,
}

#[derive(Clone)]
pub(super) enum Reply {
    Status(u16, &'static str),
    Never,
}

impl Remote {
    pub(super) fn answering(answers: impl IntoIterator<Item = Reply>) -> Self {
        let answers: VecDeque<_> = answers.into_iter().collect();
        Self {
            answers: Arc::new(Mutex::new(answers)),
            came: Arc::default(),
        }
    }

    pub(super) fn router(&self) -> Router {
        let remote = self.clone();
        Router::new().fallback(any(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let remote = remote.clone();
            async move { remote.answer(&uri, headers, &body).await }
        }))
    }

    async fn answer(&self, uri: &Uri, headers: HeaderMap, body: &Bytes) -> (StatusCode, String) {
        self.came.lock().unwrap().push(Came {
            path: uri.to_string(),
            headers,
            body: serde_json::from_slice(body).unwrap_or_default(),
        });
        let reply = self.answers.lock().unwrap().pop_front();
        match reply {
            Some(Reply::Never) => std::future::pending().await,
            Some(Reply::Status(status, body)) => {
                (StatusCode::from_u16(status).unwrap(), body.to_owned())
            }
            None => (
                StatusCode::ACCEPTED,
                r#"{"id":"1","duplicate":false}"#.into(),
            ),
        }
    }

    pub(super) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }
}

/// A minute of the platform takes 6 ms, and nothing fires unasked.
pub(super) fn fast(settings: &mut Settings) {
    settings.speed = 10_000.0;
    settings.schedules_run = false;
    settings.event_limit = Duration::from_millis(200);
    settings.uninstall_limit = Duration::from_millis(300);
}

pub(super) async fn settled(played: &Played, fired: &[Delivery]) -> Vec<Delivery> {
    let mut settled = Vec::new();
    for delivery in fired {
        let found = played.running.settled(delivery.id, LIMIT).await;
        settled.push(found.expect("a delivery that is settled in time"));
    }
    settled
}

async fn fired(played: &Played, event: &FireEvent) -> Vec<Delivery> {
    settled(played, &played.running.fire_event(event).unwrap()).await
}

fn claims(came: &Came) -> Value {
    let fit = came.headers["authorization"].to_str().unwrap();
    let payload = fit.strip_prefix("Bearer ").unwrap().split('.').nth(1);
    let payload = base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        payload.unwrap(),
    );
    serde_json::from_slice(&payload.unwrap()).unwrap()
}

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

#[tokio::test]
async fn every_template_makes_an_event_of_the_site() {
    let remote = Remote::default();
    let names: Vec<_> = crate::emulator::events::templates().collect();
    let (folder, manifest) = manifest_with(&names);
    let played = Played::with(remote.router(), |settings| {
        fast(settings);
        settings.manifest = manifest;
    })
    .await;
    for name in &names {
        let mut event = FireEvent::new(*name);
        let jira = name.starts_with("avi:jira:");
        event.subject = Some(if jira { "QUA-18" } else { "5341191" }.into());
        let delivery = fired(&played, &event).await.remove(0);
        assert_eq!(delivery.state, DeliveryState::Delivered, "{name}");
        let body = remote.came().pop().unwrap().body;
        assert_eq!(body["eventType"], *name);
        assert_eq!(body["selfGenerated"], false);
        if jira {
            assert_eq!(body["issue"]["id"], "10043", "{name}");
            let milliseconds: i64 = body["timestamp"].as_str().unwrap().parse().unwrap();
            assert!(milliseconds > 1_600_000_000_000, "{name}");
        } else if name.ends_with(":comment") {
            assert_eq!(body["content"]["container"]["id"], 5_341_191, "{name}");
        } else {
            assert_eq!(body["content"]["title"], "On-call handbook", "{name}");
        }
    }
    let status = |name: &str| {
        let came = remote.came();
        let came = came.iter().find(|came| came.body["eventType"] == name);
        came.unwrap().body["content"]["status"].clone()
    };
    assert_eq!(status("avi:confluence:trashed:page"), "trashed");
    assert_eq!(status("avi:confluence:created:page"), "current");
    drop(folder);
}

/// The app's manifest with a trigger for these events; Jira's ignore what the app caused itself.
fn manifest_with(events: &[&str]) -> (TempDir, std::path::PathBuf) {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml"));
    let mut text = text.unwrap().replace("    - key: page-events\n      endpoint: events-endpoint\n      events:\n        - avi:confluence:created:page\n        - avi:confluence:updated:page\n", "");
    let of = |jira: bool| {
        let events = events
            .iter()
            .filter(|it| it.starts_with("avi:jira:") == jira);
        events
            .map(|it| format!("        - {it}\n"))
            .collect::<String>()
    };
    let triggers = format!(
        "  trigger:\n    - key: confluence-events\n      endpoint: events-endpoint\n      events:\n{}    - key: jira-events\n      endpoint: events-endpoint\n      filter: {{ignoreSelf: true}}\n      events:\n{}",
        of(false),
        of(true)
    );
    text = text.replace("  trigger:\n", &triggers);
    text = text.replace(
        "    storage:app: {}\n",
        "    storage:app: {}\n    write:confluence-content: {}\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.yml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[tokio::test]
async fn what_the_app_caused_itself_says_so_or_is_dropped() {
    let remote = Remote::default();
    let (_folder, manifest) = manifest_with(&[UPDATED, "avi:jira:updated:issue"]);
    let played = Played::with(remote.router(), |settings| {
        fast(settings);
        settings.manifest = manifest;
    })
    .await;
    let mut event = FireEvent::new(UPDATED);
    event.self_generated = true;
    fired(&played, &event).await;
    let body = &remote.came()[0].body;
    assert_eq!(
        (&body["selfGenerated"], &body["atlassianId"]),
        (&json!(true), &json!(BOT))
    );
    event.event_type = "avi:jira:updated:issue".into();
    assert_eq!(
        played.running.fire_event(&event).unwrap_err(),
        FireError::IgnoredSelf
    );
    event.self_generated = false;
    assert_eq!(fired(&played, &event).await.len(), 1);
}

#[tokio::test]
async fn a_schedule_runs_by_itself_and_on_demand_and_sometimes_twice() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), |settings| {
        fast(settings);
        settings.schedules_run = true;
        settings.duplicate_every = NonZeroU32::new(2);
    })
    .await;
    assert_eq!(played.running.schedule_keys(), ["digest-hourly"]);
    let runs = played.running.wait_for(LIMIT, |running| {
        let deliveries = running.deliveries();
        let settled = deliveries.iter().filter(|it| it.state.is_settled()).count();
        (settled >= 3).then_some(deliveries)
    });
    let runs = runs.await.expect("three runs");
    assert!(runs.iter().all(|run| run.occasion == Occasion::Schedule));
    let came = &remote.came()[0];
    assert_eq!(came.path, "/forge/scheduled/digest-hourly");
    assert_eq!(came.body, json!({}));
    assert_eq!(claims(came)["app"]["module"]["key"], "hourly-endpoint");
    assert!(claims(came).get("principal").is_none());
    let now = played.running.fire_schedule("digest-hourly").unwrap();
    settled(&played, &[now]).await;
    let unknown = played.running.fire_schedule("other").unwrap_err();
    assert_eq!(unknown, FireError::UnknownSchedule("other".into()));
}

#[tokio::test]
async fn a_schedule_is_not_tried_again_where_the_platform_does_not() {
    let remote = Remote::answering([Reply::Status(500, "{}"), Reply::Status(500, "{}")]);
    let played = Played::with(remote.router(), |settings| {
        settings.schedules_retried = false;
    })
    .await;
    let run = played.running.fire_schedule("digest-hourly").unwrap();
    let run = settled(&played, &[run]).await.remove(0);
    assert_eq!((run.state, run.attempts.len()), (DeliveryState::Dropped, 1));
}
