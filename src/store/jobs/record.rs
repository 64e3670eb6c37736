//! Jobs as an operator sees them.

use std::time::Duration;

use super::{JobId, JobKind, MOST_LISTED};
use crate::{clock::Timestamp, ids::InstallationId, trace::TraceId};

/// How many jobs there are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for a worker, or behind another of their order.
    pub ready: u64,
    /// Waiting for a moment: retries.
    pub delayed: u64,
    /// Waiting for an app token.
    pub parked: u64,
    /// Being worked on.
    pub running: u64,
    /// Dead letters.
    pub dead: u64,
    /// How long the oldest that has not ended has been here.
    pub oldest: Option<Duration>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobState {
    /// Its turn comes when a worker is free.
    Ready,
    /// An earlier one of its order has not ended.
    Blocked,
    /// It waits for a moment.
    Delayed,
    /// It waits for an app token.
    Parked,
    /// Somebody works on it.
    Running,
    /// It has ended well, or was dropped.
    Done,
    /// A dead letter.
    Dead,
}

/// Which jobs an operator means. Nothing set: all dead letters.
#[derive(Debug, Default, Clone)]
pub struct Which {
    /// Only this one.
    pub id: Option<JobId>,
    /// Only those of this installation.
    pub installation: Option<InstallationId>,
    /// Only those in this state; dead letters if it is not set. `replay` and `purge` touch
    /// dead letters only.
    pub state: Option<JobState>,
    /// Only those that ended longer ago.
    pub older_than: Option<Duration>,
    /// At most so many, and never more than 1,000.
    pub most: Option<u32>,
}

impl Which {
    /// How many at the most.
    pub(in crate::store) fn at_most(&self) -> u32 {
        self.most.unwrap_or(MOST_LISTED).min(MOST_LISTED)
    }

    /// Whether dead letters may be among them.
    pub(in crate::store) fn may_be_dead(&self) -> bool {
        self.state.is_none_or(|state| state == JobState::Dead)
    }
}

/// A job as an operator sees it. Tokens are not in it.
#[derive(Debug, Clone)]
pub struct JobRecord {
    /// Its id, which is the handler's idempotency key.
    pub id: JobId,
    /// Whose it is.
    pub installation: InstallationId,
    /// What brought it about.
    pub kind: JobKind,
    /// The event's type, or the schedule's key.
    pub name: Box<str>,
    /// Where it stands.
    pub state: JobState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it came.
    pub received_at: Timestamp,
    /// When it is due, if it waits for a moment.
    pub due_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The trace that brought it.
    pub trace: TraceId,
    /// What the last run that failed said.
    pub error: Option<Box<str>>,
    /// What the handler gets; only where one job was asked for, and gone once it is done.
    pub payload: Option<Box<str>>,
}
