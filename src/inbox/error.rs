//! How a handler says that it failed, and what is to happen then.

use std::{error::Error as StdError, time::Duration};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a job failed, and whether it is tried again.
///
/// `?` turns any error into [`Retry`](Self::Retry). A product's wish to be left alone for a
/// while is kept, whichever variant carries it; and where the error is that no app token
/// lives, the job waits for one without losing an attempt.
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
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// Try again, each time after a longer while; after the last attempt it is a dead letter.
    Retry(BoxError),
    /// Try again after this; it counts as an attempt.
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
