//! kill -9 at work and under load, several times in a row.

use std::time::Duration;

use crate::support::{load::Load, place::Place, remote::Serve, site::Site};

const ROUNDS: usize = 3;
/// Pages that are being read whenever it is killed: half of the workers have one.
const AT_WORK: usize = 4;

async fn every_acknowledged_event_is_handled(place: Place) {
    let site = Site::start(Duration::from_millis(5)).await;
    let serve = Serve::new(&place, &site).set("INBOX__LEASE_SECONDS", "10");
    let load = Load::default();
    for round in 1..=ROUNDS {
        site.hold(AT_WORK);
        let mut remote = serve.start().await;
        let senders = load.on(&remote, 8);
        // Any moment will do.
        let more = 20 + usize::from(uuid::Uuid::new_v4().as_bytes()[0]) / 2;
        load.reaches(load.acknowledged().len() + more).await;
        site.until("jobs are at work", |seen| {
            seen.held.len() == round * AT_WORK
        })
        .await;
        remote.kill();
        senders.join_all().await;
    }
    let acknowledged = load.acknowledged();
    let _remote = serve.start().await;
    site.until("the change of every acknowledged page is written", |seen| {
        seen.has_all(&acknowledged)
    })
    .await;
    let seen = site.seen();
    assert_eq!(seen.read_by_two_at_once(), [""; 0]);
}

#[tokio::test]
async fn every_acknowledged_event_is_handled_from_sqlite() {
    every_acknowledged_event_is_handled(Place::sqlite()).await;
}

#[tokio::test]
async fn every_acknowledged_event_is_handled_from_postgresql() {
    every_acknowledged_event_is_handled(Place::postgres().await).await;
}
