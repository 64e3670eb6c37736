//! How long the caller still waits.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

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
    /// That long from now.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        Self(Instant::now() + span)
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
