//! At most N exchanges in any minute, for each app, and nobody waits in vain.
//!
//! The crate for this would be `governor`, but it cannot tell a caller beforehand
//! how long the line is, so that one who will not live to see its turn is sent away
//! at once; nor can its rate change while it runs, which the gateway's 429 asks for.
//! And its `per_minute(N)` lets almost 2 N through in the first minute: N at once and
//! as many while the minute passes. Here a tenth of N is the burst and the rest flows
//! in over the minute ([`bucket`]), and whoever waits stands in line.
//!
//! [`Quota::take`] and [`Quota::limited`] are all that the exchange knows. Where several
//! replicas share a store, it counts for all of them, and the
//! bucket here only keeps up with what this one does, for when the store is away.

mod bucket;

use std::{
    collections::HashMap,
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::{Instant, sleep_until},
};

use self::bucket::Bucket;
use super::replicas::Replicas;
use crate::{ids::AppId, store::shared::Taken};

/// A place in the line of all replicas is good for its moment. Who comes later, because the
/// machine stood still, takes another: places of many moments would be used at once.
const PUNCTUAL: Duration = Duration::from_millis(500);

/// There is no place within the time one was willing to wait: come again after that long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait(pub(super) Duration);

/// How much of a quota is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// What the settings allow in a minute.
    pub(super) limit: u32,
    /// What is allowed in a minute for now.
    pub(super) working: u32,
    /// How many may go at once, at most.
    pub(super) burst: u32,
    /// How many may go at once now.
    pub(super) left: u32,
    /// How many wait for their turn.
    pub(super) waiting: u32,
}

/// The quotas of all apps that the remote serves: as many as `app.ids` names.
pub(super) struct Quota {
    per_minute: u32,
    replicas: Option<Arc<Replicas>>,
    apps: Mutex<HashMap<AppId, Arc<Line>>>,
}

impl Quota {
    /// A quota of this process, or of all replicas.
    pub(super) fn new(per_minute: u32, replicas: Option<Arc<Replicas>>) -> Self {
        Self {
            per_minute,
            replicas,
            apps: Mutex::default(),
        }
    }

    /// Takes a place, waiting for it no longer than `patience`.
    ///
    /// Who has to wait is told when the turn is expected to come, and again if that changes.
    ///
    /// # Errors
    /// [`Wait`], without waiting for it, as soon as it is clear that the turn comes too late.
    pub(super) async fn take(
        &self,
        app: &AppId,
        patience: Duration,
        mut queued: impl FnMut(Instant),
    ) -> Result<(), Wait> {
        let line = self.line(app);
        let last = Instant::now() + patience;
        if let Some(replicas) = &self.replicas {
            let among = self.take_among(replicas, *app, &line, last, &mut queued);
            if let Some(outcome) = among.await {
                return outcome;
            }
        }
        line.take(last, queued).await
    }

    /// Takes a place in the line of all replicas; nothing if the store is away.
    async fn take_among(
        &self,
        replicas: &Replicas,
        app: AppId,
        line: &Line,
        last: Instant,
        queued: &mut impl FnMut(Instant),
    ) -> Option<Result<(), Wait>> {
        // Before the look at the quota, so that no pause is missed.
        let mut pauses = line.pauses.subscribe();
        loop {
            let patience = last.saturating_duration_since(Instant::now());
            let (wait, epoch) = match replicas.take_place(app, self.per_minute, patience).await? {
                Taken::Place { wait, epoch } => (wait, epoch),
                Taken::Later(wait) => return Some(Err(Wait(wait))),
            };
            if wait.is_zero() {
                break;
            }
            let at = Instant::now() + wait;
            queued(at);
            tokio::select! {
                () = sleep_until(at) => {
                    let punctual = at.elapsed() < PUNCTUAL;
                    if punctual && replicas.is_epoch(app, epoch).await {
                        break;
                    }
                }
                // The places of before are void.
                _ = pauses.changed() => {}
            }
        }
        line.keep_up();
        Some(Ok(()))
    }

    /// The gateway limited a request that was sent at `sent`: all exchanges of the app
    /// pause for as long as it wants (10 s if it does not say), and go on slower.
    /// Tells how long that is.
    pub(super) async fn limited(
        &self,
        app: &AppId,
        sent: Instant,
        pause: Option<Duration>,
    ) -> Wait {
        let mut of_all = None;
        if let Some(replicas) = &self.replicas {
            let pause = bucket::pause(pause);
            of_all = replicas.limited(*app, self.per_minute, sent, pause).await;
        }
        // After the others know: whoever waits here looks at once whether its place is good.
        let own = self.line(app).limited(sent, pause);
        of_all.map_or(own, Wait)
    }

