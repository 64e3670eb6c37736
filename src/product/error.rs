//! What can go wrong between a client and a product.

mod face;

use std::time::Duration;

use http::StatusCode;

use super::{Api, Call, PaginationError, PathError, Refusal, meter::Class};
use crate::{error::Error, outbound::HostNotAllowed};

/// A call to a product failed. The variants differ in what one can do about it.
///
/// It turns into an [`Error`] with `?`: 403, 404 and 429 keep their meaning, a 401 becomes
/// `upstream_unauthorized`, and whatever else a product may do `upstream_error`.
///
/// ```
/// use forge_remote::product::{Jira, ProductError};
/// use serde_json::Value;
///
/// async fn find(jira: &Jira, key: &str) -> Result<Option<Value>, ProductError> {
///     match jira.get("/rest/api/3/issue/{key}").segment("key", key).json().await {
///         Err(ProductError::NotFound(_)) => Ok(None),
///         issue => issue.map(Some),
///     }
/// }
/// ```
///
/// Each holds what there is to tell about it:
///
/// ```
/// use forge_remote::product::{DecodeError, PaginationError, PathError, ProductError, RequestError, TransportError};
///
/// fn advice(error: &ProductError) -> &'static str {
///     match error {
///         ProductError::RateLimited { .. } => "come again later",
///         ProductError::Transport { source: TransportError::Slow(_), .. } => "the product is slow",
///         ProductError::Decode { source: DecodeError::Syntax { .. }, .. } => "that was no API",
///         ProductError::InvalidPath { source: PathError::Missing(_), .. }
///         | ProductError::InvalidRequest { source: RequestError::InvalidHeader, .. } => "a mistake of ours",
///         ProductError::Pagination { source: PaginationError::TooManyPages(_), .. } => "ask for less",
///         _ => "see the log",
///     }
/// }
///
/// fn for_the_log(error: &ProductError) -> String {
///     format!(
///         "{:?} {:?}, trace {:?}, wait {:?}, call {:?}",
///         error.status(),
///         error.message(),
///         error.upstream_trace_id(),
///         error.retry_after(),
///         error.refusal().map(|refusal| refusal.call().to_string()),
///     )
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProductError {
    /// 401, and another token did not help or could not be had. The product also answers
    /// so where an operation does not take the tokens of apps.
    #[error("{0}")]
    Unauthorized(Box<Refusal>),
    /// 403: a scope is missing, or the principal may not do this.
    #[error("{0}")]
    Forbidden(Box<Refusal>),
    /// 404: it is not there, or the principal may not know that it is.
    #[error("{0}")]
    NotFound(Box<Refusal>),
    /// 429, now or a moment ago: come again after the wait.
    #[error("{call} is rate limited for {} s more", retry_after.as_secs_f32().ceil())]
    RateLimited {
        /// What was called.
        call: Call,
        /// How long to wait, at most an hour.
        retry_after: Duration,
        /// The answer; none where an earlier 429 is still in force and nothing was sent.
        refusal: Option<Box<Refusal>>,
    },
    /// Any other answer that is not 2xx; a redirect too, as none is followed.
    #[error("{0}")]
    Status(Box<Refusal>),
    /// The caller's time ran out.
    #[error("{0}: the caller's time ran out")]
    Deadline(Call),
    /// The connection failed, or one try took too long. What was sent may have arrived.
    #[error("{call}: no complete answer came")]
    Transport {
        /// What was called.
        call: Call,
        /// What happened to the connection.
        #[source]
        source: TransportError,
    },
    /// The answer's body is larger than was asked for.
    #[error("{call}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// What was called.
        call: Call,
        /// The limit, in bytes after decompression.
        limit: usize,
    },
    /// The answer is 2xx but is not what was expected.
    #[error("{call}: the answer cannot be read")]
    Decode {
        /// What was called.
        call: Call,
        /// Where reading failed.
        #[source]
        source: DecodeError,
        /// Atlassian's own trace id of the answer.
        trace_id: Option<String>,
    },
    /// The base URL is not one that may get a token. Nothing was sent.
    #[error("the {api} base URL may not get a token")]
    HostNotAllowed {
        /// The API that was to be called.
        api: Api,
        /// Which host it was.
        #[source]
        source: HostNotAllowed,
    },
    /// The base URL is no URL. Nothing was sent.
    #[error("the {api} base URL cannot be read")]
    InvalidBase {
        /// The API that was to be called.
        api: Api,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// The path cannot be sent. Nothing was.
    #[error("{call}: the path cannot be sent")]
    InvalidPath {
        /// What was to be called.
        call: Call,
        /// What is wrong with it.
        #[source]
        source: PathError,
    },
    /// Query, body or a header cannot be sent. Nothing was.
    #[error("{call}: the request cannot be sent")]
    InvalidRequest {
        /// What was to be called.
        call: Call,
        /// What is wrong with it.
        #[source]
        source: RequestError,
    },
    /// The list cannot be read on.
    #[error("{call}: the list cannot be read on")]
    Pagination {
        /// What was called.
        call: Call,
        /// Why not.
        #[source]
        source: PaginationError,
    },
    /// The credentials gave no token. Nothing was sent with this one.
    #[error("no token for the call")]
    Credentials(#[source] Error),
}

/// What happened to a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// It could not be made, was lost, or carried something that is not HTTP.
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    /// One try took too long.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Slow(Duration),
}

