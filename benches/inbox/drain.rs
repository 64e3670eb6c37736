//! 100,000 events that wait: what they cost in memory, and whether they slow each other down.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Place, load,
    played::{self, INSTALLATION, serve_keys, signing_key},
    remote::{Setup, Work},
};

const WAITING: usize = 100_000;

pub(crate) async fn measure(place: &Place) {
    let key = signing_key();
    let keys = serve_keys(&key);
    let api = "http://127.0.0.1:9";
    // Without a `jti` each delivery is an event of its own: no need to sign them all.
    let fit = played::sign(&key, &played::claims(api, INSTALLATION, 3600));
    let folder = tempfile::tempdir_in("target").unwrap();
    let setup = Setup {
        place,
        folder: folder.path(),
        keys,
        api,
        work: Work::Count,
        settings: &[],
    };
    let remote = setup.start().await;
    println!(
        "{:>6} waiting: {} kB resident",
        0,
        remote.resident_kilobytes()
    );
    for part in 0..4 {
        let ids = part * WAITING / 4..(part + 1) * WAITING / 4;
        let events: Vec<_> = ids.map(|id| load::event(&fit, id, "a")).collect();
        let run = load::run(remote.address, 64, Arc::new(events)).await;
        assert_eq!(run.refused, 0);
        let (waiting, memory) = ((part + 1) * WAITING / 4, remote.resident_kilobytes());
        println!("{waiting:>6} waiting: {memory} kB resident");
    }
    remote.open_gate().await;
    let (mut then, mut done) = (Instant::now(), 0);
    let (mut next, part) = (WAITING as u64 / 10, WAITING as u64 / 10);
    while done < WAITING as u64 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = remote.count().await;
        if now >= next {
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            let rate = (now - done) as f64 / then.elapsed().as_secs_f64();
            println!(
                "{now:>6} done: {rate:.0} jobs/s, {} kB resident",
                remote.resident_kilobytes()
            );
            (then, done) = (Instant::now(), now);
            next = (now + part).min(WAITING as u64);
        }
    }
}
