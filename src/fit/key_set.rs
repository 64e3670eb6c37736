//! One key set: kept ready, fetched by one task at a time, refreshed before it ages out.

mod counted;
mod fetch;
mod flight;
mod freshness;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{Instant, sleep_until},
};
use url::Url;

use self::{
    counted::Counted,
    flight::{Flights, Want},
};
use super::{
    error::FitError,
    jwk::{Keys, TrustedKey},
};
use crate::clock::Clock;

/// How long the last good set serves while its endpoint is down. Generous: an outage
/// of the key endpoint must not become one of the remote, and a key that was
/// withdrawn because it leaked must not be trusted for ever either.
const OLDEST: Duration = Duration::from_hours(7 * 24);

/// When to come again after `keys_unavailable`: fetches that fail are tried once a second.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Requests that may wait for one fetch. The others are told to come again.
const MOST_WAITING: usize = 1024;

/// Which set it is, for log lines and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetName {
    Production,
    Staging,
    Isolated,
}

/// The keys behind one URL.
pub(super) struct KeySet {
    name: SetName,
    url: Url,
    http: reqwest::Client,
    clock: Clock,
    loaded: ArcSwapOption<Loaded>,
    flights: Mutex<Flights>,
    /// Wakes the keeper: a fetch has failed, whoever wanted it.
    failed: Notify,
    waiting: Semaphore,
    counted: Counted,
}

/// A set as it was fetched.
struct Loaded {
    keys: Keys,
    /// Before it ages out, so that there is time to try again.
    refresh_at: Instant,
    /// After that it is not used any more.
    dead_at: Instant,
}

enum Found {
    Key(Arc<TrustedKey>),
    UnknownKey,
    NoSet,
}

impl Loaded {
    fn key(loaded: Option<&Self>, id: &str, now: Instant) -> Found {
        match loaded.filter(|set| now < set.dead_at) {
            Some(set) => set
                .keys
                .get(id)
                .map_or(Found::UnknownKey, |key| Found::Key(Arc::clone(key))),
            None => Found::NoSet,
        }
    }
}

impl SetName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Isolated => "isolated",
        }
    }
}

impl KeySet {
    /// A set that is fetched when it is first needed, or by [`keep_fresh`](Self::keep_fresh).
    pub(super) fn new(name: SetName, url: Url, http: reqwest::Client, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            name,
            url,
            http,
            clock,
            loaded: ArcSwapOption::empty(),
            flights: Mutex::default(),
            failed: Notify::new(),
            waiting: Semaphore::new(MOST_WAITING),
            counted: Counted::of(name),
        })
    }

    /// The key with that id. Waits only if it is not in the set, and then for one fetch at most.
    pub(super) async fn key(
        self: &Arc<Self>,
        id: &str,
        now: Instant,
    ) -> Result<Arc<TrustedKey>, FitError> {
        let want = match self.find(id, now) {
            Found::Key(key) => return Ok(key),
            Found::UnknownKey => Want::UnknownKey,
            Found::NoSet => Want::FirstSet,
        };
        if let Some(landed) = self.join_or_begin(want, now) {
            self.wait_for(landed).await?;
        }
        // Also if there was nothing to wait for: a fetch may have landed in between.
        match self.find(id, Instant::now()) {
            Found::Key(key) => Ok(key),
            Found::UnknownKey => Err(FitError::UnknownKey),
            Found::NoSet => Err(unavailable()),
        }
    }

    /// Whether that very key is in the set now.
    pub(super) fn trusts(&self, key: &Arc<TrustedKey>, now: Instant) -> bool {
        let loaded = self.loaded.load();
        let alive = loaded.as_deref().filter(|set| now < set.dead_at);
        // There are one or two: looking at them all is less work than hashing the id.
        alive.is_some_and(|set| set.keys.values().any(|current| Arc::ptr_eq(current, key)))
    }

    /// Whether there is a set to verify with.
    pub(super) fn is_loaded(&self) -> bool {
        let loaded = self.loaded.load();
        loaded
            .as_ref()
            .is_some_and(|set| Instant::now() < set.dead_at)
    }

    /// Refreshes the set before it ages out, for ever, whether it is used or not.
    pub(super) async fn keep_fresh(self: Arc<Self>) {
        loop {
            let due = self.flights().due(self.refresh_at());
            if let Some(due) = due {
                tokio::select! {
                    () = sleep_until(due) => {}
                    // It is due sooner now: a search for a new key must not fail for long.
                    () = self.failed.notified() => continue,
                }
            }
            if let Some(mut landed) = self.join_or_begin(Want::Fresher, Instant::now()) {
                // An error says that the task is gone, which is what was waited for.
                let _ = landed.changed().await;
            }
        }
    }

    /// Looks the key up, and has an old set refreshed without waiting for it.
    fn find(self: &Arc<Self>, id: &str, now: Instant) -> Found {
        let loaded = self.loaded.load();
        let found = Loaded::key(loaded.as_deref(), id, now);
        if loaded.as_ref().is_some_and(|set| set.refresh_at <= now) {
            self.join_or_begin(Want::Fresher, now);
        }
        found
    }

    fn refresh_at(&self) -> Option<Instant> {
        self.loaded.load().as_ref().map(|set| set.refresh_at)
    }

    async fn wait_for(&self, mut landed: watch::Receiver<()>) -> Result<(), FitError> {
        let _place = self.waiting.try_acquire().map_err(|_| unavailable())?;
        let _ = landed.changed().await;
        Ok(())
    }

    /// The fetch that runs, or a new one if `want` is reason enough for it now.
    ///
    /// It runs in a task of its own: the caller that began it may go away.
    fn join_or_begin(self: &Arc<Self>, want: Want, now: Instant) -> Option<watch::Receiver<()>> {
        let (landing, landed) = self.flights().join_or_begin(want, now, self.refresh_at())?;
        if let Some(landing) = landing {
            let set = Arc::clone(self);
            tokio::spawn(async move {
                set.refresh().await;
                drop(landing);
            });
        }
        Some(landed)
    }

    async fn refresh(&self) {
        let known = self.loaded.load_full();
        let outcome = fetch::fetch(
            &self.http,
            self.url.clone(),
            known.as_ref().map(|set| &set.keys),
        )
        .await;
        let now = Instant::now();
        match outcome {
            Ok(fetched) => {
                self.report_success(&fetched);
                self.loaded.store(Some(Arc::new(Loaded {
                    keys: fetched.keys,
                    refresh_at: now + freshness::refresh_after(fetched.fresh_for),
                    dead_at: now + OLDEST,
                })));
                self.flights().succeeded();
            }
            Err(error) => {
                self.report_failure(&error);
                self.flights().failed(now);
                self.failed.notify_one();
            }
        }
    }

    fn report_success(&self, fetched: &fetch::Fetched) {
        let set = self.name.as_str();
        tracing::info!(
            jwks.set = set,
            jwks.keys = fetched.keys.len(),
            jwks.fresh_for_s = fetched.fresh_for.as_secs(),
            "key set refreshed"
        );
        self.counted.succeeded(self.clock.now(), fetched.keys.len());
    }

    fn report_failure(&self, error: &fetch::FetchError) {
        tracing::warn!(
            jwks.set = self.name.as_str(),
            cause = error as &dyn std::error::Error,
            "the key set could not be refreshed"
        );
        self.counted.failed();
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        // Nothing in there can be left half done.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable() -> FitError {
    FitError::KeysUnavailable {
        retry_after: RETRY_AFTER,
    }
}

#[cfg(test)]
mod tests;