/// Where reading an answer failed. It quotes nothing of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is not JSON.
    #[error("not JSON from line {line}, column {column}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// It is JSON of another shape than the type that was asked for.
    #[error("not a `{wanted}` from line {line}, column {column}")]
    Shape {
        /// The Rust type.
        wanted: &'static str,
        /// Line, from 1; in a list, from the beginning of the item.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// It is not UTF-8.
    #[error("not UTF-8 after {0} bytes")]
    Utf8(usize),
}

impl DecodeError {
    /// serde's own words quote the value that does not fit; these do not.
    pub(super) fn of<T>(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        if error.is_data() {
            let wanted = std::any::type_name::<T>();
            Self::Shape {
                wanted,
                line,
                column,
            }
        } else {
            Self::Syntax { line, column }
        }
    }
}

/// Why a request cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Only pairs of names and plain values make a query.
    #[error("the query cannot be written")]
    Query(#[source] serde_urlencoded::ser::Error),
    /// The body cannot be written as JSON.
    #[error("the body cannot be written as JSON")]
    Body(#[source] serde_json::Error),
    /// The header is the client's own to set.
    #[error("`{0}` is set by the client")]
    ReservedHeader(http::HeaderName),
    /// A header's name or value holds characters that no header can carry.
    #[error("a header's name or value cannot be sent")]
    InvalidHeader,
}

impl ProductError {
    /// The error that an answer of that status is.
    pub(super) fn of(refusal: Box<Refusal>, wait: Option<Duration>) -> Self {
        match refusal.status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized(refusal),
            StatusCode::FORBIDDEN => Self::Forbidden(refusal),
            StatusCode::NOT_FOUND => Self::NotFound(refusal),
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited {
                call: refusal.call.clone(),
                retry_after: wait.or(refusal.retry_after).unwrap_or_default(),
                refusal: Some(refusal),
            },
            _ => Self::Status(refusal),
        }
    }

    /// The product's answer, if there was one and it was an error.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Unauthorized(refusal)
            | Self::Forbidden(refusal)
            | Self::NotFound(refusal)
            | Self::Status(refusal) => Some(refusal),
            Self::RateLimited { refusal, .. } => refusal.as_deref(),
            _ => None,
        }
    }

    /// The status of the product's answer, if there was one and it was an error.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.refusal().map(Refusal::status)
    }

    /// The product's own words, in one line.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.refusal().and_then(Refusal::message)
    }

    /// How long the product asks to wait, at most an hour.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            _ => self.refusal().and_then(Refusal::retry_after),
        }
    }

    /// Atlassian's own trace id of the answer.
    #[must_use]
    pub fn upstream_trace_id(&self) -> Option<&str> {
        match self {
            Self::Decode { trace_id, .. } => trace_id.as_deref(),
            _ => self.refusal().and_then(Refusal::upstream_trace_id),
        }
    }

    /// What the call came to, for a metric.
    pub(super) const fn class(&self) -> Class {
        match self {
            Self::Unauthorized(_) | Self::Forbidden(_) | Self::NotFound(_) => Class::ClientError,
            Self::RateLimited { .. } => Class::RateLimited,
            Self::Status(refusal) => match refusal.status.as_u16() {
                300..400 => Class::Redirect,
                400..500 => Class::ClientError,
                500..600 => Class::ServerError,
                _ => Class::Error,
            },
            Self::Deadline(_) => Class::Deadline,
            Self::Transport { .. } => Class::Transport,
            Self::TooLarge { .. } => Class::TooLarge,
            _ => Class::Error,
        }
    }

    fn api(&self) -> Option<Api> {
        match self {
            Self::RateLimited { call, .. }
            | Self::Deadline(call)
            | Self::Transport { call, .. }
            | Self::TooLarge { call, .. }
            | Self::Decode { call, .. }
            | Self::InvalidPath { call, .. }
            | Self::InvalidRequest { call, .. }
            | Self::Pagination { call, .. } => Some(call.api),
            Self::HostNotAllowed { api, .. } | Self::InvalidBase { api, .. } => Some(*api),
            _ => self.refusal().map(|refusal| refusal.call.api),
        }
    }
}
