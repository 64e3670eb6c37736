//! Which handler takes which scheduled trigger.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures_util::{FutureExt, TryFutureExt};

use super::{
    JobError, Tick,
    handlers::{Failure, Handler, Handlers},
};

/// The app's handlers of scheduled triggers, by the trigger's key in the manifest.
///
/// ```
/// use forge_remote::inbox::{Interval, JobError, Schedule, Tick};
///
/// async fn send_digests(tick: Tick) -> Result<(), JobError> { Ok(()) }
///
/// let schedule = Schedule::new().on("digest-hourly", send_digests);
/// let the_same_with_its_interval =
///     Schedule::new().on_every(Interval::Hour, "digest-hourly", send_digests);
/// ```
#[derive(Clone, Default)]
#[must_use = "hand it to `serve`"]
pub struct Schedule {
    pub(super) handlers: Handlers,
    pub(super) windows: HashMap<Box<str>, Duration>,
}

/// How often a trigger ticks: its `interval` in the manifest.
///
/// ```
/// # use forge_remote::Interval;
/// assert_eq!(Interval::FiveMinutes.span().as_secs(), 300);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interval {
    /// `fiveMinute`
    FiveMinutes,
    /// `hour`
    Hour,
    /// `day`
    Day,
    /// `week`
    Week,
}

/// The platform delivers up to three minutes late: two ticks may be so much nearer to each
/// other than their interval (Forge events: "Delivery").
const SLACK: Duration = Duration::from_mins(6);

impl Interval {
    /// How long it is.
    #[must_use]
    pub const fn span(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::from_mins(5),
            Self::Hour => Duration::from_hours(1),
            Self::Day => Duration::from_hours(24),
            Self::Week => Duration::from_hours(7 * 24),
        }
    }

    /// Two ticks that come within this are one that came twice.
    pub(super) fn window(self) -> Duration {
        let span = self.span();
        span.saturating_sub(SLACK.min(span / 2))
    }
}

impl Schedule {
    /// No handlers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ticks of that trigger go to `handler`. A tick that comes twice within a few minutes
    /// runs once, which fits every interval; [`on_every`](Self::on_every) says it exactly.
    ///
    /// # Panics
    /// If the trigger has a handler already.
    pub fn on<F, Fut>(self, key: &str, handler: F) -> Self
    where
        F: Fn(Tick) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.on_every(Interval::FiveMinutes, key, handler)
    }

    /// Ticks of that trigger, which has this interval in the manifest, go to `handler`. One
    /// that comes twice within the interval runs once. One that comes while the last one is
    /// still at work, for the same installation, runs after it.
    ///
    /// # Panics
    /// If the trigger has a handler already.
    pub fn on_every<F, Fut>(mut self, interval: Interval, key: &str, handler: F) -> Self
    where
        F: Fn(Tick) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let run = Arc::new(move |job| handler(Tick::of(job)).map_err(Failure::Handler).boxed());
        let order_by = None;
        self.handlers.add(key, Handler { run, order_by });
        self.windows.insert(key.into(), interval.window());
        self
    }

    /// Takes two ticks for one only if they come within `longest`, however long their
    /// interval is: for a platform that is played, where somebody presses a button or time
    /// runs faster. It holds for the triggers that have a handler by now.
    ///
    /// ```
    /// # use forge_remote::{Interval, JobError, Schedule, Tick};
    /// # use std::time::Duration;
    /// # async fn send_digests(tick: Tick) -> Result<(), JobError> { Ok(()) }
    /// let schedule = Schedule::new().on_every(Interval::Hour, "digest-hourly", send_digests);
    /// let for_a_laptop = schedule.windows_up_to(Duration::from_secs(2));
    /// ```
    pub fn windows_up_to(mut self, longest: Duration) -> Self {
        for window in self.windows.values_mut() {
            *window = longest.min(*window);
        }
        self
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule")
            .field("handlers", &self.handlers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing(_: Tick) -> Result<(), JobError> {
        Ok(())
    }

    #[test]
    fn a_window_may_be_made_shorter_and_never_longer() {
        let schedule = Schedule::new()
            .on_every(Interval::Week, "weekly", nothing)
            .on("often", nothing)
            .windows_up_to(Duration::from_mins(10));
        assert_eq!(schedule.windows["weekly"], Duration::from_mins(10));
        assert_eq!(
            schedule.windows["often"],
            Interval::FiveMinutes.window(),
            "a window grew"
        );
    }
}
