//! Notices that the time of day was set, or that the machine slept.

use std::{mem, time::Duration};

use tokio::time::Instant;

use crate::clock::Clock;

/// Clocks that are adjusted bit by bit do not leap.
const TOLERANCE: Duration = Duration::from_secs(2);

/// Compares the time of day with the time that passes.
pub(super) struct Leap {
    clock: Clock,
    last: (i64, Instant),
    ahead: bool,
}

impl Leap {
    pub(super) fn new(clock: Clock) -> Self {
        let last = (clock.now_millis(), Instant::now());
        Self {
            clock,
            last,
            ahead: false,
        }
    }

    /// Whether the time of day has gone back, or on by more than time has, and nobody has
    /// [dealt with it](Self::is_over).
    pub(super) fn is_ahead(&mut self) -> bool {
        let now = (self.clock.now_millis(), Instant::now());
        let before = mem::replace(&mut self.last, now);
        let shown = now.0.saturating_sub(before.0);
        let passed = millis(now.1.saturating_duration_since(before.1));
        let tolerance = millis(TOLERANCE);
        self.ahead |= shown < -tolerance || shown > passed.saturating_add(tolerance);
        self.ahead
    }

    pub(super) const fn is_over(&mut self) {
        self.ahead = false;
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::dispatcher::tests::NOW;

    #[tokio::test(start_paused = true)]
    async fn a_leap_is_noticed_until_it_is_dealt_with() {
        let clock = Clock::manual(NOW);
        let mut leap = Leap::new(clock.clone());
        let day = Duration::from_hours(24);
        tokio::time::advance(day).await;
        clock.advance(day);
        assert!(!leap.is_ahead());
        clock.advance(Duration::from_secs(3));
        assert!(leap.is_ahead());
        assert!(leap.is_ahead());
        leap.is_over();
        assert!(!leap.is_ahead());
        clock.set_back(Duration::from_secs(3));
        assert!(leap.is_ahead());
        leap.is_over();
        assert!(!leap.is_ahead());
    }
}
