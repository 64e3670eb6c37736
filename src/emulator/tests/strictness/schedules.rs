//! Ticks of scheduled triggers, against remotes that do not take them as they should.

use std::time::Duration;

use serde_json::json;

use super::{
    broken,
    events::{INVALID, LATE, MINUTE, TIMEOUT, played, settled},
    scripted::{Says, Scripted},
    *,
};

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_not_taken_comes_again_like_an_event() {
    for (name, says, reason, rule, every) in [
        (
            "an error",
            Says::status(500),
            INVALID,
            "acknowledged",
            MINUTE,
        ),
        ("no answer", Says::never(), TIMEOUT, "in-time", LATE),
    ] {
        let remote = Scripted::saying([says]).await;
        let played = played(&remote).await;
        let fired = played.running.fire_schedule("digest-hourly").unwrap();
        let run = settled(&played, &fired).await;
        assert_eq!(
            (run.state, run.attempts.len()),
            (DeliveryState::Dropped, 5),
            "{name}"
        );
        assert!(broken(&run.attempts[4].verdict).contains(&rule), "{name}");
        assert_eq!(
            run.attempts[4].failure.map(RetryReason::as_str),
            Some(reason),
            "{name}"
        );
        let came = remote.came();
        assert!(
            came.windows(2).all(|pair| pair[1].at - pair[0].at >= every),
            "{name}"
        );
        // No source tells what its body is: the least that a remote must cope with.
        assert!(came.iter().all(|came| came.body == json!({})), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_schedule_is_due_after_5_minutes_and_then_once_in_its_interval() {
    let remote = Scripted::saying([Says::status(202)]).await;
    let began = tokio::time::Instant::now();
    let played = Played::with(Router::new(), |settings| {
        settings.remote = remote.url.clone();
    })
    .await;
    tokio::time::sleep(Duration::from_hours(4)).await;
    let came = remote.came();
    let first = came[0].at - began;
    assert!(
        first >= 5 * MINUTE && first < 5 * MINUTE + Duration::from_secs(1),
        "{first:?}"
    );
    let hours: Vec<_> = came[1..]
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    assert!(hours.len() >= 2, "{hours:?}");
    for hour in hours {
        assert!(
            hour.abs_diff(60 * MINUTE) < Duration::from_secs(1),
            "{hour:?}"
        );
    }
    assert_eq!(came[0].line(), "POST /forge/scheduled/digest-hourly");
    drop(played);
}
