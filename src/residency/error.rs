//! Why a migration cannot go on, in the platform's codes.

use std::{error::Error as StdError, time::Duration};

use http::StatusCode;

use crate::error::{Error, ErrorCode};

type BoxError = Box<dyn StdError + Send + Sync>;

/// The platform tries again after as long (Data residency: "Retries").
const PAUSE: Duration = Duration::from_secs(5);

/// Why a hook of a migration failed.
///
/// All but [`TryAgain`](Self::TryAgain) have one of the platform's codes and end the
/// migration: the platform rolls it back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// `E0001`: there is no such migration here.
    #[error("the migration was not scheduled")]
    NotScheduled,
    /// `E0002`: the app has no place in that region.
    #[error("the region is not supported")]
    RegionUnsupported,
    /// `E0003`: the app does not move data.
    #[error("migrations are not supported")]
    Unsupported,
    /// `E0004`: too many are under way.
    #[error("too many migrations are under way")]
    TooMany,
    /// `E9999`: anything else that will not go away.
    #[error("the migration failed")]
    Failed(#[source] BoxError),
    /// It may go better in a moment: the platform asks twice more, five seconds apart.
    #[error("the migration cannot go on for now")]
    TryAgain(#[source] BoxError),
}

impl MigrationError {
    /// `E9999`, for a reason that only the log sees.
    pub fn failed(why: impl Into<BoxError>) -> Self {
        Self::Failed(why.into())
    }

    /// The platform is to ask again.
    pub fn try_again(why: impl Into<BoxError>) -> Self {
        Self::TryAgain(why.into())
    }

    /// The platform's code; none where it is to ask again.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::NotScheduled => Some("E0001"),
            Self::RegionUnsupported => Some("E0002"),
            Self::Unsupported => Some("E0003"),
            Self::TooMany => Some("E0004"),
            Self::Failed(_) => Some("E9999"),
            Self::TryAgain(_) => None,
        }
    }

    /// The platform takes any status that is no success.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NotScheduled | Self::TooMany => StatusCode::CONFLICT,
            Self::RegionUnsupported | Self::Unsupported => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TryAgain(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<MigrationError> for Error {
    fn from(error: MigrationError) -> Self {
        let (code, message) = match &error {
            MigrationError::TryAgain(_) => {
                let message = "The migration cannot go on for now. Try again in a moment.";
                return Self::new(ErrorCode::Overloaded, message)
                    .retry_after(PAUSE)
                    .caused_by(error);
            }
            MigrationError::Failed(_) => return Self::internal(error),
            MigrationError::NotScheduled => (
                ErrorCode::NotFound,
                "The migration is not known here. Schedule it first.",
            ),
            MigrationError::RegionUnsupported => (
                ErrorCode::InvalidBody,
                "The app has no place in that region. Choose another one.",
            ),
            MigrationError::Unsupported => (
                ErrorCode::InvalidBody,
                "The app does not move data. Leave it out of the migration.",
            ),
            MigrationError::TooMany => (
                ErrorCode::Overloaded,
                "Too many migrations are under way. Schedule it for later.",
            ),
        };
        Self::new(code, message).caused_by(error)
    }
}
