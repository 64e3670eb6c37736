//! What the service does with twice the load that it can bear: the release binary in a process
//! of its own, and an open-loop load of distinct FITs on `GET /api/invocation`.
//!
//! ```sh
//! cargo bench --bench overload              # about two minutes, sixty seconds of them overload
//! cargo bench --bench overload -- 10 20000  # ten seconds of overload, 20,000 distinct FITs
//! ```
//!
//! Requests are due at fixed times, and a latency counts from when the request was due,
//! whenever it could be sent: a service that stalls gets no pause for that. Where `taskset` is
//! there, the service has one core and the load another. FITs are signed beforehand, as many
//! as were asked for, and then sent in turn; tell a number above that of the verified tokens
//! which the service keeps, or they are not distinct to it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

#[path = "overload/connection.rs"]
mod connection;
#[path = "overload/load.rs"]
mod load;
#[path = "platform/pinned.rs"]
mod pinned;
#[path = "platform/played.rs"]
mod played;
#[path = "overload/service.rs"]
mod service;

use std::time::{Duration, Instant};

use load::{Load, Run};
use service::Service;

/// Connections of the load: so many that no request waits for one of them.
const CONNECTIONS: usize = 2048;
/// How long each step of the search for the sustainable load takes.
const STEP: Duration = Duration::from_secs(4);
/// The service bears a load if no more than this part is refused
const BEARABLE: f64 = 0.001;
/// and this part is answered
const MOST: f64 = 0.99;
/// within that.
const SOON: Duration = Duration::from_millis(25);
/// The time that the service has to recover.
const RECOVERY: Duration = Duration::from_secs(2);

fn main() {
    if pinned::again_on_a_core_of_its_own() {
        return;
    }
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let seconds = arguments.next().map_or(60, |it| it.parse().unwrap());
    let fits = arguments.next().map_or(50_000, |it| it.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(Duration::from_secs(seconds), fits));
}

async fn measure(overload: Duration, fits: usize) {
    println!("{}", pinned::description());
    let key = played::signing_key();
    let keys = played::serve_keys(&key);
    let signing = Instant::now();
    let requests = load::distinct_requests(&key, fits);
    println!("{fits} FITs signed in {:.1?}", signing.elapsed());
    let service = Service::start(keys).await;
    let load = Load::on(service.address(), requests, CONNECTIONS).await;

    let closed = load.as_fast_as_answered(STEP).await;
    println!("\nas fast as it answers  {closed}");
    let unloaded = load.at(closed.accepted_rate() * 0.1, STEP * 2).await;
    println!("a tenth of that        {unloaded}");
    let sustainable = sustainable(&load, closed.accepted_rate()).await;

    let (run, memory) = flood(&load, &service, 2.0 * sustainable, overload).await;
    println!("twice the sustainable  {run}");
    println!("resident memory, MB    {}", memory.join(" "));
    let after = load.at(0.5 * sustainable, RECOVERY * 3).await;
    println!("half of it, afterwards {after}");

    let bound = 2 * unloaded.accepted(MOST) + Duration::from_millis(50);
    judge(&run, &after, bound);
}

/// The highest rate at which nearly all are answered soon, to a twentieth.
async fn sustainable(load: &Load, at_most: f64) -> f64 {
    for percent in (20..=100).rev().step_by(5) {
        let rate = at_most * f64::from(percent) / 100.0;
        let run = load.at(rate, STEP).await;
        println!("{percent:>3} %                  {run}");
        if run.refused_part() <= BEARABLE && run.accepted(MOST) <= SOON {
            return rate;
        }
    }
    panic!("the service bears not even a fifth of what it answers at its fastest");
}

/// A run, with the service's memory looked at ten times.
async fn flood(load: &Load, service: &Service, rate: f64, span: Duration) -> (Run, Vec<String>) {
    let mut memory = vec![service.resident_megabytes()];
    let mut ticks = tokio::time::interval(span / 10);
    ticks.tick().await;
    let mut run = std::pin::pin!(load.at(rate, span));
    loop {
        tokio::select! {
            run = &mut run => return (run, memory),
            _ = ticks.tick() => memory.push(service.resident_megabytes()),
        }
    }
}

fn judge(run: &Run, after: &Run, bound: Duration) {
    let recovered = after.quiet_from(bound);
    println!(
        "\naccepted p99 {:.1?}, bound {bound:.1?}",
        run.accepted(MOST)
    );
    let (late, slices) = run.late_slices(bound);
    println!("beyond it in {} of {slices} slices of 100 ms", late.len());
    for slice in late {
        println!("  {slice}");
    }
    println!("recovered after {recovered:.1?}, bound {RECOVERY:.1?}");
    assert!(run.refused_part() > 0.0, "twice the load must be too much");
    assert!(run.accepted(MOST) <= bound, "the accepted wait too long");
    assert!(run.refused(MOST) <= bound, "the refused wait too long");
    assert!(run.failed() == 0, "connections were lost");
    assert!(recovered <= RECOVERY, "it does not recover in time");
}
