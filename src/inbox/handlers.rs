//! Handlers without their types: what an intake and a dispatcher need of them.

use std::{collections::HashMap, fmt, sync::Arc};

use futures_util::future::BoxFuture;

use super::{Job, JobError};

/// How one attempt ended, as its handler says.
pub(super) type Outcome = Result<(), Failure>;

/// Why an attempt failed.
pub(super) enum Failure {
    /// The handler says so.
    Handler(JobError),
    /// The body is not what the handler takes: no attempt will change that.
    Unreadable(serde_json::Error),
}

type Run = dyn Fn(Job) -> BoxFuture<'static, Outcome> + Send + Sync;

/// A handler, and what its jobs must not overtake.
#[derive(Clone)]
pub(super) struct Handler {
    pub(super) run: Arc<Run>,
    /// A JSON pointer into the body: jobs with the same text there keep their order.
    pub(super) order_by: Option<&'static str>,
}

/// Handlers by the whole name of what they handle.
#[derive(Clone, Default)]
pub(super) struct Handlers(HashMap<Box<str>, Handler>);

impl Handlers {
    /// # Panics
    /// If there is one for `name` already: which of two is meant cannot be known.
    pub(super) fn add(&mut self, name: &str, handler: Handler) {
        let taken = self.0.insert(name.into(), handler).is_some();
        assert!(!taken, "`{name}` has a handler already");
    }

    pub(super) fn of(&self, name: &str) -> Option<&Handler> {
        self.0.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
