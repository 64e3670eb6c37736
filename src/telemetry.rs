//! Logs, traces and metrics: where they go and how they look.
//!
//! ```no_run
//! use forge_remote::{Config, telemetry::{self, TelemetryError}};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::load()?;
//! match telemetry::init(&config.telemetry) {
//!     // The program has a subscriber of its own, which gets what the remote logs.
//!     Ok(()) | Err(TelemetryError::Taken(_)) => {}
//!     Err(wrong) => return Err(wrong.into()),
//! }
//! # Ok(()) }
//! ```

#[cfg(feature = "otlp")]
mod export;
mod exposition;
#[cfg(feature = "otlp")]
mod ids;
mod json;
pub(crate) mod level;
#[cfg(feature = "otlp")]
mod sampling;
mod spans;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{
    Layer, Registry, fmt, layer::SubscriberExt, registry, reload, util::SubscriberInitExt,
};

use self::json::JsonLines;
pub(crate) use self::{
    exposition::{recorder, render},
    spans::{Attributes, Parent, begin, current_span, exported},
};
use crate::config::{LogFormat, Telemetry};

/// Sends the log of this process to standard error, and its spans to a collector, as the
/// settings say.
///
/// A program calls it once, before anything logs. A program that has a subscriber of
/// its own does without.
///
/// From then on the level can be changed: by the admin listener's `/log-level`, and by
/// [`reload_on_hangup`](crate::server::reload_on_hangup). Spans are sent by a thread of its
/// own, and those that wait are sent when [`serve`](crate::serve) ends; who serves otherwise
/// calls [`flush`].
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use forge_remote::{Config, telemetry};
///
/// let config = Config::load()?;
/// telemetry::init(&config.telemetry)?;
/// tracing::info!("from here on it is logged");
/// # Ok(()) }
/// ```
///
/// # Errors
/// If the level is no filter, if the process logs already, or if no exporter can be made.
pub fn init(settings: &Telemetry) -> Result<(), TelemetryError> {
    let (filter, handle) = reload::Layer::new(level::filter(&settings.level)?);
    let log = log(settings.format).with_filter(filter);
    #[cfg(feature = "otlp")]
    let spans = export::layer(settings)?;
    #[cfg(not(feature = "otlp"))]
    let spans = None::<tracing_subscriber::layer::Identity>;
    registry().with(log).with(spans).try_init()?;
    level::can_change(&settings.level, handle);
    #[cfg(not(feature = "otlp"))]
    if settings.otlp_endpoint.is_some() {
        tracing::warn!(
            "telemetry.otlp_endpoint is set, but this build exports no traces: it lacks the feature `otlp`"
        );
    }
    Ok(())
}

fn log(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    match format {
        // Where it may be coloured, `NO_COLOR` still decides.
        LogFormat::Pretty if stderr().is_terminal() => {
            fmt::layer().with_target(false).with_writer(stderr).boxed()
        }
        LogFormat::Pretty => fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .with_writer(stderr)
            .boxed(),
        LogFormat::Json => JsonLines::to(stderr).boxed(),
    }
}

/// Sends the spans that wait to the collector, within four seconds; those that it does not take
/// by then are lost. Without a collector it does nothing.
///
/// [`serve`](crate::serve) does it at its end.
///
/// ```
/// # async fn example() {
/// forge_remote::telemetry::flush().await;
/// # }
/// ```
#[cfg_attr(
    not(feature = "otlp"),
    expect(clippy::unused_async, reason = "there is nothing to send")
)]
pub async fn flush() {
    #[cfg(feature = "otlp")]
    export::flush().await;
}

/// Takes of new settings what can be changed while the process runs: the level and the share of
/// traces that are kept.
pub(crate) fn apply(settings: &Telemetry) -> Result<(), TelemetryError> {
    if let Some(level) = level::of_process() {
        level.configure(&settings.level)?;
    }
    #[cfg(feature = "otlp")]
    sampling::keep(settings.sample_ratio);
    Ok(())
}

/// Why log or traces cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// `telemetry.level` is no filter.
    #[error("`telemetry.level` is neither a level nor a list of directives")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// A level is longer than any that means something.
    #[error("a level has no more than {} characters", level::LONGEST)]
    TooLong,
    /// Something else set up the log before.
    #[error("the log of this process is set up already")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
    /// Spans cannot be exported as the settings want it.
    #[error("spans cannot be sent to `telemetry.otlp_endpoint`")]
    Export(#[source] Box<dyn std::error::Error + Send + Sync>),
}
