//! Two remotes on one PostgreSQL, one killed while it works: does the other finish its
//! jobs, does none run in both at once, and is the quota of exchanges kept over both?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Place,
    atlassian::{Atlassian, Seen},
    load,
    played::{self, INSTALLATION, serve_keys, signing_key},
    remote::{Setup, Work},
};

const EVENTS: usize = 600;
const PER_MINUTE: usize = 300;
const SLOWNESS: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_mins(4);

pub(crate) async fn watch(place: &Place) {
    let key = signing_key();
    let keys = serve_keys(&key);
    let atlassian = Atlassian::start(SLOWNESS).await;
    let fit = played::sign(&key, &played::claims(&atlassian.url, INSTALLATION, 3600));
    let folder = tempfile::tempdir_in("target").unwrap();
    let setup = Setup {
        place,
        folder: folder.path(),
        keys,
        api: &atlassian.url,
        work: Work::ReadAs,
        settings: &[
            ("INBOX__LEASE_SECONDS", "10"),
            ("INBOX__MAX_ATTEMPTS", "100"),
            ("INBOX__WORKERS", "16"),
            ("IMPERSONATION__REQUESTS_PER_MINUTE", "300"),
        ],
    };
    let (mut first, second) = (setup.start().await, setup.start().await);
    // An account each: as many exchanges as events.
    let events: Vec<_> = (0..EVENTS)
        .map(|id| load::event(&fit, id, &format!("account-{id}")))
        .collect();
    let run = load::run(second.address, 16, Arc::new(events)).await;
    println!("{} acknowledged by one of two replicas", run.accepted);
    let began = Instant::now();
    tokio::time::sleep(Duration::from_millis(500)).await;
    first.kill();
    println!("the other one killed at work");
    while atlassian.pages() < EVENTS && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = began.elapsed();
    report(&atlassian.seen.lock().unwrap(), took);
}

fn report(seen: &Seen, took: Duration) {
    let twice = seen.reads.values().filter(|reads| reads.len() > 1).count();
    let at_once = seen.reads.values().filter(|reads| overlap(reads)).count();
    println!(
        "{} of {EVENTS} handled within {took:.1?}, {twice} twice, {at_once} by both at once",
        seen.reads.len()
    );
    let busiest = busiest_minute(&seen.exchanges);
    println!(
        "{} exchanges, at most {busiest} in any minute, of {PER_MINUTE}",
        seen.exchanges.len()
    );
    assert_eq!((seen.reads.len(), at_once), (EVENTS, 0));
    assert!(busiest <= PER_MINUTE);
}

fn overlap(reads: &[(Instant, Instant)]) -> bool {
    let mut reads = reads.to_vec();
    reads.sort_unstable();
    reads.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

fn busiest_minute(moments: &[Instant]) -> usize {
    let mut moments = moments.to_vec();
    moments.sort_unstable();
    let within = |first: usize| {
        let end = moments[first] + Duration::from_mins(1);
        moments.partition_point(|moment| *moment < end) - first
    };
    (0..moments.len()).map(within).max().unwrap_or(0)
}
