//! How a run's end changes its job, whichever database keeps it.

use std::time::Duration;

use super::{Ending, JobState, Run, Settled, text::kept};

/// A settlement as a row takes it.
pub(in crate::store) struct Settlement {
    pub(in crate::store) state: JobState,
    /// How long until it is due; none if it does not wait for a moment.
    pub(in crate::store) after: Option<Duration>,
    /// Attempts that count.
    pub(in crate::store) counted: u32,
    pub(in crate::store) error: Option<String>,
}

impl Settlement {
    pub(in crate::store) fn of(settled: &Settled) -> Self {
        let Run { attempt, .. } = settled.run;
        let given_back = attempt.saturating_sub(1);
        let later = |after: Duration| match after.as_millis() {
            0 => (JobState::Ready, None),
            _ => (JobState::Delayed, Some(after)),
        };
        let ((state, after), counted, error) = match &settled.how {
            Ending::Done => ((JobState::Done, None), attempt, None),
            Ending::Retry { after, error } => (later(*after), attempt, Some(error)),
            Ending::Postponed { after, error } => (later(*after), given_back, error.as_ref()),
            Ending::AwaitsToken { error } => ((JobState::Parked, None), given_back, Some(error)),
            Ending::Dead { error } => ((JobState::Dead, None), attempt, Some(error)),
        };
        Self {
            state,
            after,
            counted,
            error: error.map(|error| kept(error)),
        }
    }
}
