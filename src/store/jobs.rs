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
mod new_job;
mod reading;
mod record;
mod run;
mod settlement;
mod text;

use std::time::Duration;

use futures_util::future::BoxFuture;

pub(super) use self::{
    batch::Batch,
    reading::{Found, moment, readable, unreadable, without},
    settlement::Settlement,
};
pub use self::{
    new_job::{Added, JobId, JobKind, NewJob, Order},
    record::{Counts, JobRecord, JobState, Which},
    run::{Claim, Claimed, Ending, Lapsed, Owner, Run, Settled, Swept, Turn},
    text::NameError,
};
use super::StoreError;

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
