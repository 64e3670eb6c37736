//! What `/metrics` shows: the recorder of this process, and what its metrics mean.

mod catalogue;
mod process;

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// From 25 µs to the 25 s that Forge waits.
const SECONDS: &[f64] = &[
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0, 25.0,
];

/// A handler of an event may take 15 minutes.
const RUN_SECONDS: &[f64] = &[
    0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0,
];

/// An event may wait for hours, for a worker or for an earlier one of its order. When it came
/// is known to a second.
const WAIT_SECONDS: &[f64] = &[
    0.0, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0,
];

/// `inbox.max_attempts` is 8 unless the settings say more.
const ATTEMPTS: &[f64] = &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0];

/// The metrics that have buckets of their own.
const BUCKETS: &[(&str, &[f64])] = &[
    ("forge_inbox_run_seconds", RUN_SECONDS),
    ("forge_inbox_wait_seconds", WAIT_SECONDS),
    ("forge_inbox_attempts", ATTEMPTS),
];

/// The recorder of this process. The `metrics` crate has one for each process, so
/// several servers in one process count together.
pub(crate) fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(install).clone()
}

fn install() -> Option<PrometheusHandle> {
    let suffix = Matcher::Suffix("_seconds".to_owned());
    let mut builder = PrometheusBuilder::new()
        .set_buckets_for_metric(suffix, SECONDS)
        .ok()?;
    for &(name, buckets) in BUCKETS {
        let whole = Matcher::Full(name.to_owned());
        builder = builder.set_buckets_for_metric(whole, buckets).ok()?;
    }
    let handle = builder.install_recorder().ok()?;
    catalogue::describe();
    process::begin();
    build_info();
    Some(handle)
}

/// Everything in the text that Prometheus reads.
pub(crate) fn render(recorder: &PrometheusHandle) -> String {
    process::measure();
    recorder.run_upkeep();
    recorder.render()
}

/// Always 1: what is worth knowing are the labels.
fn build_info() {
    let features: Vec<_> = [
        ("conformance", cfg!(feature = "conformance")),
        ("emulator", cfg!(feature = "emulator")),
        ("mimalloc", cfg!(feature = "mimalloc")),
        ("otlp", cfg!(feature = "otlp")),
    ]
    .into_iter()
    .filter_map(|(feature, built_in)| built_in.then_some(feature))
    .collect();
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    metrics::gauge!(
        "forge_build_info",
        "version" => env!("CARGO_PKG_VERSION"), "features" => features.join(","), "profile" => profile
    )
    .set(1.0);
}
