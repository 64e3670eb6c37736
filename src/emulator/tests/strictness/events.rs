//! Events, against remotes that do not take them as they should.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    broken,
    scripted::{Came, Says, Scripted},
    *,
};

const UPDATED: &str = "avi:confluence:updated:page";
pub(super) const MINUTE: Duration = Duration::from_mins(1);
/// Longer than all that comes after a failure.
const LONG: Duration = Duration::from_hours(1);
const JSON: Option<&str> = Some("application/json");

/// Nothing runs by itself; all limits and pauses are the platform's own.
pub(super) async fn played(remote: &Scripted) -> Played {
    Played::with(Router::new(), |settings| {
        settings.remote = remote.url.clone();
        settings.schedules_run = false;
    })
    .await
}

pub(super) async fn settled(played: &Played, delivery: &Delivery) -> Delivery {
    let settled = played.running.settled(delivery.id, LONG).await;
    settled.expect("it is settled within the hour")
}

/// What a remote does, the reason that it is told with what comes again, the rule that the
/// console names, and how long after one request the next one comes.
type Row = (&'static str, Says, &'static str, &'static str, Duration);

pub(super) const INVALID: &str = "INVALID_REMOTE_INVOCATION_ERROR";
pub(super) const TIMEOUT: &str = "TIMEOUT_ERROR";
const UNVERIFIED: &str = "INVALID_FORGE_INVOCATION_TOKEN";

/// The limit, and the pause after it.
pub(super) const LATE: Duration = Duration::from_secs(65);

fn refusals() -> Vec<Row> {
    let later =
        "HTTP/1.1 503 Later\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let moved = "HTTP/1.1 308 Moved\r\nlocation: /forge/events/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    vec![
        (
            "an error",
            Says::status(500),
            INVALID,
            "acknowledged",
            MINUTE,
        ),
        (
            "a page",
            Says::answer(502, Some("text/html"), "<p>"),
            INVALID,
            "error-content-type",
            MINUTE,
        ),
        (
            "no such path",
            Says::status(404),
            INVALID,
            "acknowledged",
            MINUTE,
        ),
        (
            "a redirect",
            Says::text(moved),
            INVALID,
            "no-redirect",
            MINUTE,
        ),
        (
            "401",
            Says::status(401),
            UNVERIFIED,
            "unauthorized-means-fit",
            MINUTE,
        ),
        // The remote has no say in when it comes again.
        (
            "a wish for another time",
            Says::text(later),
            INVALID,
            "acknowledged",
            MINUTE,
        ),
    ]
}

fn breaks() -> Vec<Row> {
    let half = "HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n{";
    vec![
        ("no answer", Says::never(), TIMEOUT, "in-time", LATE),
        (
            "an answer that does not end",
            Says::Stalls(half.into()),
            TIMEOUT,
            "in-time",
            LATE,
        ),
        ("a reset", Says::Resets, INVALID, "reachable", MINUTE),
        (
            "an end without a word",
            Says::text(""),
            INVALID,
            "reachable",
            MINUTE,
        ),
        (
            "half an answer",
            Says::text(half),
            INVALID,
            "reachable",
            MINUTE,
        ),
    ]
}

/// Five requests at their times, with what happened told in each but the first.
fn comes_four_times_more(name: &str, came: &[Came], reason: &str, every: Duration) {
    assert_eq!(came.len(), 5, "{name}");
    for (count, came) in came.iter().enumerate() {
        let told = match count {
            0 => Value::Null,
            _ => json!({"retryCount": count, "retryReason": reason, "retryData": null}),
        };
        assert_eq!(came.body["retryContext"], told, "{name}");
    }
    for pair in came.windows(2) {
        let between = pair[1].at - pair[0].at;
        assert!(
            between >= every && between < every + Duration::from_secs(1),
            "{name}: {between:?}"
        );
    }
}

async fn an_event_comes_again(rows: Vec<Row>) {
    for (name, says, reason, rule, every) in rows {
        let remote = Scripted::saying([says]).await;
        let played = played(&remote).await;
        let fired = played
            .running
            .fire_event(&FireEvent::new(UPDATED))
            .unwrap()
            .remove(0);
        let delivery = settled(&played, &fired).await;
        assert_eq!(delivery.state, DeliveryState::Dropped, "{name}");
        for attempt in &delivery.attempts {
            assert!(
                broken(&attempt.verdict).contains(&rule),
                "{name}: {:?}",
                attempt.verdict
            );
            let failure = attempt.failure.map(RetryReason::as_str);
            assert_eq!(failure, Some(reason), "{name}");
        }
        tokio::time::sleep(LONG).await;
        comes_four_times_more(name, &remote.came(), reason, every);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_taken_comes_again_each_minute_four_times_with_the_reason() {
    an_event_comes_again(refusals()).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_answered_within_5_seconds_comes_again_as_late() {
    an_event_comes_again(breaks()).await;
}

#[tokio::test(start_paused = true)]
async fn each_redelivery_tells_of_the_attempt_before_it() {
    let script = [
        Says::never(),
        Says::status(401),
        Says::status(500),
        Says::Resets,
        Says::status(202),
    ];
    let remote = Scripted::saying(script).await;
    let played = played(&remote).await;
    let fired = played
        .running
        .fire_event(&FireEvent::new(UPDATED))
        .unwrap()
        .remove(0);
    let delivery = settled(&played, &fired).await;
    assert_eq!(delivery.state, DeliveryState::Delivered, "the fifth time");
    let came = remote.came();
    let reasons = came
        .iter()
        .map(|it| it.body["retryContext"]["retryReason"].as_str());
    assert!(reasons.eq([
        None,
        Some(TIMEOUT),
        Some(UNVERIFIED),
        Some(INVALID),
        Some(INVALID)
    ]));
}

/// The counterpart: nobody reads the body of a success, and it comes once.
#[tokio::test(start_paused = true)]
async fn any_success_in_time_takes_an_event_off_the_platforms_hands() {
    for says in [
        Says::answer(200, JSON, "{}"),
        Says::answer(202, None, ""),
        Says::answer(204, None, ""),
        Says::answer(200, Some("text/html"), "<p>thanks"),
    ] {
        let remote = Scripted::saying([says]).await;
        let played = played(&remote).await;
        let fired = played
            .running
            .fire_event(&FireEvent::new(UPDATED))
            .unwrap()
            .remove(0);
        let delivery = settled(&played, &fired).await;
        assert_eq!(delivery.state, DeliveryState::Delivered);
        assert!(broken(&delivery.attempts[0].verdict).is_empty());
        tokio::time::sleep(LONG).await;
        assert_eq!(remote.came().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_over_200_kb_a_foreign_one_and_the_apps_own_are_not_delivered() {
    let remote = Scripted::saying([Says::status(202)]).await;
    let played = played(&remote).await;
    let mut event = FireEvent::new(UPDATED);
    // With the type, the quotes and the braces: one byte too many.
    let around = json!({"eventType": UPDATED, "text": ""}).to_string().len();
    event.body = Some(json!({"text": "x".repeat(200_001 - around)}));
    assert_eq!(
        played.running.fire_event(&event).unwrap_err(),
        FireError::TooLarge
    );
    event.body = Some(json!({"text": "x".repeat(200_000 - around)}));
    let fired = played.running.fire_event(&event).unwrap().remove(0);
    assert_eq!(
        settled(&played, &fired).await.state,
        DeliveryState::Delivered
    );
    let foreign = FireEvent::new("avi:jira:created:issue");
    let foreign = played.running.fire_event(&foreign).unwrap_err();
    assert!(matches!(foreign, FireError::NotSubscribed(_)));
    assert_eq!(remote.came().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_apps_own_events_are_kept_from_a_trigger_that_ignores_them() {
    let trigger = "    - key: own-issues\n      endpoint: events-endpoint\n      events: [avi:jira:updated:issue]\n      filter: {ignoreSelf: true}\n  scheduledTrigger:\n";
    let (_folder, path) = manifest("  scheduledTrigger:\n", trigger);
    let remote = Scripted::saying([Says::status(202)]).await;
    let played = Played::with(Router::new(), |settings| {
        settings.remote = remote.url.clone();
        settings.manifest = path;
        settings.schedules_run = false;
    })
    .await;
    let mut event = FireEvent::new("avi:jira:updated:issue");
    event.self_generated = true;
    assert_eq!(
        played.running.fire_event(&event).unwrap_err(),
        FireError::IgnoredSelf
    );
    event.self_generated = false;
    let fired = played.running.fire_event(&event).unwrap().remove(0);
    assert_eq!(
        settled(&played, &fired).await.state,
        DeliveryState::Delivered
    );
}
