//! Logs and metrics: where they go and how they look.

use std::{io::IsTerminal, sync::OnceLock};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::config::{LogFormat, Telemetry};

/// From a quarter of a millisecond to the 25 s that Forge waits.
const SECONDS: &[f64] = &[
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0, 25.0,
];

/// Sends the log of this process to standard error, as the settings say.
///
/// A program calls it once, before anything logs. A program that has a subscriber of
/// its own does without.
///
/// # Errors
/// If the level is no filter, or if the process logs already.
pub fn init(settings: &Telemetry) -> Result<(), TelemetryError> {
    let filter = EnvFilter::builder().parse(&settings.level)?;
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        // Where it may be coloured, `NO_COLOR` still decides.
        LogFormat::Pretty if std::io::stderr().is_terminal() => {
            log.with_target(false).finish().try_init()?;
        }
        LogFormat::Pretty => log
            .with_target(false)
            .with_ansi(false)
            .finish()
            .try_init()?,
        LogFormat::Json => log.json().flatten_event(true).finish().try_init()?,
    }
    if settings.otlp_endpoint.is_some() {
        tracing::warn!("telemetry.otlp_endpoint is set, but this version exports no traces yet");
    }
    Ok(())
}

/// The recorder of this process. The `metrics` crate has one for each process, so
/// several servers in one process count together.
pub(crate) fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
                .ok()?;
            builder.install_recorder().ok()
        })
        .clone()
}

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// `telemetry.level` is no filter.
    #[error("`telemetry.level` is neither a level nor a list of directives")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Something else set up the log before.
    #[error("the log of this process is set up already")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
}
