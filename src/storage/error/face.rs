//! What the callers of the service learn of storage's errors.

use super::StorageError;
use crate::{
    error::{Error, ErrorCode},
    storage::{NameError, TtlError},
};

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        let error = match error {
            // A call's own errors have their faces already.
            StorageError::RateLimited(error) | StorageError::Call(error) => return error.into(),
            other => other,
        };
        let (code, message) = face(&error);
        let mut public = Self::new(code, message)
            .upstream_trace_id(error.upstream_trace_id().map(str::to_owned));
        if let Some(wait) = error.retry_after() {
            public = public.retry_after(wait);
        }
        public.caused_by(error)
    }
}

/// The code, and the sentence for the caller.
fn face(error: &StorageError) -> (ErrorCode, &'static str) {
    match error {
        StorageError::AlreadyExists(_) => (
            ErrorCode::BadRequest,
            "This exists already. Read it, and change it if need be.",
        ),
        StorageError::ConditionFailed(_) => (
            ErrorCode::BadRequest,
            "What is stored has changed in the meantime. Read it again, then try again.",
        ),
        StorageError::Unauthorized(_) => (
            ErrorCode::UpstreamUnauthorized,
            "Forge storage refused the app's token. Try again; if it stays so, see that the app is still installed.",
        ),
        StorageError::Forbidden(_) => (
            ErrorCode::Forbidden,
            "Forge storage does not permit this. Add the scope `storage:app` to the app's manifest, deploy it, and have the app upgraded on the site.",
        ),
        StorageError::TooLarge { .. } => (
            ErrorCode::PayloadTooLarge,
            "Forge storage takes at most 240 KiB for one value and 4 MB for one request. Store less at once.",
        ),
        StorageError::TooDeep { .. } => (
            ErrorCode::BadRequest,
            "Forge storage takes at most 31 objects and lists within each other. Store it flatter.",
        ),
        StorageError::Null => (
            ErrorCode::BadRequest,
            "Forge storage cannot hold `null`. Delete the value instead.",
        ),
        StorageError::DuplicateKey => (
            ErrorCode::BadRequest,
            "Forge storage takes each key once in a batch or a transaction.",
        ),
        StorageError::OutOfRange { .. } => (
            ErrorCode::BadRequest,
            "Forge storage takes 1 to 25 items in a batch or a transaction, 1 to 100 conditions, and 1 to 100 entries in a page.",
        ),
        StorageError::Unwritable(_) => (
            ErrorCode::InternalError,
            "Forge storage was not asked: the remote has a value that is no JSON. Its log has the cause under this trace id.",
        ),
        StorageError::Invalid(_) => (
            ErrorCode::UpstreamError,
            "Forge storage cannot do what it was asked. The remote's log has the cause under this trace id.",
        ),
        StorageError::Partial(_) => (
            ErrorCode::UpstreamError,
            "Forge storage did only a part of it. Try again.",
        ),
        _ => (
            ErrorCode::UpstreamError,
            "Forge storage gave no usable answer. Try again later; the remote's log has the cause under this trace id.",
        ),
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::new(ErrorCode::BadRequest, format!("This is {error}.")).caused_by(error)
    }
}

impl From<TtlError> for Error {
    fn from(error: TtlError) -> Self {
        let message = "Forge storage keeps a value for a second to 365 days.";
        Self::new(ErrorCode::BadRequest, message).caused_by(error)
    }
}
