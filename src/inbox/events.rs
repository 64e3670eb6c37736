//! Which handler takes which event.

use std::{fmt, sync::Arc};

use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};
use serde::de::DeserializeOwned;

use super::{
    Event, JobError, Lifecycle, Uninstalling,
    handlers::{Failure, Handler, Handlers},
};

/// `avi:forge:installed:app`
pub(super) const INSTALLED: &str = "avi:forge:installed:app";
/// `avi:forge:upgraded:app`
pub(super) const UPGRADED: &str = "avi:forge:upgraded:app";
/// `avi:forge:uninstalled:app`: not in the platform's list of events any more, and sent to
/// apps that once asked for it.
pub(super) const UNINSTALLED: &str = "avi:forge:uninstalled:app";

pub(super) type OnUninstalling =
    Arc<dyn Fn(Uninstalling) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// The app's handlers of events, by the event's whole name.
///
/// An event that has no handler is acknowledged, counted and not kept.
///
/// ```
/// use forge_remote::inbox::{Event, Events, JobError, Lifecycle, Uninstalling};
///
/// async fn page_updated(event: Event) -> Result<(), JobError> { Ok(()) }
/// async fn welcome(event: Event<Lifecycle>) -> Result<(), JobError> { Ok(()) }
/// async fn purge(leaving: Uninstalling) -> Result<(), JobError> { Ok(()) }
///
/// let events = Events::new()
///     .on("avi:confluence:updated:page", page_updated)
///     .on_installed(welcome)
///     .on_uninstalling(purge);
/// ```
#[derive(Clone, Default)]
#[must_use = "hand it to `serve`"]
pub struct Events {
    pub(super) handlers: Handlers,
    pub(super) uninstalling: Option<OnUninstalling>,
}

impl Events {
    /// No handlers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Events of that type go to `handler`, several at once.
    ///
    /// # Panics
    /// If the type has a handler already.
    pub fn on<T, F, Fut>(self, event_type: &str, handler: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Event<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.with(event_type, None, handler)
    }

    /// As [`on`](Self::on), but events that have the same text at `order_by`, a JSON pointer
    /// such as `/content/id`, are handled one after the other in the order in which they
    /// came, whatever their types. One that is tried again holds up those behind it, until
    /// it is done or a dead letter. An event without that text keeps no order.
    ///
    /// # Panics
    /// If the type has a handler already.
    pub fn on_ordered<T, F, Fut>(self, event_type: &str, order_by: &'static str, handler: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Event<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.with(event_type, Some(order_by), handler)
    }

    /// The app was installed. The remote knows the installation by then.
    ///
    /// # Panics
    /// If it has a handler already.
    pub fn on_installed<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Event<Lifecycle>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.on(INSTALLED, handler)
    }

    /// The app got a new major version.
    ///
    /// # Panics
    /// If it has a handler already.
    pub fn on_upgraded<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Event<Lifecycle>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.on(UPGRADED, handler)
    }

    /// The app is about to be uninstalled. `handler` has under 55 s, in which the uninstall
    /// waits; then the installation goes with its tokens and jobs, whatever it said.
    pub fn on_uninstalling<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Uninstalling) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.uninstalling = Some(Arc::new(move |leaving| handler(leaving).boxed()));
        self
    }

    fn with<T, F, Fut>(
        mut self,
        event_type: &str,
        order_by: Option<&'static str>,
        handler: F,
    ) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Event<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let run = Arc::new(move |job| match Event::of(job) {
            Ok(event) => handler(event).map_err(Failure::Handler).boxed(),
            Err(error) => std::future::ready(Err(Failure::Unreadable(error))).boxed(),
        });
        self.handlers.add(event_type, Handler { run, order_by });
        self
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("handlers", &self.handlers)
            .finish_non_exhaustive()
    }
}
