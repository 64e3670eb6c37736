//! After a 429, further calls of the same installation to the same base wait as well.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;
use tokio::{sync::Semaphore, time::Instant};

use super::repeats::{apart, fits};
use crate::{deadline::Deadline, ids::InstallationId};

/// Pauses that are remembered; beyond that the least used are forgotten, and a call in
/// one of them costs a 429.
const MOST_PAUSES: u64 = 10_000;

/// Callers that may wait for pauses to end, over all of them. More are told at once.
const MOST_WAITING: usize = 1_024;

/// Longer than any pause: `wait` cuts them at an hour.
const FORGET_AFTER: Duration = Duration::from_hours(2);

/// What is paused: calls of one installation, if known, to one base URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) installation: Option<InstallationId>,
    pub(super) base: Arc<str>,
}

/// The pauses in force, shared by all clients.
#[derive(Debug)]
pub(super) struct Pauses {
    ends: Cache<Scope, Instant>,
    /// When the last of them ends, in milliseconds from `began`, rounded up. Most of the
    /// time nothing is paused at all, and a call learns that here.
    last_end: AtomicU64,
    began: Instant,
    waiting: Semaphore,
}

/// A pause cannot be waited out: it ends that much later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paused(pub(super) Duration);

impl Pauses {
    pub(super) fn new() -> Self {
        Self {
            ends: Cache::builder()
                .max_capacity(MOST_PAUSES)
                .time_to_live(FORGET_AFTER)
                .build(),
            last_end: AtomicU64::new(0),
            began: Instant::now(),
            waiting: Semaphore::new(MOST_WAITING),
        }
    }

    /// Pauses a scope for `wait` from now; a pause that ends later stays.
    pub(super) fn begin(&self, scope: &Scope, wait: Duration) {
        let end = Instant::now() + wait;
        if self.ends.get(scope).is_none_or(|held| held < end) {
            self.ends.insert(scope.clone(), end);
        }
        // After the end itself: who sees this one sees that.
        self.last_end
            .fetch_max(self.millis_until(end) + 1, Ordering::Release);
    }

    /// Returns once the scope is not paused, having waited if the wait was short enough.
    ///
    /// # Errors
    /// [`Paused`] at once if the wait does not fit or too many wait already.
    pub(super) async fn pass(
        &self,
        scope: impl Fn() -> Scope,
        deadline: Deadline,
    ) -> Result<(), Paused> {
        // A pause can be extended while it is waited for: the loop ends with the deadline.
        while let Some(left) = self.left(&scope) {
            let _place = self.waiting.try_acquire().map_err(|_| Paused(left))?;
            if !fits(left, deadline) {
                return Err(Paused(left));
            }
            tokio::time::sleep(left.saturating_add(apart())).await;
        }
        Ok(())
    }

    fn left(&self, scope: impl Fn() -> Scope) -> Option<Duration> {
        let last_end = self.last_end.load(Ordering::Acquire);
        let now = Instant::now();
        if self.millis_until(now) >= last_end {
            return None;
        }
        let left = self.ends.get(&scope())?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    fn millis_until(&self, moment: Instant) -> u64 {
        let span = moment.saturating_duration_since(self.began);
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn scope(base: &str) -> Scope {
        Scope {
            installation: None,
            base: base.into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_pause_is_waited_out() {
        let (pauses, deadline) = (Pauses::new(), Deadline::after(SECOND * 20));
        pauses.begin(&scope("a"), SECOND * 3);
        pauses.begin(&scope("a"), SECOND);
        let before = Instant::now();
        assert_eq!(pauses.pass(|| scope("a"), deadline).await, Ok(()));
        let waited = before.elapsed();
        assert!((SECOND * 3..SECOND * 4).contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_its_scopes_alone() {
        let pauses = Pauses::new();
        pauses.begin(&scope("a"), SECOND * 3);
        let before = Instant::now();
        for other in [
            scope("b"),
            Scope {
                installation: Some(uuid::Uuid::nil().into()),
                ..scope("a")
            },
        ] {
            let passed = pauses.pass(|| other.clone(), Deadline::after(SECOND)).await;
            assert_eq!(passed, Ok(()));
        }
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_does_not_fit_is_told_at_once() {
        let pauses = Pauses::new();
        pauses.begin(&scope("a"), SECOND * 60);
        let before = Instant::now();
        let passed = pauses
            .pass(|| scope("a"), Deadline::after(SECOND * 100))
            .await;
        assert_eq!(passed, Err(Paused(SECOND * 60)));
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_waiting_callers_are_told_at_once() {
        let pauses = Pauses::new();
        pauses.begin(&scope("a"), SECOND);
        let _all = pauses.waiting.try_acquire_many(1_024).unwrap();
        let passed = pauses
            .pass(|| scope("a"), Deadline::after(SECOND * 20))
            .await;
        assert_eq!(passed, Err(Paused(SECOND)));
    }
}
