//! What becomes of a job after a run, and what is told of it.

use std::time::Duration;

use super::leases::Cut;
use crate::{inbox::span, store::jobs::Ending};

/// A line for each attempt, beside those for answers.
const ACCESS: &str = "forge_remote::access";

/// How a run ended, and what is to happen with its job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The handler did its work.
    Done,
    /// There was nothing to be done.
    Dropped { cause: String },
    /// It failed and is tried again.
    Retry { after: Duration, cause: String },
    /// It could not be done yet; the attempt does not count.
    Postponed { after: Duration, cause: String },
    /// It needs an app token and there is none; the attempt does not count.
    AwaitsToken { cause: String },
    /// It is a dead letter.
    Dead { cause: String },
    /// It was cut short, not by its own fault; somebody may take it up at once.
    GivenBack(Cut),
    /// Another run holds the job: nothing is to be said about it.
    Lost,
}

impl From<Cut> for Verdict {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::LeaseLost => Self::Lost,
            Cut::NotRenewed | Cut::Stopping => Self::GivenBack(cut),
        }
    }
}

impl Verdict {
    /// What the store is told; nothing if it is not ours to tell.
    pub(super) fn ending(self) -> Option<Ending> {
        Some(match self {
            Self::Done | Self::Dropped { .. } => Ending::Done,
            Self::Retry { after, cause } => Ending::Retry {
                after,
                error: cause,
            },
            Self::Postponed { after, cause } => Ending::Postponed {
                after,
                error: Some(cause),
            },
            Self::AwaitsToken { cause } => Ending::AwaitsToken { error: cause },
            Self::Dead { cause } => Ending::Dead { error: cause },
            Self::GivenBack(_) => Ending::Postponed {
                after: Duration::ZERO,
                error: None,
            },
            Self::Lost => return None,
        })
    }

    /// What each is called, in the order of [`place`](Self::place).
    pub(super) const OUTCOMES: [&str; 8] = [
        "done",
        "dropped",
        "retried",
        "postponed",
        "awaits_token",
        "dead",
        "given_back",
        "lost",
    ];

    pub(super) const fn place(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::Dropped { .. } => 1,
            Self::Retry { .. } => 2,
            Self::Postponed { .. } => 3,
            Self::AwaitsToken { .. } => 4,
            Self::Dead { .. } => 5,
            Self::GivenBack(_) => 6,
            Self::Lost => 7,
        }
    }

    const fn outcome(&self) -> &'static str {
        Self::OUTCOMES[self.place()]
    }

    /// Writes a line unless all went well. The span around it says which job it is.
    pub(super) fn report(&self) {
        let outcome = self.outcome();
        span::ended(
            outcome,
            matches!(self, Self::Retry { .. } | Self::Dead { .. }),
        );
        match self {
            Self::Done => tracing::debug!(target: ACCESS, outcome, "the job is done"),
            Self::Dropped { cause } => tracing::info!(outcome, cause, "the job was dropped"),
            Self::Retry { after, cause } => tracing::warn!(
                outcome,
                wait_seconds = after.as_secs_f32(),
                cause,
                "the job failed and is tried again"
            ),
            Self::Postponed { after, cause } => tracing::info!(
                outcome,
                wait_seconds = after.as_secs_f32(),
                cause,
                "the job cannot be done yet and is tried again"
            ),
            Self::AwaitsToken { cause } => {
                tracing::info!(outcome, cause, "the job waits for the next app token");
            }
            Self::Dead { cause } => {
                tracing::error!(
                    outcome,
                    cause,
                    "the job is a dead letter: see `forge-remote inbox show`, mend the cause, then replay it"
                );
            }
            Self::GivenBack(Cut::Stopping) => {
                tracing::info!(
                    outcome,
                    "the service stops: the job was cut short and given back"
                );
            }
            Self::GivenBack(_) => {
                tracing::warn!(
                    outcome,
                    "the job was cut short: its lease could not be renewed in time"
                );
            }
            Self::Lost => tracing::warn!(
                outcome,
                "the job was cut short: another run may hold it, or its installation is gone"
            ),
        }
    }
}
