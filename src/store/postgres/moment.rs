//! The moment, and spans of it, as the statements take them.

use std::time::Duration;

/// The moment: that of a manual clock if the parameter has one, else the database's.
macro_rules! now {
    ($parameter:literal) => {
        concat!(
            "coalesce(",
            $parameter,
            "::bigint, (extract(epoch FROM statement_timestamp()) * 1000)::bigint)"
        )
    };
}
pub(super) use now;

/// A span in milliseconds, short enough to be added to any moment.
pub(super) fn millis(span: Duration) -> i64 {
    const LONGEST: i64 = i64::MAX / 4;
    i64::try_from(span.as_millis()).map_or(LONGEST, |millis| millis.min(LONGEST))
}

pub(super) fn span(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
