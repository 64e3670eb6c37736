//! Why a token is no FIT, one variant for each public code.

use std::time::Duration;

use crate::error::{Error, ErrorCode};

/// Why a token was not accepted.
///
/// None of it holds a part of the token: it may be logged as it is.
///
/// ```
/// use forge_remote::fit::{Contradiction, FitError, Malformed};
/// assert_eq!(FitError::UnknownKey.code().status(), 401);
///
/// fn worth_a_look(error: &FitError) -> bool {
///     matches!(
///         error,
///         FitError::MalformedToken(Malformed::Header)
///             | FitError::InconsistentClaims(Contradiction::App)
///             | FitError::WrongAudience
///     )
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Not a JWS of the documented shape.
    #[error("the token does not have the shape of a FIT")]
    MalformedToken(#[source] Malformed),
    /// Signed with anything but RS256.
    #[error("the token is not signed with RS256")]
    UnsupportedAlgorithm,
    /// No key of the set that counts for this token has its key id.
    #[error("no trusted key has the token's key id")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the signature is not that of the key it names")]
    BadSignature,
    /// `exp` has passed.
    #[error("the token lapsed {} s ago", ago.as_secs())]
    Expired {
        /// How long ago by our clock, the leeway not counted.
        ago: Duration,
    },
    /// `nbf` has not come.
    #[error("the token becomes valid in {} s", wait.as_secs())]
    NotYetValid {
        /// How long until then by our clock, the leeway not counted.
        wait: Duration,
    },
    /// `iss` is missing, not a text, or another issuer.
    #[error("the token comes from another issuer")]
    WrongIssuer,
    /// `aud` is missing or names none of the apps that are served here.
    #[error("the token is for another app")]
    WrongAudience,
    /// Two claims that must agree do not.
    #[error("claims of the token contradict each other")]
    InconsistentClaims(#[source] Contradiction),
    /// There is no key set to verify the token with.
    #[error("there is no key set to verify tokens with")]
    KeysUnavailable {
        /// When it is worth coming again.
        retry_after: Duration,
    },
}

/// What is wrong with a token that does not have the shape of a FIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Longer than any FIT.
    #[error("it has {bytes} bytes, more than any FIT")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Not three segments with something in each.
    #[error("it is not three segments with dots between them")]
    Segments,
    /// A segment is not base64url without padding.
    #[error("its {0} is not base64url without padding")]
    Encoding(&'static str),
    /// The header is too long or not a JSON object.
    #[error("its header is not a JSON object of modest size")]
    Header,
    /// The header has `crit`: it demands an extension, and there are none here (RFC 7515, 4.1.11).
    #[error("its header demands an extension")]
    CriticalHeader,
    /// `kid` is missing, not a text, empty or longer than 256 characters.
    #[error("its header has no usable key id")]
    KeyId,
    /// The claims are not the documented JSON: a claim is missing, double, or of a wrong form.
    #[error("its claims are not as documented (line {line}, column {column})")]
    Claims {
        /// Line of the JSON where reading stopped.
        line: usize,
        /// Column in that line.
        column: usize,
    },
}

/// Which claims contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// `app.id` is not the audience.
    #[error("`app.id` is not the audience")]
    App,
    /// `app.installation.id` is not `app.installationId`.
    #[error("`app.installation.id` is not `app.installationId`")]
    Installation,
    /// `context.cloudId` is none of the installation's.
    #[error("`context.cloudId` is none of the installation's")]
    Cloud,
    /// `context.workspaceId` is none of the installation's.
    #[error("`context.workspaceId` is none of the installation's")]
    Workspace,
}

impl FitError {
    /// All that [`code`](Self::code) can say.
    pub(super) const CODES: [ErrorCode; 10] = [
        ErrorCode::MalformedToken,
        ErrorCode::UnsupportedAlgorithm,
        ErrorCode::UnknownKey,
        ErrorCode::BadSignature,
        ErrorCode::Expired,
        ErrorCode::NotYetValid,
        ErrorCode::WrongIssuer,
        ErrorCode::WrongAudience,
        ErrorCode::InconsistentClaims,
        ErrorCode::KeysUnavailable,
    ];

    /// The public code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::MalformedToken(_) => ErrorCode::MalformedToken,
            Self::UnsupportedAlgorithm => ErrorCode::UnsupportedAlgorithm,
            Self::UnknownKey => ErrorCode::UnknownKey,
            Self::BadSignature => ErrorCode::BadSignature,
            Self::Expired { .. } => ErrorCode::Expired,
            Self::NotYetValid { .. } => ErrorCode::NotYetValid,
            Self::WrongIssuer => ErrorCode::WrongIssuer,
            Self::WrongAudience => ErrorCode::WrongAudience,
            Self::InconsistentClaims(_) => ErrorCode::InconsistentClaims,
            Self::KeysUnavailable { .. } => ErrorCode::KeysUnavailable,
        }
    }

    /// What the caller can do about it. Fixed sentences: no claim and no expected value.
    const fn advice(self) -> &'static str {
        match self {
            Self::MalformedToken(_) => {
                "The bearer token is not a Forge Invocation Token. Send the one that Forge issued, unchanged."
            }
            Self::UnsupportedAlgorithm => {
                "The Forge Invocation Token must be signed with RS256. Send the one that Forge issued, unchanged."
            }
            Self::UnknownKey => {
                "The token's signing key is not in the key set of this remote. Check that `fit.jwks_url` is the key set of the platform that issued it."
            }
            Self::BadSignature => {
                "The token's signature does not hold. Send the token that Forge issued, unchanged."
            }
            Self::Expired { .. } => {
                "The Forge Invocation Token has lapsed. Invoke again; if that does not help, check the clock of the remote."
            }
            Self::NotYetValid { .. } => {
                "The Forge Invocation Token is not valid yet. Check the clock of the remote."
            }
            Self::WrongIssuer => {
                "The token is not a Forge Invocation Token: another issuer made it. Send the one that came with the invocation."
            }
            Self::WrongAudience => {
                "The Forge Invocation Token is for another app. Add that app's id to `app.ids` if this remote serves it."
            }
            Self::InconsistentClaims(_) => {
                "The claims of the Forge Invocation Token contradict each other. Invoke again with a fresh token."
            }
            Self::KeysUnavailable { .. } => {
                "The keys to verify Forge Invocation Tokens cannot be reached. Try again later."
            }
        }
    }
}

impl From<Malformed> for FitError {
    fn from(malformed: Malformed) -> Self {
        Self::MalformedToken(malformed)
    }
}

impl From<Contradiction> for FitError {
    fn from(contradiction: Contradiction) -> Self {
        Self::InconsistentClaims(contradiction)
    }
}

impl From<FitError> for Error {
    fn from(error: FitError) -> Self {
        let public = Self::new(error.code(), error.advice()).caused_by(error);
        match error {
            FitError::KeysUnavailable { retry_after } => public.retry_after(retry_after),
            _ => public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_told_when_to_come_again_if_there_are_no_keys() {
        let error = Error::from(FitError::KeysUnavailable {
            retry_after: Duration::from_secs(1),
        });
        assert_eq!(error.code().status(), 503);
        assert_eq!(error.wait(), Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_cause_goes_to_the_log_and_not_to_the_caller() {
        let error = Error::from(FitError::from(Malformed::Segments));
        assert_eq!(error.code(), ErrorCode::MalformedToken);
        assert!(error.causes().ends_with("dots between them"));
        assert!(!error.message().contains("dots"));
    }
}