    /// How things stand with the app that has least left, and how many wait of all apps.
    /// What other replicas took is not in it.
    pub(super) fn standing(&self) -> Standing {
        let now = Instant::now();
        let apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = apps.values().map(|line| line.standing(now));
        let scarcer = |one: Standing, other: Standing| {
            let waiting = one.waiting + other.waiting;
            let scarce = if other.left < one.left { other } else { one };
            Standing { waiting, ..scarce }
        };
        let untouched = || Bucket::new(self.per_minute, now).standing(now);
        lines.reduce(scarcer).unwrap_or_else(untouched)
    }

    fn line(&self, app: &AppId) -> Arc<Line> {
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        let line = apps
            .entry(*app)
            .or_insert_with(|| Arc::new(Line::new(self.per_minute)));
        Arc::clone(line)
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("per_minute", &self.per_minute)
            .finish_non_exhaustive()
    }
}

/// The line before one app's bucket: first come, first served.
struct Line {
    state: Mutex<State>,
    /// Held by the first in line, who alone looks at the bucket. It is fair.
    head: Semaphore,
    /// Marked when the gateway wants a pause: everybody's turn comes later.
    pauses: watch::Sender<()>,
}

struct State {
    bucket: Bucket,
    waiting: u32,
}

impl Line {
    fn new(per_minute: u32) -> Self {
        Self {
            state: Mutex::new(State {
                bucket: Bucket::new(per_minute, Instant::now()),
                waiting: 0,
            }),
            head: Semaphore::new(1),
            pauses: watch::Sender::new(()),
        }
    }

    fn standing(&self, now: Instant) -> Standing {
        let mut state = self.state();
        Standing {
            waiting: state.waiting,
            ..state.bucket.standing(now)
        }
    }

    async fn take(&self, last: Instant, mut queued: impl FnMut(Instant)) -> Result<(), Wait> {
        // Before the look at the bucket, so that no pause is missed.
        let mut pauses = self.pauses.subscribe();
        let Some(_place) = self.line_up(last, &mut queued)? else {
            return Ok(());
        };
        let _head = self.reach_head(last, &mut pauses, &mut queued).await?;
        loop {
            let at = match self.state().bucket.take(Instant::now()) {
                Ok(()) => return Ok(()),
                Err(at) => at,
            };
            in_time(at, last)?;
            queued(at);
            tokio::select! {
                () = sleep_until(at) => {}
                _ = pauses.changed() => {}
            }
        }
    }

    /// Takes a place at once if nobody waits and one is free, else joins the line if
    /// the turn will come in time.
    fn line_up(
        &self,
        last: Instant,
        queued: &mut impl FnMut(Instant),
    ) -> Result<Option<Place<'_>>, Wait> {
        let now = Instant::now();
        let mut state = self.state();
        if state.waiting == 0 && state.bucket.take(now).is_ok() {
            return Ok(None);
        }
        let waiting = state.waiting;
        let at = state.bucket.free_at(now, waiting);
        in_time(at, last)?;
        state.waiting += 1;
        drop(state);
        queued(at);
        Ok(Some(Place(self)))
    }

    async fn reach_head(
        &self,
        last: Instant,
        pauses: &mut watch::Receiver<()>,
        queued: &mut impl FnMut(Instant),
    ) -> Result<SemaphorePermit<'_>, Wait> {
        let mut head = pin!(self.head.acquire());
        loop {
            tokio::select! {
                biased;
                permit = &mut head => {
                    // The semaphore is never closed; if it were, nobody's turn would come.
                    return permit.map_err(|_| Wait(bucket::DEFAULT_PAUSE));
                }
                _ = pauses.changed() => {
                    // At the earliest: the line may be long.
                    let at = self.state().bucket.free_at(Instant::now(), 0);
                    in_time(at, last)?;
                    queued(at);
                }
                () = sleep_until(last) => return Err(self.wait()),
            }
        }
    }

    /// Notes a place that was taken elsewhere, as far as the bucket has any.
    fn keep_up(&self) {
        let _ = self.state().bucket.take(Instant::now());
    }

    fn limited(&self, sent: Instant, pause: Option<Duration>) -> Wait {
        self.state().bucket.limited(sent, Instant::now(), pause);
        self.pauses.send_replace(());
        self.wait()
    }

    /// How long a newcomer would wait.
    fn wait(&self) -> Wait {
        let now = Instant::now();
        let mut state = self.state();
        let waiting = state.waiting;
        let at = state.bucket.free_at(now, waiting);
        Wait(at.saturating_duration_since(now))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_time(at: Instant, last: Instant) -> Result<(), Wait> {
    if at > last {
        Err(Wait(at.saturating_duration_since(Instant::now())))
    } else {
        Ok(())
    }
}

/// A place in line, given back however the wait ends.
struct Place<'a>(&'a Line);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

#[cfg(test)]
mod tests;
