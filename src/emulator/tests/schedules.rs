//! Scheduled triggers, by themselves and on demand.

use std::{num::NonZeroU32, time::Duration};

use serde_json::json;

use super::{
    remote::{Remote, Reply, claims, fast, settled},
    *,
};

const LIMIT: Duration = Duration::from_secs(10);

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
