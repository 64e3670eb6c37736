//! The one error that leaves the service, and its JSON shape.
//!
//! Inside, each room has an enum of its own. Where it reaches a handler it turns
//! into an [`Error`]: a code that callers can match, a sentence that tells them
//! what to do, and the cause, which only the log sees.
//!
//! ```
//! use std::time::Duration;
//! use axum::{Json, extract::Path};
//! use forge_remote::{Error, ErrorCode, Invocation};
//!
//! async fn report(_: Invocation, Path(name): Path<String>) -> Result<Json<String>, Error> {
//!     let text = std::fs::read_to_string(format!("reports/{}", name.len())).map_err(|error| {
//!         Error::new(ErrorCode::NotFound, "There is no such report.").caused_by(error)
//!     })?;
//!     Ok(Json(text))
//! }
//!
//! let busy = Error::new(ErrorCode::RateLimited, "Wait before you ask again.")
//!     .retry_after(Duration::from_secs(30))
//!     .upstream_trace_id(Some("463ac35c9f6413ad".to_owned()));
//! assert_eq!(busy.message(), "Wait before you ask again.");
//! assert_eq!(busy.wait(), Some(Duration::from_secs(30)));
//! assert_eq!(busy.upstream_trace(), Some("463ac35c9f6413ad"));
//! assert_eq!(busy.response(None).headers()["retry-after"], "30");
//!
//! let ours = Error::internal(std::io::Error::other("the disk is full"));
//! assert_eq!(ours.code().as_str(), "internal_error");
//! assert_eq!(ours.causes(), "the disk is full"); // for the log; the caller is not told
//! ```

mod code;

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;

pub use self::code::ErrorCode;
use crate::trace::TraceId;

/// An error as a caller of the service meets it.
///
/// Handlers return it; every error of this crate turns into it with `?`.
///
/// ```
/// use forge_remote::{Error, ErrorCode};
/// let error = Error::new(ErrorCode::Forbidden, "Only a site administrator may do this.");
/// assert_eq!(error.code().status(), 403);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    code: ErrorCode,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    upstream_trace_id: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a sentence that tells the caller what to do. The sentence holds
    /// no token, no claim of somebody else and no internal detail.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            retry_after: None,
            upstream_trace_id: None,
            source: None,
        }))
    }

    /// A failure that is the service's own: the caller learns no more than that.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(
            ErrorCode::InternalError,
            "The remote failed. Its log has the cause under this trace id.",
        )
        .caused_by(source)
    }

    /// Keeps the cause, for the log only.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Tells the caller when to come again; whole seconds are sent, rounded up.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Keeps the trace id that the product gave to its answer.
    #[must_use]
    pub fn upstream_trace_id(mut self, id: Option<String>) -> Self {
        self.0.upstream_trace_id = id;
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// How long the caller is asked to wait, if it is.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The product's own trace id, if a product's answer is the cause.
    #[must_use]
    pub fn upstream_trace(&self) -> Option<&str> {
        self.0.upstream_trace_id.as_deref()
    }

    /// Cause and causes of the cause, for a log line.
    #[must_use]
    pub fn causes(&self) -> String {
        let mut text = String::new();
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// The answer that carries this error, for the request of that trace.
    #[must_use]
    pub fn response(self, trace: Option<&TraceId>) -> Response {
        let mut response = (self.0.code.status(), self.body(trace)).into_response();
        let headers = response.headers_mut();
        // Without parameters: whether the platform compares the whole value is not documented.
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(wait) = self.0.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }

    fn body(&self, trace: Option<&TraceId>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Detail<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Detail<'a> {
            code: &'a str,
            message: &'a str,
            trace_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            upstream_trace_id: Option<&'a str>,
        }
        let detail = Detail {
            code: self.0.code.as_str(),
            message: &self.0.message,
            trace_id: trace.map(TraceId::as_str),
            upstream_trace_id: self.0.upstream_trace_id.as_deref(),
        };
        // Strings and options of strings always serialise.
        serde_json::to_vec(&Body { error: detail }).unwrap_or_default()
    }
}

/// The error behind a response, for the layer that logs it and adds the trace id.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Arc<Error>);

impl Failure {
    /// The same answer with the trace id in its body.
    pub(crate) fn body(&self, trace: &TraceId) -> Vec<u8> {
        self.0.body(Some(trace))
    }
}

impl From<crate::deadline::DeadlineExceeded> for Error {
    fn from(error: crate::deadline::DeadlineExceeded) -> Self {
        let message = "The answer took longer than the caller waits. Ask for less, or try again.";
        Self::new(ErrorCode::DeadlineExceeded, message).caused_by(error)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.response(None)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("retry_after", &self.0.retry_after)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_sent_in_whole_seconds_rounded_up() {
        for (wait, sent) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (30_000, "30")] {
            let error = Error::new(ErrorCode::RateLimited, "Wait.")
                .retry_after(Duration::from_millis(wait));
            assert_eq!(
                error.into_response().headers()[header::RETRY_AFTER],
                sent,
                "{wait} ms"
            );
        }
    }
}
