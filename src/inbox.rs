//! Events and ticks: acknowledged when they are on disk, handled at least once.
//!
//! ```text
//! Forge ──► intake: verify, write (many share a commit), 202
//!                        │
//!                     Jobs (store)
//!                        │
//!           dispatcher: claim ──► handler ──► done · retry · dead letter
//! ```
//!
//! ```
//! use forge_remote::{Error, Event, Events, JobError, Lifecycle, Schedule, Tick, Uninstalling};
//! use forge_remote::inbox::Interval;
//!
//! async fn page_updated(event: Event) -> Result<(), JobError> {
//!     let job = event.job();
//!     println!("{} of {} at {:?}", event.event_type(), job.installation(), job.received_at());
//!     Ok(())
//! }
//!
//! async fn nightly(tick: Tick) -> Result<(), JobError> {
//!     println!("{}: {} left", tick.schedule(), tick.job().deadline().remaining().as_secs());
//!     Ok(())
//! }
//!
//! async fn welcome(event: Event<Lifecycle>) -> Result<(), JobError> {
//!     println!("by {:?}", event.payload.installer_account_id);
//!     Ok(())
//! }
//!
//! async fn purge(leaving: Uninstalling) -> Result<(), JobError> {
//!     let account = leaving.invocation().account();
//!     println!("{} goes, by {account:?}, until {:?}", leaving.installation(), leaving.deadline());
//!     Ok(())
//! }
//!
//! let events = Events::new()
//!     .on_ordered("avi:confluence:updated:page", "/content/id", page_updated)
//!     .on_installed(welcome)
//!     .on_upgraded(welcome)
//!     .on_uninstalling(purge);
//! let schedule = Schedule::new().on_every(Interval::Day, "nightly", nightly);
//! assert_eq!(Interval::Day.span().as_secs(), 86_400);
//! ```

mod dispatcher;
mod envelope;
mod error;
mod event;
mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handlers;
mod identity;
mod intake;
mod job;
mod routes;
mod schedule;
mod span;
mod tick;
mod uninstall;
mod uninstalling;

use std::{fmt, sync::Arc, time::Duration};

use axum::Router;
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{dispatcher::Dispatcher, intake::Intake, uninstall::Uninstall};
use crate::forge::Forge;

pub use crate::store::jobs::JobId;

pub use self::{
    error::JobError,
    event::{Event, Lifecycle},
    events::Events,
    job::Job,
    schedule::{Interval, Schedule},
    tick::Tick,
    uninstalling::Uninstalling,
};

/// What the dispatcher has, once its runs have had their time, to tell the store.
const TIME_TO_SETTLE: Duration = Duration::from_secs(10);
/// And then, aborted, to let go of what it holds.
const TIME_TO_DROP: Duration = Duration::from_secs(1);

/// Events and schedules of one server: the routes that take them in, and the work on them.
pub(crate) struct Inbox {
    routes: Router<Forge>,
    uninstall: Uninstall,
    dispatcher: Dispatcher,
}

/// An inbox that works on what waits. Dropped, it takes up no more.
pub(crate) struct Working {
    uninstall: Uninstall,
    dispatcher: JoinHandle<()>,
    stop: DropGuard,
}

impl Inbox {
    /// Ready to take events in, as soon as its routes are served.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub(crate) fn new(forge: &Forge, events: &Events, schedule: &Schedule) -> Self {
        // Whatever is taken in wakes the dispatcher.
        let wake = Arc::new(Notify::new());
        let intake = Intake::start(Arc::clone(forge.jobs()), Arc::clone(&wake));
        let uninstall = Uninstall::new(forge, events.uninstalling.clone());
        let handlers = (events.handlers.clone(), schedule.handlers.clone());
        Self {
            routes: routes::routes(forge, events, schedule, intake, uninstall.clone()),
            uninstall,
            dispatcher: Dispatcher::new(forge.clone(), handlers.0, handlers.1, wake),
        }
    }

    /// The routes under `/forge`.
    pub(crate) fn routes(&self) -> Router<Forge> {
        self.routes.clone()
    }

    /// Begins to work on what waits.
    pub(crate) fn start(self) -> Working {
        let stop = CancellationToken::new();
        Working {
            uninstall: self.uninstall,
            dispatcher: tokio::spawn(self.dispatcher.run(stop.clone())),
            stop: stop.drop_guard(),
        }
    }
}

impl Working {
    /// Takes up no more work, and gives what is at work `patience`. What has not ended some
    /// seconds later is cut off.
    pub(crate) async fn stop(self, patience: Duration) {
        drop(self.stop);
        let dispatched = ended(self.dispatcher, patience + TIME_TO_SETTLE);
        let (dispatched, ()) = tokio::join!(dispatched, self.uninstall.stop(patience));
        if !dispatched {
            tracing::warn!("stopped with jobs at work: they run again once their leases lapse");
        }
    }
}

/// Whether the task came to its end in time. If not, it is aborted, and what it holds is
/// dropped before this returns, unless it blocks its thread.
async fn ended(mut task: JoinHandle<()>, within: Duration) -> bool {
    if let Ok(outcome) = timeout(within, &mut task).await {
        return outcome.is_ok();
    }
    task.abort();
    let _ = timeout(TIME_TO_DROP, task).await;
    false
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_in_time_is_aborted() {
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let task = tokio::spawn(async move {
            pending::<()>().await;
            drop(inside);
        });
        let begin = Instant::now();
        assert!(!ended(task, Duration::from_secs(20)).await);
        assert_eq!(begin.elapsed(), Duration::from_secs(20));
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_in_time_is_waited_for() {
        let task = tokio::spawn(tokio::time::sleep(Duration::from_secs(19)));
        assert!(ended(task, Duration::from_secs(20)).await);
    }
}
