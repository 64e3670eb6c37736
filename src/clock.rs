//! The time of day, passed in so that a test can set it.
//!
//! ```
//! use std::time::Duration;
//! use forge_remote::clock::{Clock, Timestamp};
//!
//! let noon = Timestamp::from_unix(1_760_000_400);
//! let clock = Clock::manual(noon);
//! let shared = clock.clone();
//! clock.advance(Duration::from_secs(90));
//! assert_eq!(shared.now(), noon.plus(Duration::from_secs(90)));
//! assert_eq!(shared.now().since(noon), Duration::from_secs(90));
//! assert_eq!(shared.now().unix(), 1_760_000_490);
//! assert_eq!(shared.now_millis(), 1_760_000_490_000);
//!
//! assert_eq!(Clock::system().set_by_hand(), None);
//! ```

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A moment, in seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many seconds after 1970-01-01 UTC.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This moment and `span` more; fractions of a second are dropped.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)),
        )
    }

    /// How long from `earlier` to this moment; zero if it lies later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Tells the time of day: the system's, or one that a test moves by hand.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until [`advance`](Self::advance) moves it, and all its clones with it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.unix()))))
    }

    /// Moves a manual clock on; the system's cannot be moved.
    pub fn advance(&self, span: Duration) {
        if let Some(now) = &self.0 {
            now.fetch_add(
                i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
                Ordering::Relaxed,
            );
        }
    }

    /// Moves a manual clock back, as an operator does with one that was wrong.
    #[cfg(test)]
    pub(crate) fn set_back(&self, span: Duration) {
        if let Some(now) = &self.0 {
            now.fetch_sub(i64::try_from(span.as_secs()).unwrap(), Ordering::Relaxed);
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.set_by_hand().unwrap_or_else(|| {
            let seconds = Self::read_system().as_secs();
            Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX))
        })
    }

    /// The time now, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now_millis(&self) -> i64 {
        match self.set_by_hand() {
            Some(now) => now.0.saturating_mul(1000),
            None => i64::try_from(Self::read_system().as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// The time of a manual clock; none is the system's. A database that tells the time
    /// itself lets a manual clock overrule it.
    #[must_use]
    pub fn set_by_hand(&self) -> Option<Timestamp> {
        let now = self.0.as_ref()?;
        Some(Timestamp(now.load(Ordering::Relaxed)))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's time"
    )]
    fn read_system() -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Clock::manual"
        } else {
            "Clock::system"
        })
    }
}
