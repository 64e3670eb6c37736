//! What can go wrong with storage.

mod face;

use std::time::Duration;

use http::StatusCode;

use super::Failure;
use crate::product::{PaginationError, ProductError, Refusal};

/// What an error without a code of its own is called, as in the platform's own client.
pub(super) const UNKNOWN: &str = "UNKNOWN_ERROR";

/// Storage cannot do it. The variants differ in what one can do about it.
///
/// That nothing is under a key is no error. It turns into an [`Error`](crate::Error) with `?`.
///
/// ```
/// use forge_remote::storage::StorageError;
///
/// fn for_the_log(error: &StorageError) -> String {
///     let answer = error.refusal().and_then(|refusal| refusal.message());
///     match error {
///         StorageError::RateLimited(_) => format!("again in {:?}", error.retry_after()),
///         _ => format!("{:?} {answer:?}, trace {:?}", error.code(), error.upstream_trace_id()),
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// 409 to a [`create`](super::Set::create): something is under the key already.
    #[error("{0}")]
    AlreadyExists(Box<Refusal>),
    /// A condition of a [transaction](super::Transaction) is not met. Nothing was written.
    #[error("{0}")]
    ConditionFailed(Box<Refusal>),
    /// 400, 413 or 422: the platform cannot do what it was asked, now or ever.
    /// [`code`](Self::code) says why.
    #[error("{0}")]
    Invalid(Box<Refusal>),
    /// 401, and another token did not help or could not be had.
    #[error("{0}")]
    Unauthorized(Box<Refusal>),
    /// 403: the manifest lacks the scope `storage:app`, or the site's administrator has not
    /// agreed to it yet.
    #[error("{0}")]
    Forbidden(Box<Refusal>),
    /// 429, now or a moment ago: come again after [`retry_after`](Self::retry_after).
    #[error(transparent)]
    RateLimited(ProductError),
    /// More JSON than the platform takes. Nothing was sent.
    #[error("{what} has at most {limit} bytes")]
    TooLarge {
        /// What is too large: `a value` or `a request`.
        what: &'static str,
        /// The limit, in bytes of JSON.
        limit: usize,
    },
    /// More objects and lists within each other than the platform takes. Nothing was sent.
    #[error("a value has at most {limit} objects and lists within each other")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// `null` is no value; delete the key instead. Nothing was sent.
    #[error("`null` cannot be stored")]
    Null,
    /// The value cannot be written as JSON. Nothing was sent.
    #[error("the value cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// Too few or too many. Nothing was sent.
    #[error("{what} must be 1 to {most}")]
    OutOfRange {
        /// Of what.
        what: &'static str,
        /// The most that there may be.
        most: usize,
    },
    /// A key occurs twice in a batch or a transaction. Nothing was sent.
    #[error("a key occurs twice")]
    DuplicateKey,
    /// The query cannot be read on. The entries before were right.
    #[error("the query cannot be read on")]
    Pagination(#[source] PaginationError),
    /// Items of a batch failed, and the others did not: see
    /// [`Batch::complete`](super::Batch::complete).
    #[error("{} items of a batch failed, one of them with `{}`", .0.len(), first(.0))]
    Partial(Vec<Failure>),
    /// What can happen to any call: the time ran out, the connection failed, the answer is an
    /// unexpected one or cannot be read.
    #[error(transparent)]
    Call(ProductError),
}

fn first(failures: &[Failure]) -> &str {
    failures.first().map_or(UNKNOWN, |failure| &failure.code)
}

impl From<ProductError> for StorageError {
    fn from(error: ProductError) -> Self {
        match error {
            ProductError::Unauthorized(refusal) => Self::Unauthorized(refusal),
            ProductError::Forbidden(refusal) => Self::Forbidden(refusal),
            ProductError::Status(refusal)
                if matches!(refusal.status().as_u16(), 400 | 413 | 422) =>
            {
                Self::Invalid(refusal)
            }
            limited @ ProductError::RateLimited { .. } => Self::RateLimited(limited),
            other => Self::Call(other),
        }
    }
}

impl StorageError {
    /// The platform's word for it, such as `INVALID_KEY`; `UNKNOWN_ERROR` where its answer
    /// has none. None if there was no answer, or a good one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let refusal = self.refusal()?;
        Some(refusal.code().unwrap_or(UNKNOWN))
    }

    /// The platform's answer, if there was one and it was an error.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::AlreadyExists(refusal)
            | Self::ConditionFailed(refusal)
            | Self::Invalid(refusal)
            | Self::Unauthorized(refusal)
            | Self::Forbidden(refusal) => Some(refusal),
            Self::RateLimited(error) | Self::Call(error) => error.refusal(),
            _ => None,
        }
    }

    /// How long the platform asks to wait, at most an hour.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(error) | Self::Call(error) => error.retry_after(),
            _ => self.refusal().and_then(Refusal::retry_after),
        }
    }

    /// Atlassian's own trace id of the answer.
    #[must_use]
    pub fn upstream_trace_id(&self) -> Option<&str> {
        match self {
            Self::RateLimited(error) | Self::Call(error) => error.upstream_trace_id(),
            _ => self.refusal().and_then(Refusal::upstream_trace_id),
        }
    }

    /// The error of a set that must not overwrite. The status is documented, the code is not.
    pub(super) fn of_create(self) -> Self {
        match self {
            Self::Call(ProductError::Status(refusal))
                if refusal.status() == StatusCode::CONFLICT =>
            {
                Self::AlreadyExists(refusal)
            }
            other => other,
        }
    }

    /// The error of a transaction with conditions. "4xx" is all that is documented: taken for
    /// a failed condition is what HTTP or the code call one.
    pub(super) fn of_conditions(self) -> Self {
        match self {
            Self::Call(ProductError::Status(refusal)) | Self::Invalid(refusal)
                if is_failed_condition(&refusal) =>
            {
                Self::ConditionFailed(refusal)
            }
            other => other,
        }
    }
}

fn is_failed_condition(refusal: &Refusal) -> bool {
    let called_so = |code: &str| code.contains("CONDITION") && code.contains("FAIL");
    match refusal.status() {
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => true,
        status => status.is_client_error() && refusal.code().is_some_and(called_so),
    }
}
