//! Two releases on one database. `FORGE_REMOTE_TEST_OLD_BINARY` names the older one's binary
//! (`tests/upgrade.sh` builds it); without it both are this one.

use std::time::Duration;

use super::restart;
use crate::support::{place::Place, remote::Serve, site::Site, traffic::Traffic};

#[expect(clippy::disallowed_methods, reason = "a setting of the tests alone")]
fn old_binary() -> String {
    let named = std::env::var("FORGE_REMOTE_TEST_OLD_BINARY");
    named.unwrap_or_else(|_| env!("CARGO_BIN_EXE_forge-remote").to_owned())
}

#[tokio::test]
async fn releases_work_side_by_side_and_a_step_back_is_possible() {
    let place = Place::postgres().await;
    let site = Site::start(Duration::from_millis(5)).await;
    let program = old_binary();
    let old = Serve::new(&place, &site).program(&program);
    let new = Serve::new(&place, &site);
    let (first, second) = (old.start().await, old.start().await);
    let traffic = Traffic::start(&[&first, &second], 6);
    traffic.goes_on(60).await;
    // The newer one changes the tables under the older one.
    let second = restart(&traffic, second, &new).await;
    traffic.goes_on(100).await;
    // The older one comes up on tables that are newer than it.
    let first = restart(&traffic, first, &old).await;
    traffic.goes_on(100).await;
    // All are new, and all step back.
    let mut replicas = [Some(first), Some(second)];
    for serve in [&new, &old] {
        for place in &mut replicas {
            let replica = place.take().unwrap();
            *place = Some(restart(&traffic, replica, serve).await);
            traffic.goes_on(60).await;
        }
    }
    let sent = traffic.stop().await;
    assert_eq!(sent.failures, [""; 0]);
    site.until("every event is handled", |seen| seen.has_all(&sent.pages))
        .await;
    let seen = site.seen();
    assert_eq!(seen.read_by_two_at_once(), [""; 0]);
    // What one exchanged the others use, of whatever release: of forty accounts each replica
    // would have its own otherwise, and there were eight.
    assert!(seen.exchanges.len() <= 60, "{}", seen.exchanges.len());
}
