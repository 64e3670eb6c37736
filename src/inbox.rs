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
use tokio::sync::Notify;

use self::{intake::Intake, uninstall::Uninstall};
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

/// Events and schedules of one server: the routes that take them in, and the work on them.
pub(crate) struct Inbox {
    routes: Router<Forge>,
    uninstall: Uninstall,
}

impl Inbox {
    /// # Panics
    /// Outside a Tokio runtime.
    pub(crate) fn new(forge: &Forge, events: &Events, schedule: &Schedule) -> Self {
        let wake = Arc::new(Notify::new());
        let intake = Intake::start(Arc::clone(forge.jobs()), Arc::clone(&wake));
        let uninstall = Uninstall::new(forge, events.uninstalling.clone());
        let routes = routes::routes(forge, events, schedule, intake, uninstall.clone());
        Self { routes, uninstall }
    }

    /// The routes under `/forge`.
    pub(crate) fn routes(&self) -> Router<Forge> {
        self.routes.clone()
    }

    /// Begins to work on what waits.
    pub(crate) fn start(&mut self) {}

    /// Takes up no more work. What is at work has `patience`.
    pub(crate) async fn stop(self, patience: Duration) {
        self.uninstall.stop(patience).await;
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}
