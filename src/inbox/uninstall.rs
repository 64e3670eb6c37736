//! An uninstall: the app's own farewell, then everything of the installation goes.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::time::{sleep, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use super::{JobError, Uninstalling, events::OnUninstalling};
use crate::{
    error::Error, forge::Forge, ids::InstallationId, invocation::Invocation, store::StoreError,
};

/// What is left for the deletion, out of the 53 s in which the platform can be answered.
const TIME_TO_DELETE: Duration = Duration::from_secs(2);
/// The platform does not send an uninstall twice (Forge events: "Uninstall"), so that the
/// deletion is tried again here.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// For deletions, once the process stops.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Takes installations away. Clones share everything.
#[derive(Clone)]
pub(super) struct Uninstall {
    forge: Forge,
    farewell: Option<OnUninstalling>,
    running: TaskTracker,
    hurry: CancellationToken,
}

impl Uninstall {
    pub(super) fn new(forge: &Forge, farewell: Option<OnUninstalling>) -> Self {
        Self {
            forge: forge.clone(),
            farewell,
            running: TaskTracker::new(),
            hurry: CancellationToken::new(),
        }
    }

    /// Runs the app's handler, then deletes, whatever it said.
    ///
    /// # Errors
    /// `store_unavailable` if the installation could not be deleted.
    pub(super) async fn run(&self, invocation: &Invocation) -> Result<(), Error> {
        let deadline = invocation.deadline();
        let left = deadline.remaining().saturating_sub(TIME_TO_DELETE);
        let leaving = Uninstalling::of(invocation.clone(), deadline.within(left));
        self.see_through(invocation, Some(leaving)).await
    }

    /// Deletes at once: the products do not answer any more.
    ///
    /// # Errors
    /// `store_unavailable` if the installation could not be deleted.
    pub(super) async fn delete(&self, invocation: &Invocation) -> Result<(), Error> {
        self.see_through(invocation, None).await
    }

    /// Handlers have `patience`, and are cut off then; deletions have a moment more.
    pub(super) async fn stop(&self, patience: Duration) {
        self.running.close();
        if timeout(patience, self.running.wait()).await.is_err() {
            self.hurry.cancel();
            if timeout(LAST_PATIENCE, self.running.wait()).await.is_err() {
                tracing::warn!("stopped before an uninstalled app was deleted");
            }
        }
    }

    /// In a task of its own: a platform that hangs up does not spare the installation.
    async fn see_through(
        &self,
        invocation: &Invocation,
        leaving: Option<Uninstalling>,
    ) -> Result<(), Error> {
        let (this, id) = (self.clone(), *invocation.installation());
        let work = async move {
            if let (Some(farewell), Some(leaving)) = (&this.farewell, leaving) {
                this.bid(farewell, leaving).await;
            }
            this.erase(&id).await
        };
        let task = self.running.spawn(work.in_current_span());
        // The handler's panics are caught inside.
        task.await.map_err(Error::internal)?.map_err(Error::from)
    }

    /// Whatever becomes of the handler, the deletion follows.
    async fn bid(&self, farewell: &OnUninstalling, leaving: Uninstalling) {
        let id = *leaving.installation();
        let deadline = leaving.deadline();
        // A handler may panic before it has a future to give.
        let farewell = Arc::clone(farewell);
        let said = AssertUnwindSafe(async move { farewell(leaving).await }).catch_unwind();
        let cause = tokio::select! {
            said = deadline.bound(said) => match said {
                Ok(Ok(Ok(()))) => return,
                Ok(Ok(Err(error))) => causes(error),
                // What a panic says may hold anything.
                Ok(Err(_)) => "the handler panicked".to_owned(),
                Err(late) => late.to_string(),
            },
            () = self.hurry.cancelled() => "the process stops".to_owned(),
        };
        tracing::warn!(
            "installation.id" = %id.uuid(), cause,
            "the handler of an uninstall failed; the installation is deleted all the same"
        );
    }

    async fn erase(&self, id: &InstallationId) -> Result<(), StoreError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let error = match self.forge.delete_installation(id).await {
                Ok(deleted) => {
                    tracing::info!(
                        "installation.id" = %id.uuid(),
                        "installation.known" = deleted.known,
                        "inbox.dropped" = deleted.jobs,
                        "an installation was deleted with its tokens and its jobs"
                    );
                    return Ok(());
                }
                Err(error) => error,
            };
            match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }
}

/// The error with its causes.
fn causes(error: JobError) -> String {
    match error {
        JobError::Retry(error) | JobError::RetryAfter(_, error) | JobError::Drop(error) => {
            Error::internal(error).causes()
        }
    }
}
