//! Why there is no token.

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use crate::error::{Error, ErrorCode};

/// Why an exchange gave no token, by what the caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ImpersonationError {
    /// The platform does not let the app act as this account in this context. Not for
    /// now; asking again within half a minute gives the same answer from memory.
    #[error("the gateway denied the exchange: {message}")]
    Denied {
        /// The gateway's own words, for the log only.
        message: Arc<str>,
        /// The trace id of the gateway's answer.
        upstream_trace: Option<Arc<str>>,
    },
    /// The gateway answered 401: the app's token is stale, take a newer one.
    ///
    /// With a token that other exchanges succeed with it means the account: accounts
    /// of apps and services cannot be impersonated, and the gateway says 401 to that too.
    #[error("the gateway refused the app's token")]
    AppTokenRefused {
        /// The trace id of the gateway's answer.
        upstream_trace: Option<Arc<str>>,
    },
    /// The quota has no place before the caller's time is up.
    #[error("no exchange for the next {} s", .retry_after.as_secs_f32().ceil())]
    RateLimited {
        /// When there will be one.
        retry_after: Duration,
    },
    /// The caller's time ran out. The exchange goes on and its token is kept.
    #[error("the caller's time ran out before the exchange ended")]
    Deadline,
    /// The gateway could not be reached, failed, or said something unreadable.
    #[error("the exchange failed")]
    Gateway {
        /// What went wrong.
        #[source]
        source: Arc<GatewayFault>,
        /// The trace id of the gateway's answer, if there was one.
        upstream_trace: Option<Arc<str>>,
    },
    /// The task that did the exchange is gone: it panicked, or the service stops.
    #[error("the exchange was cut short")]
    Interrupted,
}

/// What is wrong with the gateway, or with what it said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayFault {
    /// No connection, or it broke.
    #[error("the gateway cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// A connection, but no answer in time.
    #[error("the gateway did not answer in time")]
    TimedOut,
    /// A status that is neither an answer nor a refusal, of the response or of a GraphQL error in it.
    #[error("the gateway answered {status}: {message}")]
    Status {
        /// The status.
        status: StatusCode,
        /// The messages of the GraphQL errors, if there were any.
        message: String,
    },
    /// A status of success and no answer in it.
    #[error("the gateway's answer {0}")]
    Unreadable(&'static str),
}

impl GatewayFault {
    /// Whether the same request may succeed a moment later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut => true,
            Self::Status { status, .. } => status.is_server_error(),
            Self::Unreadable(_) => false,
        }
    }
}

impl ImpersonationError {
    fn upstream_trace(&self) -> Option<String> {
        match self {
            Self::Denied { upstream_trace, .. }
            | Self::AppTokenRefused { upstream_trace }
            | Self::Gateway { upstream_trace, .. } => upstream_trace.as_deref().map(str::to_owned),
            Self::RateLimited { .. } | Self::Deadline | Self::Interrupted => None,
        }
    }
}

impl From<ImpersonationError> for Error {
    fn from(error: ImpersonationError) -> Self {
        let trace = error.upstream_trace();
        let face = match &error {
            ImpersonationError::Denied { .. } => Self::new(
                ErrorCode::ImpersonationDenied,
                "The app may not act as this account here. The account must be active and have \
                 access to the site, and the scopes in the manifest need `allowImpersonation: true`.",
            ),
            ImpersonationError::AppTokenRefused { .. } => Self::new(
                ErrorCode::UpstreamUnauthorized,
                "Atlassian refused the app's token. Try again once a new invocation has brought a newer one.",
            ),
            ImpersonationError::RateLimited { retry_after } => Self::new(
                ErrorCode::RateLimited,
                "The app's quota for impersonation is used up. Try again after the time in `Retry-After`.",
            )
            .retry_after(*retry_after),
            ImpersonationError::Deadline => Self::new(
                ErrorCode::DeadlineExceeded,
                "Atlassian did not hand out the account's token in time. Try again.",
            ),
            ImpersonationError::Gateway { .. } => Self::new(
                ErrorCode::UpstreamError,
                "Atlassian failed to hand out the account's token. Try again later.",
            ),
            ImpersonationError::Interrupted => return Self::internal(error),
        };
        face.upstream_trace_id(trace).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_public_code() {
        let cases = [
            (
                ImpersonationError::Denied {
                    message: "no".into(),
                    upstream_trace: None,
                },
                "impersonation_denied",
                403,
            ),
            (
                ImpersonationError::AppTokenRefused {
                    upstream_trace: None,
                },
                "upstream_unauthorized",
                502,
            ),
            (
                ImpersonationError::RateLimited {
                    retry_after: Duration::from_secs(3),
                },
                "rate_limited",
                429,
            ),
            (ImpersonationError::Deadline, "deadline_exceeded", 504),
            (
                ImpersonationError::Gateway {
                    source: Arc::new(GatewayFault::TimedOut),
                    upstream_trace: None,
                },
                "upstream_error",
                502,
            ),
            (ImpersonationError::Interrupted, "internal_error", 500),
        ];
        for (error, code, status) in cases {
            let error = Error::from(error);
            assert_eq!(error.code().as_str(), code);
            assert_eq!(error.code().status(), status);
        }
    }

    #[test]
    fn the_callers_sentence_does_not_repeat_the_gateway() {
        let error = Error::from(ImpersonationError::Denied {
            message: "no such user in tenant 7".into(),
            upstream_trace: Some("4bf92f3577b34da6".into()),
        });
        assert!(!error.message().contains("tenant"));
        assert!(error.causes().contains("no such user in tenant 7"));
        assert_eq!(error.upstream_trace(), Some("4bf92f3577b34da6"));
    }

    #[test]
    fn a_wait_reaches_the_caller() {
        let retry_after = Duration::from_secs(3);
        let error = Error::from(ImpersonationError::RateLimited { retry_after });
        assert_eq!(error.wait(), Some(retry_after));
    }
}
