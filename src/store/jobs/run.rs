//! Runs: who holds a job, for how long, and how that ends.

use std::time::Duration;

use uuid::Uuid;

use super::{JobId, JobKind};
use crate::{clock::Timestamp, ids::InstallationId, token::AppToken, trace::TraceId};

/// Who claims: a random id of the process, so that a new process never takes an old one's
/// runs for its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(Uuid);

impl Owner {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// As a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

/// One attempt at a job. Only the run that holds the lease can settle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Run {
    /// The job.
    pub job: JobId,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// What is to be claimed.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who claims.
    pub owner: Owner,
    /// How many at most; no more than 256 are given.
    pub most: usize,
    /// How long a claimed job is the claimer's.
    pub lease: Duration,
    /// The installation that was served last: those after it are served first, each as
    /// many as the others, so that a noisy one does not starve them.
    pub after: Option<InstallationId>,
    /// How many of one installation at most.
    pub each: usize,
    /// Installations that get none: they have their share.
    pub except: Vec<InstallationId>,
}

/// A job that was claimed.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The run that holds it.
    pub run: Run,
    /// Whose it is.
    pub installation: InstallationId,
    /// What brought it about.
    pub kind: JobKind,
    /// The event's type, or the schedule's key.
    pub name: Box<str>,
    /// What the handler gets: JSON.
    pub payload: Box<str>,
    /// The trace that brought it.
    pub trace: TraceId,
    /// The app token that came with it, if it could be unsealed. It may have lapsed.
    pub app_token: Option<AppToken>,
    /// When it came.
    pub received_at: Timestamp,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Who ran it.
    pub owner: Owner,
    /// The run.
    pub run: Run,
    /// How it ended.
    pub how: Ending,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// Done, or dropped: payload and token go, the key stays for a while.
    Done,
    /// It failed and is tried again after this.
    Retry {
        /// How long from now.
        after: Duration,
        /// The error with its causes.
        error: String,
    },
    /// It did not count: the attempt is given back, and the job is tried again after this.
    Postponed {
        /// How long from now.
        after: Duration,
        /// Why, if there is anything to say.
        error: Option<String>,
    },
    /// There is no app token that lives. The attempt is given back, and the job waits until
    /// the installation has one, or until it has been here for eight days: then it is for its
    /// run to say that this is the end.
    AwaitsToken {
        /// The error with its causes.
        error: String,
    },
    /// It is not tried again: a dead letter, kept with its payload and without its token.
    Dead {
        /// The error with its causes.
        error: String,
    },
}

/// What a turn brought.
#[derive(Debug, Default)]
pub struct Turn {
    /// The jobs claimed, in the order in which they are to begin.
    pub claimed: Vec<Claimed>,
    /// Settlements that came too late: another run holds the job, or it is gone.
    pub lost: Vec<Run>,
    /// How many jobs could not be read and are dead letters now.
    pub unreadable: usize,
}

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many jobs have become ready.
    pub woken: u64,
    /// Runs whose lease had lapsed.
    pub lapsed: Vec<Lapsed>,
    /// How long until the next delayed job or lease is due, as far as it is known.
    pub next: Option<Duration>,
}

/// A run that let its lease lapse: its process died, or lost sight of the store.
#[derive(Debug, Clone)]
pub struct Lapsed {
    /// The run.
    pub run: Run,
    /// Whose it is.
    pub installation: InstallationId,
    /// The event's type, or the schedule's key.
    pub name: Box<str>,
    /// Whether it was the last attempt.
    pub dead: bool,
}
