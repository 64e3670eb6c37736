//! How long the caller still waits.
//!
//! ```
//! use std::{future::pending, time::Duration};
//! use forge_remote::deadline::{Deadline, DeadlineExceeded};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let deadline = Deadline::after(Duration::from_secs(20));
//! assert!(deadline.allows(Duration::from_secs(5)));
//! assert!(deadline.remaining() <= Duration::from_secs(20));
//!
//! // One step of the work gets less, and never more than there is.
//! let step = deadline.within(Duration::from_millis(10));
//! assert_eq!(step.bound(pending::<()>()).await, Err(DeadlineExceeded));
//! assert_eq!(deadline.bound(async { "in time" }).await, Ok("in time"));
//! # });
//! ```

use std::{future::Future, time::Duration};

use tokio::time::Instant;

/// Longer than any process lives. Much longer, and the moment could not be expressed.
const FOR_EVER: Duration = Duration::from_hours(30 * 365 * 24);

/// The moment after which an answer reaches nobody.
///
/// Set when a request arrives, and the bound of every wait on its behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// There was no time left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller's time ran out")]
pub struct DeadlineExceeded;

impl Deadline {
    /// That long from now, and 30 years at most.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        Self(Instant::now() + span.min(FOR_EVER))
    }

    /// What is left; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether `span` still fits.
    #[must_use]
    pub fn allows(self, span: Duration) -> bool {
        span < self.remaining()
    }

    /// The earlier of this and `span` from now.
    #[must_use]
    pub fn within(self, span: Duration) -> Self {
        self.min(Self::after(span))
    }

    /// Waits for `future`, no longer than there is time.
    ///
    /// # Errors
    /// [`DeadlineExceeded`] if the time ran out first; `future` is dropped then.
    pub async fn bound<F: Future>(self, future: F) -> Result<F::Output, DeadlineExceeded> {
        tokio::time::timeout_at(self.0, future)
            .await
            .map_err(|_| DeadlineExceeded)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any, and more often one that a caller may have.
    fn span() -> impl Strategy<Value = Duration> {
        let usual = (0_u64..30_000_000).prop_map(Duration::from_millis);
        prop_oneof![usual, any::<Duration>(), Just(Duration::MAX)]
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_was_given_less_what_has_passed(
            span in span(),
            other in span(),
            passed in (0_u64..4_000_000).prop_map(Duration::from_millis),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let (deadline, bounded) = runtime.block_on(async {
                let deadline = Deadline::after(span);
                let bounded = deadline.within(other);
                tokio::time::advance(passed).await;
                (deadline, bounded)
            });
            let _inside = runtime.enter();
            let left = deadline.remaining();
            prop_assert_eq!(left, span.min(FOR_EVER).saturating_sub(passed));
            prop_assert!(!deadline.allows(left));
            prop_assert!(left.is_zero() || deadline.allows(left.saturating_sub(Duration::from_nanos(1))));
            let both = span.min(other).min(FOR_EVER);
            prop_assert_eq!(bounded.remaining(), both.saturating_sub(passed));
        }
    }
}
