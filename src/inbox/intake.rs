//! Where a job waits until it is on disk: many share a commit.

mod writer;

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use self::writer::Writer;
use crate::{
    deadline::{Deadline, DeadlineExceeded},
    error::{Error, ErrorCode},
    store::{
        StoreError,
        jobs::{Added, Jobs, NewJob},
    },
};

/// Jobs that wait for a commit: some tenths of a second's worth at full rate.
const MOST_WAITING: usize = 2048;
/// What they hold in all. The platform sends no event over 200 kB, but a body may be as
/// large as the server takes.
const MOST_KIB: u32 = 64 * 1024;
/// What is left to tell the platform that its event was not kept.
const TIME_TO_ANSWER: Duration = Duration::from_millis(250);
/// How long whoever was turned away should stay away.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);
/// How long to leave a store alone that was too slow.
const STALL_PAUSE: Duration = Duration::from_secs(5);

/// Takes jobs in. Clones share everything.
#[derive(Clone)]
pub(super) struct Intake {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

/// A job on its way to the disk, and who waits for it.
struct Waiting {
    job: NewJob,
    answer: oneshot::Sender<Result<Added, IntakeError>>,
    room: Option<OwnedSemaphorePermit>,
}

/// Why a job was not taken in. It may be on disk all the same where the store did not say.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum IntakeError {
    #[error("too many jobs wait to be written")]
    Full,
    #[error("the store did not write the job in time")]
    Late(#[source] DeadlineExceeded),
    #[error("the job was not written")]
    Store(#[source] Arc<StoreError>),
    #[error("nobody writes jobs any more")]
    Closed,
}

impl Intake {
    /// Starts the task that writes. It ends when the last clone is dropped.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub(super) fn start(jobs: Arc<dyn Jobs>, wake: Arc<Notify>) -> Self {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        tokio::spawn(Writer::new(jobs, wake).run(waiting));
        Self {
            queue,
            room: Arc::new(Semaphore::new(MOST_KIB as usize)),
        }
    }

    /// Ends when the job is on disk.
    pub(super) async fn keep(&self, job: NewJob, deadline: Deadline) -> Result<Added, IntakeError> {
        let (answer, written) = oneshot::channel();
        let waiting = Waiting {
            room: self.room_for(&job)?,
            job,
            answer,
        };
        self.queue
            .try_send(waiting)
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => IntakeError::Full,
                mpsc::error::TrySendError::Closed(_) => IntakeError::Closed,
            })?;
        let written = in_time(deadline, written).await?;
        written.unwrap_or(Err(IntakeError::Closed))
    }

    fn room_for(&self, job: &NewJob) -> Result<Option<OwnedSemaphorePermit>, IntakeError> {
        let kib = u32::try_from(job.payload.len() / 1024).unwrap_or(MOST_KIB);
        let room = Arc::clone(&self.room);
        // The smallest are bounded by their number.
        if kib == 0 {
            return Ok(None);
        }
        room.try_acquire_many_owned(kib.min(MOST_KIB))
            .map(Some)
            .map_err(|_| IntakeError::Full)
    }
}

/// Waits for the store, and stops in time to say that it was too slow: no answer at all
/// would be an error that nobody can read.
pub(super) async fn in_time<F: Future>(
    deadline: Deadline,
    future: F,
) -> Result<F::Output, IntakeError> {
    let left = deadline.remaining().saturating_sub(TIME_TO_ANSWER);
    let deadline = deadline.within(left);
    deadline.bound(future).await.map_err(IntakeError::Late)
}

impl From<IntakeError> for Error {
    fn from(error: IntakeError) -> Self {
        let unavailable =
            "The event was not kept: the store cannot be written. Send it again later.";
        let (code, message, pause) = match &error {
            IntakeError::Full => (
                ErrorCode::Overloaded,
                "The event was not kept: too many come at once. Send it again in a moment.",
                OVERLOAD_PAUSE,
            ),
            IntakeError::Store(source) if matches!(**source, StoreError::Damaged(_)) => {
                return Self::internal(error);
            }
            IntakeError::Store(_) | IntakeError::Late(_) | IntakeError::Closed => {
                (ErrorCode::StoreUnavailable, unavailable, STALL_PAUSE)
            }
        };
        Self::new(code, message).retry_after(pause).caused_by(error)
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
