//! One run: from a claimed job to a verdict on it.

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::{
    judge::{Judge, Standing},
    leases::Cut,
    tally::Tally,
    verdict::Verdict,
};
use crate::{
    clock::Clock,
    deadline::Deadline,
    error::Error,
    forge::Forge,
    inbox::{
        Job,
        handlers::{Handler, Handlers},
        span,
    },
    store::{
        Remembered, StoreError,
        jobs::{Claimed, JobKind, Run},
    },
};

/// What a handler has, and all its calls to products: its [`Job::deadline`].
pub(super) const RUN_LIMIT: Duration = Duration::from_mins(15);

/// After its deadline a handler has this much to come to an end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// How long a job waits whose installation cannot be looked up.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// How long a job waits for its installation to become known: longer than the platform takes
/// to send an event five times, a minute apart (Forge events: "Delivery").
const ACQUAINTANCE: Duration = Duration::from_mins(10);

/// What all runs have in common.
pub(super) struct Runner {
    forge: Forge,
    events: Handlers,
    ticks: Handlers,
    judge: Judge,
    tally: Tally,
}

/// A run under way. Dropped, it is cancelled.
pub(super) type Running = BoxFuture<'static, (Run, Verdict)>;

impl Runner {
    pub(super) fn new(forge: Forge, events: Handlers, ticks: Handlers, max_attempts: u32) -> Self {
        let judge = Judge::new(max_attempts, forge.clock().clone());
        Self {
            forge,
            events,
            ticks,
            judge,
            tally: Tally::new(),
        }
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn clock(&self) -> &Clock {
        self.forge.clock()
    }

    /// Begins a run, in a task of its own: its panic is its own too.
    pub(super) fn start(
        self: &Arc<Self>,
        claimed: Claimed,
        cut: oneshot::Receiver<Cut>,
    ) -> Running {
        let runner = Arc::clone(self);
        let run = claimed.run;
        let standing = Standing {
            job: run.job,
            attempt: run.attempt,
            received_at: claimed.received_at,
        };
        self.tally.begins(&claimed, self.clock().now());
        let span = span::of_attempt(&claimed);
        let attempt = Arc::clone(self).run(claimed, standing, cut);
        let task = AbortOnDropHandle::new(tokio::spawn(attempt.instrument(span.clone())));
        let begin = Instant::now();
        async move {
            let verdict = match task.await {
                Ok(verdict) => verdict,
                // What a panic says may hold anything.
                Err(_) => runner
                    .judge
                    .broke(standing, "the handler panicked".to_owned()),
            };
            runner.tally.ended(run, &verdict, begin.elapsed());
            span.in_scope(|| verdict.report());
            (run, verdict)
        }
        .boxed()
    }

    async fn run(
        self: Arc<Self>,
        claimed: Claimed,
        standing: Standing,
        cut: oneshot::Receiver<Cut>,
    ) -> Verdict {
        tokio::select! {
            biased;
            verdict = self.handle(claimed, standing) => verdict,
            Ok(cut) = cut => cut.into(),
            () = sleep(RUN_LIMIT + GRACE) => {
                let minutes = RUN_LIMIT.as_secs() / 60;
                self.judge.broke(standing, format!("the handler took more than {minutes} minutes"))
            }
        }
    }

    async fn handle(&self, claimed: Claimed, standing: Standing) -> Verdict {
        let deadline = Deadline::after(RUN_LIMIT);
        let Some(handler) = self.handler(&claimed) else {
            let cause = "this release has no handler for it: register one, then replay it";
            return Verdict::Dead {
                cause: cause.to_owned(),
            };
        };
        let known = match self.installation(&claimed).await {
            Ok(Some(known)) => known,
            Ok(None) => return self.unknown(&claimed, standing),
            Err(error @ StoreError::Damaged(_)) => {
                return self.judge.broke(standing, unfound(error));
            }
            Err(error) => return self.judge.postpone(standing, STORE_PAUSE, unfound(error)),
        };
        let job = Job::new(self.forge.clone(), known, claimed, deadline);
        match (handler.run)(job.clone()).await {
            Ok(()) => Verdict::Done,
            Err(failure) => self.judge.failed(&job, failure),
        }
    }

    /// A job and its installation are two commits, and the job's may be the first: another
    /// replica is still writing the other one, or died in between. Then nobody was told that
    /// the event was kept, and the next delivery brings the installation.
    fn unknown(&self, claimed: &Claimed, standing: Standing) -> Verdict {
        let age = self.forge.clock().now().since(claimed.received_at);
        let gone = self.forge.installations().is_gone(&claimed.installation);
        if gone || age >= ACQUAINTANCE {
            let cause = "the installation is not known any more: the app was uninstalled";
            return Verdict::Dropped {
                cause: cause.to_owned(),
            };
        }
        let cause = "the installation is not known yet";
        let after = age.max(Duration::from_secs(1));
        self.judge.postpone(standing, after, cause.to_owned())
    }

    fn handler(&self, claimed: &Claimed) -> Option<&Handler> {
        let handlers = match claimed.kind {
            JobKind::Event => &self.events,
            JobKind::Tick => &self.ticks,
        };
        handlers.of(&claimed.name)
    }

    /// The store is asked only where memory has no token that the job could use: another
    /// process may have written one.
    async fn installation(&self, claimed: &Claimed) -> Result<Option<Arc<Remembered>>, StoreError> {
        let installations = self.forge.installations();
        let own = claimed.app_token.as_ref();
        if own.is_some_and(|token| self.forge.lives(token))
            && let Some(known) = installations.known(&claimed.installation)
        {
            return Ok(Some(known));
        }
        installations.find(&claimed.installation).await
    }
}

fn unfound(error: StoreError) -> String {
    let causes = Error::from(error).causes();
    format!("the installation cannot be looked up: {causes}")
}
