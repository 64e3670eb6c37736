//! How many events a second are acknowledged, each on disk and with a FIT of its own.

use std::sync::Arc;

use crate::{
    Place, load,
    played::{serve_keys, signing_key},
    remote::{Setup, Work},
};

const EVENTS: usize = 30_000;
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;

pub(crate) async fn measure(place: &Place) {
    let key = signing_key();
    let keys = serve_keys(&key);
    let api = "http://127.0.0.1:9";
    println!("signing {} events", EVENTS * ROUNDS);
    let mut events = load::distinct_events(&key, api, EVENTS * ROUNDS);
    let folder = tempfile::tempdir_in("target").unwrap();
    let setup = Setup {
        place,
        folder: folder.path(),
        keys,
        api,
        work: Work::Count,
        settings: &[],
    };
    // Handlers wait at the gate: what is measured is the way in.
    let remote = setup.start().await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let events = Arc::new(events.split_off(events.len() - EVENTS));
        let run = load::run(remote.address, CONNECTIONS, events).await;
        println!(
            "{:>7.0} events/s at {CONNECTIONS} connections, p50 {:.1?}, p99 {:.1?}, longest {:.1?}, refused {}",
            run.rate(),
            run.quantile(0.5),
            run.quantile(0.99),
            run.quantile(1.0),
            run.refused,
        );
        rounds.push(run.rate());
    }
    rounds.sort_by(f64::total_cmp);
    println!(
        "median {:.0} events/s, {} kB resident with {} waiting",
        rounds[ROUNDS / 2],
        remote.resident_kilobytes(),
        EVENTS * ROUNDS
    );
}
