//! The arithmetic of the quota: a token bucket in whole numbers, without time of its own.
//!
//! The bound is an argument in two lines. In any minute, ends included, no more can
//! be granted than the bucket held when it began and what flowed in meanwhile: a
//! burst of b and a refill of N − b. A lowered rate lowers both, so it holds as well
//! while the rate changes.

use std::time::Duration;

use tokio::time::Instant;

use super::Standing;

const MINUTE: Duration = Duration::from_mins(1);

/// One place in the units that flow in, `refill` of them each nanosecond. It is one
/// unit more than a minute has nanoseconds, so that at one a minute two grants are
/// never within one minute.
const PLACE: u128 = 60_000_000_001;

/// What a gateway that limits without saying for how long is left alone.
pub(super) const DEFAULT_PAUSE: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// How many may go at once.
const fn burst(rate: u32) -> u32 {
    let tenth = rate / 10;
    if tenth == 0 { 1 } else { tenth }
}

/// How many places a minute brings; with the burst they make the rate.
const fn refill(rate: u32) -> u32 {
    let rest = rate - burst(rate);
    if rest == 0 { 1 } else { rest }
}

/// How long a gateway that limits is left alone.
pub(super) fn pause(wanted: Option<Duration>) -> Duration {
    let pause = wanted.unwrap_or(DEFAULT_PAUSE);
    pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

#[derive(Debug)]
pub(super) struct Bucket {
    /// What the settings allow, in any minute.
    limit: u32,
    /// What is allowed for now: less after the gateway has limited.
    working: u32,
    level: u128,
    /// The moment that `level` is of. It lies ahead while the gateway wants a pause.
    settled: Instant,
    /// When the rate was lowered last.
    lowered: Option<Instant>,
    /// From here on each minute without another limit raises the rate.
    raised: Instant,
}

impl Bucket {
    pub(super) fn new(limit: u32, now: Instant) -> Self {
        let limit = limit.max(1);
        Self {
            limit,
            working: limit,
            level: u128::from(burst(limit)) * PLACE,
            settled: now,
            lowered: None,
            raised: now,
        }
    }

    /// Takes a place, or tells when there will be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let at = self.free_at(now, 0);
        if at > now {
            return Err(at);
        }
        self.level -= PLACE;
        Ok(())
    }

    /// When somebody with `ahead` others before them gets a place; `now` or earlier means at once.
    pub(super) fn free_at(&mut self, now: Instant, ahead: u32) -> Instant {
        self.settle(now);
        let missing = ((u128::from(ahead) + 1) * PLACE).saturating_sub(self.level);
        let nanos = missing.div_ceil(u128::from(refill(self.working)));
        self.settled + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How much is left. Nobody waits here.
    pub(super) fn standing(&mut self, now: Instant) -> Standing {
        self.settle(now);
        let places = u32::try_from(self.level / PLACE).unwrap_or(u32::MAX);
        // While the gateway wants a pause, what is there may not be used yet.
        let left = if self.settled > now { 0 } else { places };
        Standing {
            limit: self.limit,
            working: self.working,
            burst: burst(self.working),
            left,
            waiting: 0,
        }
    }

    /// The gateway limited a request that was sent at `sent`.
    ///
    /// The rate is halved once for all requests that were on their way together.
    pub(super) fn limited(&mut self, sent: Instant, now: Instant, pause: Option<Duration>) {
        self.settle(now);
        if self.lowered.is_none_or(|lowered| sent > lowered) {
            let least = (self.limit / 20).max(1);
            self.working = (self.working / 2).max(least);
            self.lowered = Some(now);
        }
        let until = now + self::pause(pause);
        self.fill(until);
        // One may go when the pause ends; the rest follow at the rate, not in a burst.
        self.level = self.level.min(PLACE);
        self.raised = self.settled;
    }

    fn settle(&mut self, now: Instant) {
        // At the old rate up to here: a rate that was raised meanwhile counts from now on.
        self.fill(now);
        while self.working < self.limit && now.saturating_duration_since(self.raised) >= MINUTE {
            let tenth = (self.limit / 10).max(1);
            self.working = self.working.saturating_add(tenth).min(self.limit);
            self.raised += MINUTE;
        }
    }

    fn fill(&mut self, until: Instant) {
        let span = until.saturating_duration_since(self.settled);
        let full = u128::from(burst(self.working)) * PLACE;
        let flow = span.as_nanos() * u128::from(refill(self.working));
        self.level = (self.level + flow).min(full);
        self.settled = self.settled.max(until);
    }
}

#[cfg(test)]
mod tests;
