//! What the callers of the service learn of a product's error.

use super::ProductError;
use crate::{
    error::{Error, ErrorCode},
    product::{Api, PathError},
};

impl From<ProductError> for Error {
    fn from(error: ProductError) -> Self {
        let error = match error {
            ProductError::Credentials(error) => return error,
            other => other,
        };
        let (code, message) = face(&error);
        let product = error.api().map_or("The product", Api::title);
        let mut public = Self::new(code, format!("{product} {message}"))
            .upstream_trace_id(error.upstream_trace_id().map(str::to_owned));
        if let Some(wait) = error.retry_after() {
            public = public.retry_after(wait);
        }
        public.caused_by(error)
    }
}

/// The code, and what follows the product's name in the sentence for the caller.
fn face(error: &ProductError) -> (ErrorCode, &'static str) {
    match error {
        ProductError::Unauthorized(_) => (
            ErrorCode::UpstreamUnauthorized,
            "refused the token. Try again; if it stays so, see that the app is still installed and that its manifest has the scopes for this.",
        ),
        ProductError::Forbidden(_) => (
            ErrorCode::Forbidden,
            "does not permit this. Ask for access, or see that the app's manifest has the scopes for it.",
        ),
        ProductError::NotFound(_) => (
            ErrorCode::NotFound,
            "has no such thing, or does not show it to this account.",
        ),
        ProductError::RateLimited { .. } => (
            ErrorCode::RateLimited,
            "limits the calls of this app. Try again after the time in `Retry-After`.",
        ),
        ProductError::Deadline(_) => (
            ErrorCode::DeadlineExceeded,
            "did not answer in time. Try again, or ask for less at once.",
        ),
        ProductError::InvalidPath {
            source: PathError::Value(_),
            ..
        } => (
            ErrorCode::BadRequest,
            "cannot be asked for that: an id in the request is empty or not an id.",
        ),
        ProductError::InvalidPath { .. } | ProductError::InvalidRequest { .. } => (
            ErrorCode::InternalError,
            "was not asked: the remote built a request that cannot be sent. Its log has the cause under this trace id.",
        ),
        _ => (
            ErrorCode::UpstreamError,
            "gave no usable answer. Try again later; the remote's log has the cause under this trace id.",
        ),
    }
}
