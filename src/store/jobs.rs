//! Jobs: what an event or a tick becomes once it is on disk, until it is done.
//!
//! ```text
//!           ┌──────────── blocked: an earlier one of its order has not ended
//!           ▼
//! add ──► ready ──claim──► running ──settle──► done      (kept as a key, without payload)
//!           ▲                 │ lease lost  ├► delayed   (a retry, or given back)
//!           └──── sweep ◄─────┴─────────────┼► parked    (until an app token lives)
//!                                           └► dead      (kept until somebody looks)
//! ```
//!
//! [`Jobs`] is what a database has to do for it. Every moment is told by the store: where
//! several replicas share one, by the database's clock, so that theirs need not agree.

mod batch;
mod reading;
mod settlement;
mod text;

use std::{fmt, str::FromStr, time::Duration};

use futures_util::future::BoxFuture;
use uuid::Uuid;

pub use self::text::NameError;
pub(super) use self::{
    batch::Batch,
    reading::{Found, moment, readable, unreadable, without},
    settlement::Settlement,
};
use super::StoreError;
use crate::{clock::Timestamp, ids::InstallationId, token::AppToken, trace::TraceId};

/// No claim gives more.
pub(super) const MOST_CLAIMED: usize = 256;
/// No list has more, and no replay or purge touches more.
pub(super) const MOST_LISTED: u32 = 1000;
/// A sweep or a prune changes no more of each kind.
pub(super) const MOST_SWEPT: i64 = 1000;
/// How long a dead letter is kept.
pub(super) const DEAD_LETTER_LIFE: Duration = Duration::from_hours(30 * 24);
/// No job is held up longer without losing attempts, from its arrival: neither for want of
/// a token nor because the platform is not ready for it. A site that is left alone for a
/// week sends its next token with the weekly schedule.
pub(crate) const LONGEST_HELD_UP: Duration = Duration::from_hours(8 * 24);
/// The error of a job whose row is damaged.
pub(super) const UNREADABLE: &str = "the job cannot be read: its row in the store is damaged";
/// No lease is longer: `inbox.lease_seconds`. One that seems to be is of before the clock
/// was set back.
pub(super) const LONGEST_LEASE: Duration = Duration::from_hours(1);
/// The error of a run that let its lease lapse.
pub(super) const RUN_LOST: &str = "the run was lost: its process died or lost sight of the store";

/// A place where jobs last longer than the process.
///
/// Several processes may use one store. Every operation ends within a few seconds, and may
/// be dropped at any point without harm.
pub trait Jobs: Send + Sync + 'static {
    /// Writes all jobs or none, in one commit. They are on disk when it returns.
    ///
    /// The answer has one entry for each, in their order: a job that is held already is not
    /// written again, and its entry names the one that is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: nothing was written, or nobody knows.
    /// [`StoreError::Damaged`]: one of the jobs can never be written.
    fn add<'a>(&'a self, jobs: &'a [NewJob]) -> BoxFuture<'a, Result<Vec<Added>, StoreError>>;

    /// Settles runs that have ended, then claims jobs whose turn it is, in one commit. A job
    /// whose row cannot be read becomes a dead letter in the same commit, with a line in the
    /// log: it holds up nobody.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer; nothing happened, or nobody knows, and
    /// the same settlements may be handed in again.
    fn turn<'a>(
        &'a self,
        settled: &'a [Settled],
        claim: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<Turn, StoreError>>;

    /// Lengthens the leases of runs to `lease` from now, and names those that are not held
    /// any more: whoever still works on one must stop.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn renew<'a>(
        &'a self,
        owner: Owner,
        runs: &'a [Run],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Vec<Run>, StoreError>>;

    /// Makes ready what has waited long enough or has got its token, and takes the lease
    /// from runs that let it lapse: those are ready again, or dead letters if it was their
    /// last attempt. At most some thousand jobs at a time.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn sweep(&self, max_attempts: u32) -> BoxFuture<'_, Result<Swept, StoreError>>;

    /// Deletes what needs to be kept no longer: keys of done jobs after
    /// [`NewJob::remember_for`], dead letters after 30 days. Tells how many; at most some
    /// thousand at a time.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn prune(&self) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// How many jobs there are in each state.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn counts(&self) -> BoxFuture<'_, Result<Counts, StoreError>>;

    /// Jobs as an operator sees them, the newest first. One whose row cannot be read is left
    /// out, with a line in the log.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn list<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<Vec<JobRecord>, StoreError>>;

    /// One job with its payload.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn show(&self, id: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, StoreError>>;

    /// Makes dead letters ready again, the oldest first, with their ids and no attempt
    /// counted. Tells how many; at most 1,000 at a time.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn replay<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Deletes dead letters for good, the oldest first. Tells how many; at most 1,000 at a
    /// time.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn purge<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, Result<u64, StoreError>>;
}

/// A job's id. It stays the same over redeliveries, attempts and replays: the idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct JobId(Uuid);

impl JobId {
    /// The id of that UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// What brought a job about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobKind {
    /// An app event, or a lifecycle event.
    Event,
    /// A scheduled trigger.
    Tick,
}

/// A job that is to be kept.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id. A job with the id of one that is held is a duplicate of it.
    pub id: JobId,
    /// Whose it is. Installations take turns.
    pub installation: InstallationId,
    /// What brought it about.
    pub kind: JobKind,
    /// The event's type, or the schedule's key; at most 255 visible ASCII characters.
    pub name: Box<str>,
    /// What a redelivery has in common with the first delivery.
    pub digest: [u8; 32],
    /// If set: it is a duplicate of a job with its digest that came within this time.
    pub unless_within: Option<Duration>,
    /// It is a duplicate of a job of its order that has not begun to run yet.
    pub coalesces: bool,
    /// How long its key is kept once it is done, from its arrival.
    pub remember_for: Duration,
    /// Jobs of one order run one after the other, in the order they came.
    pub order: Option<Order>,
    /// What the handler gets: JSON.
    pub payload: Box<str>,
    /// The trace that brought it.
    pub trace: TraceId,
    /// The app token that came with it. Sealed at rest, gone when the job has ended.
    pub app_token: Option<AppToken>,
}

/// What jobs have in common that must not overtake each other: a hash of the installation
/// and the handler's ordering key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(pub [u8; 16]);

/// What became of a job that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// The job that is held: the one handed in, or the one it is a duplicate of.
    pub id: JobId,
    /// Whether it was held before.
    pub duplicate: bool,
}

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
    pub(super) fn at_most(&self) -> u32 {
        self.most.unwrap_or(MOST_LISTED).min(MOST_LISTED)
    }

    /// Whether dead letters may be among them.
    pub(super) fn may_be_dead(&self) -> bool {
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
