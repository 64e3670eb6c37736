//! How long a job waits before it is tried again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// No handler and no product makes a job wait longer.
pub(super) const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// How long a new app may be refused: its bot account gets its permissions late, on large
/// sites minutes after the event (Forge events, "Eventual consistency").
const SETTLING_IN: Duration = Duration::from_mins(10);

/// After attempt `attempt`, which counts from 1: 2, 8, 32 s … and half an hour at most, and
/// up to as much again, so that jobs that failed together do not come back together.
///
/// Eight attempts so take an hour and eleven minutes at the least: they outlive an outage
/// of an hour.
pub(super) fn after_attempt(attempt: u32) -> Duration {
    let delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(2))
        .with_factor(4.0)
        .with_max_delay(Duration::from_mins(30))
        .without_max_times()
        .with_jitter();
    // As many as a setting allows; after the seventh they are all the same.
    let at = attempt.saturating_sub(1).min(100) as usize;
    delays.build().nth(at).unwrap_or(LONGEST_WAIT)
}

/// At least `wait`, within reason, and up to a tenth more: those who were told the same
/// moment do not all come at it.
pub(super) fn at_least(wait: Duration) -> Duration {
    let wait = wait.min(LONGEST_WAIT);
    let spread = ExponentialBuilder::default()
        .with_min_delay(wait / 10)
        .with_jitter()
        .build()
        .next()
        .unwrap_or_default();
    // The builder adds to what it is given: between one tenth and two.
    wait + spread.saturating_sub(wait / 10)
}

/// Five times as long as the last wait, as the platform's example has it: 5, 25, 125 and
/// 625 s, told by the time since the installation was first seen. None once it is old.
pub(super) fn while_new(since_first_seen: Duration) -> Option<Duration> {
    if since_first_seen >= SETTLING_IN {
        return None;
    }
    let mut wait = 5;
    let mut waited = 0;
    while since_first_seen >= Duration::from_secs(waited + wait) {
        waited += wait;
        wait *= 5;
    }
    Some(Duration::from_secs(wait))
}

/// Between attempts to reach the store.
pub(super) fn of_outage(longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100).min(longest))
        .with_max_delay(longest)
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_waits_longer_each_time_and_never_longer_than_an_hour() {
        for (attempt, least) in [
            (1, 2),
            (2, 8),
            (3, 32),
            (4, 128),
            (5, 512),
            (6, 1800),
            (7, 1800),
            (100, 1800),
            (u32::MAX, 1800),
        ] {
            let least = Duration::from_secs(least);
            for _ in 0..50 {
                let wait = after_attempt(attempt);
                assert!(wait >= least && wait <= least * 2, "{attempt}: {wait:?}");
            }
        }
    }

    #[test]
    fn eight_attempts_outlive_an_hour() {
        let all: Duration = (1..8).map(after_attempt).sum();
        assert!(all > Duration::from_hours(1), "{all:?}");
    }

    #[test]
    fn jobs_that_failed_together_come_back_apart() {
        let waits: std::collections::HashSet<_> = (0..20).map(|_| after_attempt(3)).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept_and_bounded_by_a_day() {
        for seconds in [0, 1, 30, 3600, 86_400] {
            let asked = Duration::from_secs(seconds);
            for _ in 0..50 {
                let wait = at_least(asked);
                assert!(wait >= asked && wait <= asked + asked / 10, "{wait:?}");
            }
        }
        assert!(at_least(Duration::MAX) <= LONGEST_WAIT + LONGEST_WAIT / 10);
    }

    #[test]
    fn a_new_installation_is_given_time_as_the_platform_asks() {
        for (seen, wait) in [
            (0, 5),
            (4, 5),
            (5, 25),
            (29, 25),
            (30, 125),
            (155, 625),
            (599, 625),
        ] {
            let since = Duration::from_secs(seen);
            assert_eq!(while_new(since), Some(Duration::from_secs(wait)), "{seen}");
        }
        assert_eq!(while_new(Duration::from_mins(10)), None);
        assert_eq!(while_new(Duration::MAX), None);
    }
}
