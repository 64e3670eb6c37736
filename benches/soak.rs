//! Half the load that the service bears, for half an hour, while its surroundings fail in turn:
//! is its memory flat, are its files, and was every event that it acknowledged handled?
//!
//! ```sh
//! cargo bench --bench soak                                  # thirty minutes at half the load
//! cargo bench --bench soak -- --minutes 2 --load 0.5        # a short one
//! cargo bench --bench soak -- --minutes 30 --kill           # with a kill -9 in the middle
//! ```
//!
//! Two processes share this machine's cores: the release binary with its defaults on SQLite,
//! and this one, which is Forge, the products and the gateway. What the service bears is
//! measured first, with the same mix and without faults: 32 connections send as fast as they
//! are answered, and what they left in the inbox has to be worked off before the clock stops.
//! The generator's own work is in that figure, so half of it is half of what both can do
//! together. Then requests are due at fixed times, whatever the service does.
//!
//! It ends with a table, and fails if something grew or was lost.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

#[path = "soak/connection.rs"]
mod connection;
#[path = "soak/counts.rs"]
mod counts;
#[path = "soak/faults.rs"]
mod faults;
#[path = "soak/fits.rs"]
mod fits;
#[path = "soak/load.rs"]
mod load;
#[path = "soak/mix.rs"]
mod mix;
#[path = "soak/platform.rs"]
mod platform;
#[path = "platform/played.rs"]
#[expect(dead_code, reason = "its key set never fails")]
mod played;
#[path = "soak/samples.rs"]
mod samples;
#[path = "soak/service.rs"]
mod service;
#[path = "soak/verdict.rs"]
mod verdict;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Parser;
use tokio::time::sleep;

use self::{
    fits::Fits,
    load::{Load, Pace},
    platform::Platform,
    samples::Samples,
    service::Service,
};

/// A soak of the release binary.
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Options {
    /// How long the load lasts.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// The part of what the service bears at most.
    #[arg(long, default_value_t = 0.5)]
    load: f64,
    /// Requests a second, in place of a part of what is measured.
    #[arg(long)]
    rate: Option<f64>,
    /// How long the measurement of what it bears takes.
    #[arg(long, default_value_t = 15)]
    calibrate_seconds: u64,
    /// Kills the service in the middle, by SIGKILL, and starts it again.
    #[arg(long)]
    kill: bool,
    /// How long the inbox may take to empty once the load is over.
    #[arg(long, default_value_t = 20.0)]
    drain_minutes: f64,
    /// `cargo bench` passes it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Connections of the measurement: enough to keep it busy.
const CALIBRATION: usize = 32;
/// Connections of the load: so many that no request waits for one, unless hundreds hang.
const CONNECTIONS: usize = 256;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let complaints = runtime.block_on(soak(&options));
    for complaint in &complaints {
        println!("FAILED: {complaint}");
    }
    if complaints.is_empty() {
        println!("\nmemory and files are flat, nothing is lost");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn soak(options: &Options) -> Vec<String> {
    let span = Duration::from_secs_f64(options.minutes * 60.0);
    let drain = Duration::from_secs_f64(options.drain_minutes * 60.0);
    let platform = Platform::start().await;
    let signing = Instant::now();
    let fits = Arc::new(Fits::sign(platform.url(), span + drain));
    println!("{} FITs signed in {:.1?}", fits.count(), signing.elapsed());
    let mut service = Service::start(&platform).await;
    let load = Load::new(service.address(), fits, Arc::clone(&platform));

    let rate = match options.rate {
        Some(rate) => rate,
        None => options.load * bears(&load, options, drain).await,
    };
    println!("\nload: {rate:.0} requests a second for {span:.0?}");
    load.counts().forget();

    let samples = Samples::default();
    let end = tokio::time::Instant::now() + span;
    let faults = tokio::spawn(faults::in_turn(Arc::clone(&platform), span));
    let ticks = tokio::spawn(load.clone().ticks());
    let sending = tokio::spawn({
        let load = load.clone();
        async move { load.run(Pace::Fixed(rate), CONNECTIONS, span).await }
    });
    if options.kill {
        let middle = tokio::time::Instant::now() + span / 2;
        samples.take_until(middle, &service, &load).await;
        load.expects_silence(true);
        service.kill_and_start().await;
        load.expects_silence(false);
        samples.begin_anew();
    }
    samples.take_until(end, &service, &load).await;
    let _ = sending.await;
    faults.await.unwrap();
    ticks.abort();

    println!("\nthe load is over; what is left in the inbox is worked off");
    let drained = load.all_handled(drain).await;
    verdict::of(&load, &samples, &service, rate, span, drained).await
}

/// Requests a second that the service bears with its inbox kept empty.
async fn bears(load: &Load, options: &Options, drain: Duration) -> f64 {
    let span = Duration::from_secs(options.calibrate_seconds);
    // The first answers fetch keys and open connections.
    load.run(Pace::Free, CALIBRATION, Duration::from_secs(2))
        .await;
    load.all_handled(drain).await;
    load.counts().forget();
    let began = Instant::now();
    load.run(Pace::Free, CALIBRATION, span).await;
    let sent = began.elapsed();
    load.all_handled(drain).await;
    let all = began.elapsed();
    let count = load.counts().total();
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let bears = count as f64 / all.as_secs_f64();
    println!(
        "as fast as it answers: {count} requests in {sent:.1?}, its inbox empty after {all:.1?}: \
         it bears {bears:.0} a second"
    );
    sleep(Duration::from_secs(2)).await;
    bears
}
