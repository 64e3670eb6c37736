//! Logs and metrics: where they go and how they look.

mod metrics;

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

pub(crate) use self::metrics::recorder;
use crate::config::{LogFormat, Telemetry};

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
