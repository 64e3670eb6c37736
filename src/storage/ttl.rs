//! How long a value is kept.

use std::time::Duration;

use serde::Serialize;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// "At most one year" (Forge storage REST).
const LONGEST: u64 = 365 * DAY;

/// How long a value is kept: a second to a year.
///
/// The platform deletes up to 48 hours late, and until then still gives the value: see
/// [`Entry::is_expired`](super::Entry::is_expired).
///
/// ```
/// use forge_remote::storage::Ttl;
/// use std::time::Duration;
/// assert_eq!(Ttl::days(30)?, Ttl::try_from(Duration::from_hours(720))?);
/// assert!(Ttl::days(366).is_err());
/// # Ok::<(), forge_remote::storage::TtlError>(())
/// ```
///
/// ```
/// # use forge_remote::storage::{Ttl, TtlError};
/// assert_eq!(Ttl::seconds(3600)?.duration(), Ttl::minutes(60)?.duration());
/// assert_eq!(Ttl::hours(1)?.duration().as_secs(), 3600);
/// # Ok::<(), TtlError>(())
/// ```
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ttl {
    value: u64,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl Unit {
    const fn seconds(self) -> u64 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => MINUTE,
            Self::Hours => HOUR,
            Self::Days => DAY,
        }
    }
}

/// A value cannot be kept that long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value is kept for a second to 365 days")]
pub struct TtlError(());

impl Ttl {
    /// That many seconds.
    ///
    /// # Errors
    /// None, or more than a year.
    pub const fn seconds(value: u64) -> Result<Self, TtlError> {
        Self::of(value, Unit::Seconds)
    }

    /// That many minutes.
    ///
    /// # Errors
    /// None, or more than a year.
    pub const fn minutes(value: u64) -> Result<Self, TtlError> {
        Self::of(value, Unit::Minutes)
    }

    /// That many hours.
    ///
    /// # Errors
    /// None, or more than a year.
    pub const fn hours(value: u64) -> Result<Self, TtlError> {
        Self::of(value, Unit::Hours)
    }

    /// That many days, at most 365.
    ///
    /// # Errors
    /// None, or more than 365.
    pub const fn days(value: u64) -> Result<Self, TtlError> {
        Self::of(value, Unit::Days)
    }

    /// How long that is.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.value * self.unit.seconds())
    }

    const fn of(value: u64, unit: Unit) -> Result<Self, TtlError> {
        match value.checked_mul(unit.seconds()) {
            Some(1..=LONGEST) => Ok(Self { value, unit }),
            _ => Err(TtlError(())),
        }
    }
}

impl TryFrom<Duration> for Ttl {
    type Error = TtlError;

    /// A fraction of a second counts as a whole one.
    fn try_from(span: Duration) -> Result<Self, TtlError> {
        let fraction = u64::from(span.subsec_nanos() > 0);
        Self::seconds(span.as_secs().saturating_add(fraction))
    }
}

impl PartialEq for Ttl {
    /// A day is 24 hours.
    fn eq(&self, other: &Self) -> bool {
        self.duration() == other.duration()
    }
}

impl Eq for Ttl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_sent_as_it_was_given() {
        for (ttl, sent) in [
            (Ttl::seconds(1), r#"{"value":1,"unit":"SECONDS"}"#),
            (Ttl::minutes(90), r#"{"value":90,"unit":"MINUTES"}"#),
            (Ttl::hours(8), r#"{"value":8,"unit":"HOURS"}"#),
            (Ttl::days(365), r#"{"value":365,"unit":"DAYS"}"#),
        ] {
            assert_eq!(serde_json::to_string(&ttl.unwrap()).unwrap(), sent);
        }
    }

    #[test]
    fn a_year_is_the_longest_and_nothing_is_too_short() {
        for wrong in [
            Ttl::seconds(0),
            Ttl::seconds(LONGEST + 1),
            Ttl::minutes(0),
            Ttl::hours(365 * 24 + 1),
            Ttl::days(366),
            Ttl::days(u64::MAX),
            Ttl::try_from(Duration::ZERO),
            Ttl::try_from(Duration::MAX),
        ] {
            assert!(wrong.is_err(), "{wrong:?}");
        }
        assert!(Ttl::seconds(LONGEST).is_ok());
        let short = Ttl::try_from(Duration::from_millis(1)).unwrap();
        assert_eq!(short, Ttl::seconds(1).unwrap());
    }
}
