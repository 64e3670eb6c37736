//! SIGTERM at work and under load.

use std::time::Duration;

use crate::support::{load::Load, place::Place, remote::Serve, site::Site};

/// The inbox takes twenty at the most, and whoever runs containers waits for thirty before
/// they are killed.
const LIMIT: Duration = Duration::from_secs(30);
/// Of eight workers.
const NEVER_ENDING: usize = 3;

/// The lease is longer than the test: what is taken up again was given back.
async fn nothing_is_lost_and_jobs_at_work_are_finished_or_given_back(place: Place) {
    let site = Site::start(Duration::from_millis(100)).await;
    let serve = Serve::new(&place, &site).set("INBOX__LEASE_SECONDS", "3600");
    let load = Load::default();
    site.hold(NEVER_ENDING);
    let mut remote = serve.start().await;
    let senders = load.on(&remote, 8);
    load.reaches(60).await;
    site.until("jobs are at work", |seen| seen.held.len() == NEVER_ENDING)
        .await;
    remote.terminate();
    let status = remote.ended(LIMIT).await;
    assert!(status.success(), "{status}");
    senders.join_all().await;

    let acknowledged = load.acknowledged();
    let _remote = serve.start().await;
    site.until("the change of every acknowledged page is written", |seen| {
        seen.has_all(&acknowledged)
    })
    .await;
    let seen = site.seen();
    // All others that were at work had the time to finish, and that is known.
    let mut given_back = seen.held.clone();
    given_back.sort_unstable();
    assert_eq!(seen.read_again(), given_back);
    assert_eq!(seen.read_by_two_at_once(), [""; 0]);
}

#[tokio::test]
async fn nothing_is_lost_and_jobs_at_work_are_finished_or_given_back_to_sqlite() {
    nothing_is_lost_and_jobs_at_work_are_finished_or_given_back(Place::sqlite()).await;
}

#[tokio::test]
async fn nothing_is_lost_and_jobs_at_work_are_finished_or_given_back_to_postgresql() {
    nothing_is_lost_and_jobs_at_work_are_finished_or_given_back(Place::postgres().await).await;
}
