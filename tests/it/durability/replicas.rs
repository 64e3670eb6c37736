//! Two processes on one PostgreSQL, one of which dies.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use tokio::task::JoinSet;

use crate::support::{
    kept::acknowledged,
    load::updated,
    place::Place,
    remote::{Remote, Serve},
    site::Site,
};

const LEASE: Duration = Duration::from_secs(10);

async fn events(remote: &Remote, pages: impl IntoIterator<Item = usize>) {
    let posts = pages.into_iter().map(|page| {
        let event = updated(&format!("p{page}"));
        remote.as_platform().json(&event).post("/forge/events")
    });
    for answer in join_all(posts).await {
        let _ = acknowledged(&answer);
    }
}

#[tokio::test]
async fn one_finishes_what_the_other_died_over_and_nothing_before() {
    let place = Place::postgres().await;
    let site = Site::start(Duration::from_millis(5)).await;
    let serve = Serve::new(&place, &site).set("INBOX__LEASE_SECONDS", "10");
    // Of six places one installation gets four.
    let serve = serve.set("INBOX__WORKERS", "6");
    site.hold(4);
    let mut first = serve.start().await;
    events(&first, 0..4).await;
    site.until("all its places are taken", |seen| seen.held.len() == 4)
        .await;
    events(&first, 4..30).await;

    // What the first cannot begin, the second does.
    let second = serve.start().await;
    events(&second, 30..60).await;
    site.until("all else is done", |seen| seen.written() == 56)
        .await;
    // What the first does stays its own, however long it takes.
    let begun = site.seen().reads("p0")[0].begun;
    tokio::time::sleep_until((begun + LEASE + Duration::from_secs(1)).into()).await;
    assert_eq!(site.seen().read_again(), [""; 0]);

    let killed = Instant::now();
    first.kill();
    site.until("all is done", |seen| seen.written() == 60).await;
    let seen = site.seen();
    assert_eq!(seen.read_again(), ["p0", "p1", "p2", "p3"]);
    for page in seen.read_again() {
        let [lost, taken_up] = seen.reads(page) else {
            panic!("{page}: {:?}", seen.reads(page));
        };
        assert!(lost.ended.unwrap() >= killed && taken_up.begun > killed);
        assert!(taken_up.begun - killed < LEASE + Duration::from_secs(5));
    }
    assert_eq!(seen.read_by_two_at_once(), [""; 0]);
}

/// Asks so many times for what an account sees, each time for another; tells the statuses
/// of those that were answered.
fn ask_as_accounts(remote: &Remote, count: usize) -> JoinSet<Option<u16>> {
    let asks = (0..count).map(|_| {
        let account = uuid::Uuid::new_v4().simple();
        let forge = remote.anybody().with_fit().app_token().user_token();
        async move {
            let path = format!("/api/accounts/{account}/content");
            let answer = forge.try_send(Method::GET, &path).await;
            answer.ok().map(|answer| answer.status.as_u16())
        }
    });
    asks.collect()
}

#[tokio::test]
async fn the_quota_of_exchanges_is_one_for_both() {
    const EACH: usize = 25;
    // A tenth at once, and the rest as the minute passes.
    const BURST: u32 = 24;
    const PER_SECOND: f64 = 3.6;

    let place = Place::postgres().await;
    let site = Site::start(Duration::ZERO).await;
    let serve = Serve::new(&place, &site).set("IMPERSONATION__REQUESTS_PER_MINUTE", "240");
    let (mut first, second) = tokio::join!(serve.start(), serve.start());
    let began = Instant::now();
    let theirs = ask_as_accounts(&first, EACH);
    let ours = ask_as_accounts(&second, EACH);
    site.until("the burst is over", |seen| {
        seen.exchanges.len() > BURST as usize + 4
    })
    .await;
    first.kill();
    // Some of them would have had their turn later.
    assert!(theirs.join_all().await.contains(&None));
    assert_eq!(ours.join_all().await, [Some(200); EACH]);
    let seen = site.seen();
    for (exchange, had) in seen.exchanges.iter().zip(1_u32..) {
        let passed = exchange.duration_since(began).as_secs_f64();
        let allowed = f64::from(BURST) + PER_SECOND * passed;
        assert!(
            f64::from(had) <= allowed,
            "{had} after {passed} s, {allowed} allowed"
        );
    }
}
