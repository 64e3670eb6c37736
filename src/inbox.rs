//! Events and ticks: acknowledged when they are on disk, handled at least once.
//!
//! ```text
//! Forge ──► intake: verify, write (many share a commit), 202
//!                        │
//!                     Jobs (store)
//!                        │
//!           dispatcher: claim ──► handler ──► done · retry · dead letter
//! ```

mod dispatcher;
mod envelope;
mod error;
mod event;
mod events;
mod handlers;
mod identity;
mod intake;
mod job;
mod routes;
mod schedule;
mod tick;
mod uninstall;
mod uninstalling;

use std::{fmt, sync::Arc, time::Duration};

use axum::Router;
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{dispatcher::Dispatcher, intake::Intake, uninstall::Uninstall};
use crate::forge::Forge;

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
    /// Takes up no more work, and gives what is at work `patience`.
    pub(crate) async fn stop(self, patience: Duration) {
        drop(self.stop);
        let dispatched = timeout(patience + TIME_TO_SETTLE, self.dispatcher);
        let (dispatched, ()) = tokio::join!(dispatched, self.uninstall.stop(patience));
        if !matches!(dispatched, Ok(Ok(()))) {
            tracing::warn!("stopped with jobs at work: they run again once their leases lapse");
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}
