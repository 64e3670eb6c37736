//! The codes of the public interface, each with its status.

use std::fmt;

use http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:ident;)+) => {
        /// What went wrong, in the words of the public interface.
        ///
        /// 401 is the FIT's alone: the platform drops the body of a 401 and tells the
        /// user that the remote could not verify the token (Forge Remote essentials).
        ///
        /// ```
        /// use forge_remote::ErrorCode;
        /// let of_the_fit = ErrorCode::ALL.iter().filter(|code| code.status() == 401);
        /// assert_eq!(of_the_fit.count(), 10);
        /// assert_eq!(ErrorCode::RateLimited.as_str(), "rate_limited");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as it stands in an error body.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }
        }
    };
}

codes! {
    /// No `authorization: Bearer` header.
    MissingToken = "missing_token", UNAUTHORIZED;
    /// The FIT is not a JWS of the documented shape, or too large.
    MalformedToken = "malformed_token", UNAUTHORIZED;
    /// The FIT is signed with anything but RS256.
    UnsupportedAlgorithm = "unsupported_algorithm", UNAUTHORIZED;
    /// No key of the configured set has the FIT's key id.
    UnknownKey = "unknown_key", UNAUTHORIZED;
    /// The signature is not that key's.
    BadSignature = "bad_signature", UNAUTHORIZED;
    /// The FIT has lapsed.
    Expired = "expired", UNAUTHORIZED;
    /// The FIT is not valid yet.
    NotYetValid = "not_yet_valid", UNAUTHORIZED;
    /// The FIT comes from another issuer.
    WrongIssuer = "wrong_issuer", UNAUTHORIZED;
    /// The FIT is for another app.
    WrongAudience = "wrong_audience", UNAUTHORIZED;
    /// Claims of the FIT contradict each other.
    InconsistentClaims = "inconsistent_claims", UNAUTHORIZED;
    /// The request cannot be read.
    BadRequest = "bad_request", BAD_REQUEST;
    /// There is nothing at this path.
    NotFound = "not_found", NOT_FOUND;
    /// The path does not take this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED;
    /// The body is larger than the service takes.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE;
    /// The body is of a type that the path does not take.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE;
    /// The body can be read but is not what the path wants.
    InvalidBody = "invalid_body", UNPROCESSABLE_ENTITY;
    /// The call needs the app's token and none came with it.
    MissingAppToken = "missing_app_token", FORBIDDEN;
    /// The call needs the user's token and none came with it.
    MissingUserToken = "missing_user_token", FORBIDDEN;
    /// The caller may not do this.
    Forbidden = "forbidden", FORBIDDEN;
    /// The platform refuses to let the app act as that account.
    ImpersonationDenied = "impersonation_denied", FORBIDDEN;
    /// Too many calls: the product's limit or the impersonation quota.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS;
    /// A bug in the service: the log has the cause.
    InternalError = "internal_error", INTERNAL_SERVER_ERROR;
    /// A product answered with an error or with something unreadable.
    UpstreamError = "upstream_error", BAD_GATEWAY;
    /// A product refused the token.
    UpstreamUnauthorized = "upstream_unauthorized", BAD_GATEWAY;
    /// There is no key set to verify FITs with.
    KeysUnavailable = "keys_unavailable", SERVICE_UNAVAILABLE;
    /// More work than the service can take on.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE;
    /// The store cannot be read or written.
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE;
    /// The caller's time ran out.
    DeadlineExceeded = "deadline_exceeded", GATEWAY_TIMEOUT;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fit_failures_are_401() {
        let unauthorized: Vec<_> = ErrorCode::ALL
            .iter()
            .filter(|code| code.status() == StatusCode::UNAUTHORIZED)
            .map(|code| code.as_str())
            .collect();
        assert_eq!(
            unauthorized,
            [
                "missing_token",
                "malformed_token",
                "unsupported_algorithm",
                "unknown_key",
                "bad_signature",
                "expired",
                "not_yet_valid",
                "wrong_issuer",
                "wrong_audience",
                "inconsistent_claims",
            ]
        );
    }
}
