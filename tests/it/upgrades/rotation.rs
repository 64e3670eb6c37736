//! Three steps from one key to another.

use std::time::{Duration, Instant};

use forge_remote::store::keys::{SealedKind, Walk};

use super::{NEW, OLD, command, open, restart, survey};
use crate::{
    command::text,
    support::{place::Place, remote::Serve, site::Site, traffic::Traffic},
};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn one_key_takes_the_place_of_another_and_nobody_notices() {
    let place = Place::postgres().await;
    let site = Site::start(Duration::from_millis(5)).await;
    let serve = |key, additional| {
        let serve = Serve::new(&place, &site).set("STORE__ENCRYPTION_KEY", key);
        serve.set("STORE__ADDITIONAL_ENCRYPTION_KEYS", additional)
    };
    let steps = [serve(OLD, NEW), serve(NEW, OLD), serve(NEW, "")];
    let before = serve(OLD, "");
    let mut replicas = vec![before.start().await, before.start().await];
    // Some jobs keep their tokens until their replica gives them back.
    site.hold(2);
    let traffic = Traffic::start(&[&replicas[0], &replicas[1]], 6);
    traffic.goes_on(100).await;
    for (step, serve) in steps.iter().enumerate() {
        for _ in 0..2 {
            let replica = replicas.remove(0);
            replicas.push(restart(&traffic, replica, serve).await);
            traffic.goes_on(60).await;
        }
        if step == 1 {
            until_done(&place).await;
        }
    }
    let sent = traffic.stop().await;
    assert_eq!(sent.failures, [""; 0]);
    assert!(sent.invocations > 100, "{}", sent.invocations);
    site.until("every event is handled", |seen| seen.has_all(&sent.pages))
        .await;
    assert_eq!(site.seen().read_by_two_at_once(), [""; 0]);

    let database = open(&place, NEW, &[]).await;
    let ring = database.sealed.key_ring();
    let survey = survey(&database, Walk::Open).await;
    assert_eq!(survey.of_unknown_keys(&ring), 0, "{survey:?}");
    assert!(survey.damaged.is_empty(), "{survey:?}");
    assert_eq!(survey.of_key(SealedKind::AppToken, ring.primary), 1);
    assert!(survey.of_key(SealedKind::AccountToken, ring.primary) >= 40);
    let output = command(&place, &["keys", "status"], NEW, "");
    assert!(output.status.success(), "{}", text(&output.stdout));
}

/// As somebody waits who rotates a key.
async fn until_done(place: &Place) {
    let began = Instant::now();
    loop {
        let output = command(place, &["keys", "status"], NEW, OLD);
        let told = text(&output.stdout);
        match output.status.code() {
            Some(0) => {
                assert!(told.contains("can be dropped"), "{told}");
                return;
            }
            Some(3) => assert!(told.contains("keep those"), "{told}"),
            _ => panic!("{told} {}", text(&output.stderr)),
        }
        assert!(began.elapsed() < PATIENCE, "{told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
