//! How a handler says that it failed, and what is to happen then.

use std::{error::Error as StdError, time::Duration};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a job failed, and whether it is tried again.
///
/// `?` turns any error into [`Retry`](Self::Retry). What the remote then does depends on what
/// the error or one of its causes is:
///
/// | the error | what happens | an attempt |
/// |---|---|---|
/// | no app token lives | waits until the installation has one | is not lost |
/// | a product refuses, 401 or 403, in the first ten minutes of an installation | again after 5, 25, 125, 625 s: its bot account gets its permissions late (Forge events, "Eventual consistency") | is not lost |
/// | a product or the impersonation quota asks to wait | again after that, or later | is lost |
/// | anything else | again after 2, 8, 32 s … half an hour, and up to twice that | is lost |
///
/// The last attempt makes it a dead letter. So does waiting without losing attempts, after
/// eight days; and no wait is longer than a day.
///
/// An error of your own lets its causes be found through [`source`](StdError::source). One
/// that passes them off as itself does not: with `thiserror`, `#[error("…")]` and `#[from]`,
/// not `#[error(transparent)]`. An `anyhow::Error` goes into [`retry`](Self::retry), with
/// `map_err`.
///
/// What is kept and logged of an error is its text and that of its causes, 4 KiB of it: put
/// nothing of an event's body into it.
///
/// ```
/// use forge_remote::inbox::{Event, JobError};
/// use forge_remote::product::ProductError;
/// use serde_json::Value;
///
/// async fn page_updated(event: Event) -> Result<(), JobError> {
///     let id = event.payload.pointer("/content/id").and_then(Value::as_str);
///     let id = id.ok_or_else(|| JobError::drop("the event names no page"))?;
///     let confluence = event.as_app()?.confluence()?;
///     match confluence.get("/wiki/api/v2/pages/{id}").segment("id", id).json::<Value>().await {
///         Err(ProductError::NotFound(_)) => Err(JobError::drop("the page is gone")),
///         page => Ok(drop(page?)),
///     }
/// }
/// ```
///
/// The three of them by hand:
///
/// ```
/// use std::time::Duration;
/// use forge_remote::JobError;
///
/// let later = JobError::retry("the search has not caught up");
/// let in_a_minute = JobError::retry_after(Duration::from_secs(60), "the export is being made");
/// let never = JobError::drop("the page is gone");
/// assert_eq!(never.source().to_string(), "the page is gone");
/// assert!(matches!(later, JobError::Retry(_)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// Try again, each time after a longer while.
    Retry(BoxError),
    /// Try again after this, or up to a tenth later, so that jobs do not come back all at
    /// once; if a product asks for more, after that.
    RetryAfter(Duration, BoxError),
    /// There is nothing to be done: the job has ended, with a line in the log.
    Drop(BoxError),
}

impl JobError {
    /// Try again later.
    pub fn retry(error: impl Into<BoxError>) -> Self {
        Self::Retry(error.into())
    }

    /// Try again after `wait`.
    pub fn retry_after(wait: Duration, error: impl Into<BoxError>) -> Self {
        Self::RetryAfter(wait, error.into())
    }

    /// Nothing is to be done.
    pub fn drop(why: impl Into<BoxError>) -> Self {
        Self::Drop(why.into())
    }

    /// What went wrong.
    #[must_use]
    pub fn source(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match self {
            Self::Retry(error) | Self::RetryAfter(_, error) | Self::Drop(error) => error.as_ref(),
        }
    }
}

impl<E> From<E> for JobError
where
    E: StdError + Send + Sync + 'static,
{
    fn from(error: E) -> Self {
        Self::Retry(Box::new(error))
    }
}
