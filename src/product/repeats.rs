//! When a request is sent again, and after which wait. Pure: it neither sends nor waits.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::Method;

use crate::deadline::Deadline;

/// A request is sent at most this often, whatever it meets.
const TRIES: u32 = 3;

/// First wait where the product names none; it doubles, and up to as much again is added.
pub(super) const FIRST_DELAY: Duration = Duration::from_millis(250);

/// A longer wait is the caller's to decide on: it holds a connection and a place in a queue.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A wait that leaves less time than this for the try behind it is not worth it.
const LEAST_TRY: Duration = Duration::from_millis(100);

/// Why a request is sent again: the `reason` of `forge_product_retries_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// 401, and the credentials have another token.
    Unauthorized,
    /// 429: nothing was done.
    RateLimited,
    /// 502, 503 or 504.
    Unavailable,
    /// The connection failed.
    Transport,
}

impl Reason {
    pub(super) const COUNT: usize = Self::Transport as usize + 1;

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Transport => "transport",
        }
    }
}

/// What to do after a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// How long the product should be left alone.
    pub(super) wait: Duration,
    /// Whether this request may come back after that wait.
    pub(super) again: bool,
}

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Repeats {
    idempotent: bool,
    left: u32,
    renewed: bool,
    first_delay: Duration,
    /// Made after the first failure: most requests meet none.
    delays: Option<ExponentialBackoff>,
}

impl Repeats {
    pub(super) const fn new(idempotent: bool, first_delay: Duration) -> Self {
        Self {
            idempotent,
            left: TRIES - 1,
            renewed: false,
            first_delay,
            delays: None,
        }
    }

    /// After a failed try: `asked` is the wait that the product named.
    pub(super) fn after(
        &mut self,
        reason: Reason,
        asked: Option<Duration>,
        deadline: Deadline,
    ) -> Step {
        // The delays go on for ever: the fallback is for the type only.
        let delay = self.delays().next().unwrap_or(LONGEST_WAIT);
        let wait = asked.unwrap_or(delay);
        // Nothing was done on a 429, so it may be repeated whatever the method.
        let harmless = self.idempotent || reason == Reason::RateLimited;
        let again = harmless && self.left > 0 && fits(wait, deadline);
        self.left -= u32::from(again);
        Step { wait, again }
    }

    fn delays(&mut self) -> &mut ExponentialBackoff {
        self.delays.get_or_insert_with(|| {
            ExponentialBuilder::new()
                .with_min_delay(self.first_delay)
                .with_jitter()
                .without_max_times()
                .build()
        })
    }

    /// After a 401: whether the credentials should be asked for another token. Once only.
    pub(super) const fn may_renew(&mut self) -> bool {
        !std::mem::replace(&mut self.renewed, true)
    }

    /// Takes the try that a renewed token needs, if one is left.
    pub(super) const fn take(&mut self) -> bool {
        let left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        left
    }
}

/// Whether it pays to wait that long for another try.
pub(super) fn fits(wait: Duration, deadline: Deadline) -> bool {
    wait <= LONGEST_WAIT && deadline.allows(wait.saturating_add(LEAST_TRY))
}

/// What is added to a wait that several callers may share, so that they do not all come in
/// the same moment. At most [`LEAST_TRY`], which a wait that [`fits`] leaves over.
pub(super) fn apart() -> Duration {
    let mut once = ExponentialBuilder::new()
        .with_min_delay(LEAST_TRY / 2)
        .with_jitter()
        .build();
    once.next().unwrap_or(LEAST_TRY)
}

/// Whether doing it twice is the same as doing it once (RFC 9110, 9.2.2).
pub(super) fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS
    )
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn seconds(n: u64) -> Deadline {
        Deadline::after(Duration::from_secs(n))
    }

    #[tokio::test(start_paused = true)]
    async fn delays_double_with_jitter_and_tries_end() {
        let mut repeats = Repeats::new(true, FIRST_DELAY);
        for (from, again) in [(250, true), (500, true), (1000, false), (2000, false)] {
            let step = repeats.after(Reason::Unavailable, None, seconds(60));
            let from = Duration::from_millis(from);
            assert!(
                (from..=from * 2).contains(&step.wait),
                "{:?} is not between {from:?} and its double",
                step.wait
            );
            assert_eq!(step.again, again);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_429_is_repeated_where_twice_is_not_once() {
        for (reason, again) in [
            (Reason::Unavailable, false),
            (Reason::Transport, false),
            (Reason::RateLimited, true),
        ] {
            let mut repeats = Repeats::new(false, FIRST_DELAY);
            assert_eq!(
                repeats.after(reason, Some(SECOND), seconds(60)).again,
                again,
                "{reason:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_must_fit_and_be_short() {
        for (asked, deadline, again) in [
            (0, 1, true),
            (1, 25, true),
            (10, 25, true),
            (11, 25, false),
            (3600, 7200, false),
            (5, 4, false),
            (5, 5, false),
            (5, 6, true),
        ] {
            let mut repeats = Repeats::new(true, FIRST_DELAY);
            let asked = Duration::from_secs(asked);
            let step = repeats.after(Reason::RateLimited, Some(asked), seconds(deadline));
            assert_eq!(step, Step { wait: asked, again }, "{deadline} s left");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_once_and_costs_a_try() {
        let mut repeats = Repeats::new(true, FIRST_DELAY);
        assert!(repeats.may_renew() && repeats.take());
        assert!(!repeats.may_renew());
        assert!(repeats.after(Reason::Transport, None, seconds(60)).again);
        assert!(!repeats.take());
        assert!(!repeats.after(Reason::RateLimited, None, seconds(60)).again);
    }

    #[test]
    fn what_is_added_to_a_wait_is_never_more_than_what_it_leaves() {
        for _ in 0..100 {
            assert!((LEAST_TRY / 2..=LEAST_TRY).contains(&apart()));
        }
    }
}
