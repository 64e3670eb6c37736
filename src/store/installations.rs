//! Memory in front of the store.

mod gone;
mod memory;
mod queue;
mod writer;

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use tokio::time::timeout;

use self::{gone::Gone, memory::Memory, queue::Queue, writer::Writer};
use super::{Deleted, Installation, Remembered, Store, StoreError, TokenOrigin};
use crate::{
    clock::Clock,
    ids::{CloudId, InstallationId},
    token::AppToken,
};

/// How long [`Installations::flush`] waits, and how long a token that a product refused
/// waits for a write under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// The installations that the remote knows. Clones share everything.
///
/// ```
/// # use forge_remote::{clock::Clock, config, store::{self, Installation, Installations}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = config::Store {
///     url: "sqlite::memory:".into(),
///     encryption_key: None,
///     additional_encryption_keys: Vec::new(),
/// };
/// let store = store::open(&settings, &config::Environment::Test, Clock::system()).await?;
/// let installations = Installations::new(store.installations, Clock::system());
///
/// let id = "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647".parse()?;
/// let app = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse()?;
/// installations.remember(Installation::new(id, app, "https://api.bitbucket.org"), None);
/// assert!(installations.known(&id).is_some());
///
/// installations.flush().await; // what was remembered is now in the store
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(hidden)]
pub struct Installations(Arc<Inner>);

struct Inner {
    memory: Memory,
    gone: Gone,
    queue: Arc<Queue>,
    store: Arc<dyn Store>,
    clock: Clock,
}

impl Installations {
    /// Memory in front of `store`, and the task that writes what is remembered. The task
    /// ends when the last clone is dropped, after one more attempt to write what is left.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        let memory = Memory::new();
        let queue = Arc::new(Queue::new());
        tokio::spawn(Writer::new(&memory, &queue, &store).run());
        Self(Arc::new(Inner {
            memory,
            gone: Gone::default(),
            queue,
            store,
            clock,
        }))
    }

    /// What memory has of an installation: at most 100,000 of them, the latest in use.
    #[must_use]
    pub fn known(&self, id: &InstallationId) -> Option<Arc<Remembered>> {
        self.0.memory.get(*id)
    }

    /// How many installations memory has: at most 100,000.
    #[must_use]
    pub fn in_memory(&self) -> usize {
        self.0.memory.len()
    }

    /// What `look` makes of an installation that memory has, at no cost but its own: nothing
    /// is allocated or counted. `look` must be short and ask for no installation: while it
    /// looks, what is [remembered](Self::remember) waits.
    #[must_use]
    pub fn look_at<R>(
        &self,
        id: &InstallationId,
        look: impl FnOnce(&Remembered) -> R,
    ) -> Option<R> {
        self.0.memory.look_at(*id, look)
    }

    /// Takes in what an invocation brought, with a token that the platform itself put beside
    /// it. Never waits and never fails.
    ///
    /// The longer-lived token is kept. A write is queued only if the installation changed,
    /// the token lives longer, or the last write is an hour old. It is repeated until it
    /// succeeds; meanwhile memory knows more than the store. What comes of an installation
    /// within a minute after it was [deleted](Self::delete) is ignored.
    pub fn remember(&self, installation: Installation, app_token: Option<AppToken>) {
        self.take_in(installation, app_token, TokenOrigin::Platform);
    }

    /// As [`remember`](Self::remember), with a token that a browser may have made up: it fills
    /// a gap, gives way to the next one of the platform, and wakes no job.
    pub fn remember_from_browser(&self, installation: Installation, app_token: AppToken) {
        self.take_in(installation, Some(app_token), TokenOrigin::Browser);
    }

    fn take_in(
        &self,
        installation: Installation,
        app_token: Option<AppToken>,
        token_origin: TokenOrigin,
    ) {
        let id = installation.id;
        let now = self.0.clock.now();
        let mut record = Remembered {
            installation,
            app_token,
            token_origin,
            last_seen: now,
            first_seen: now,
        };
        if let Some(known) = self.known(&id) {
            record = record.over(&known);
            if !record.adds_to(&known) {
                return;
            }
        }
        self.0.memory.update(id, |current| {
            // While the entry is held: what is deleted after this look takes the record
            // along, from memory and from the queue.
            if self.0.gone.contains(id) {
                return None;
            }
            let record = match current {
                Some(current) => Arc::new(record.over(current)),
                None => Arc::new(record),
            };
            // While the entry is held: two records of one installation queue up in the
            // order in which memory took them.
            self.0.queue.push(Arc::clone(&record), current.is_none());
            Some(record)
        });
    }

    /// An installation, from memory if it has a token of the platform that can still be used,
    /// else from the store: another replica may have written a better one.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails and memory has no token that can be used.
    pub async fn find(&self, id: &InstallationId) -> Result<Option<Arc<Remembered>>, StoreError> {
        let known = self.known(id).or_else(|| self.0.queue.get(*id));
        let now = self.0.clock.now();
        if let Some(known) = &known
            && known.platform_token(now).is_some()
        {
            return Ok(Some(Arc::clone(known)));
        }
        let forgets = self.0.memory.forgets();
        match self.0.store.load(*id).await {
            Ok(Some(stored)) => Ok(Some(self.adopt(stored, forgets))),
            Ok(None) => Ok(known),
            Err(error) => match known {
                Some(known) if known.living_token(now).is_some() => Ok(Some(known)),
                _ => Err(error),
            },
        }
    }

    /// The installations in a site, the last seen first; at most 100 of the store's.
    ///
    /// After a reinstall there are several: the new one, and those it replaces.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn of_cloud(&self, cloud: &CloudId) -> Result<Vec<Arc<Remembered>>, StoreError> {
        let forgets = self.0.memory.forgets();
        // Before the store is asked: what leaves the queue after this is in the store by then.
        let queued = self.0.queue.of_cloud(cloud);
        let stored = self.0.store.of_cloud(cloud).await?;
        let mut found: Vec<_> = stored
            .into_iter()
            .map(|stored| self.adopt(stored, forgets))
            .collect();
        let ids: HashSet<_> = found.iter().map(|it| it.installation.id).collect();
        found.extend(
            queued
                .into_iter()
                .filter(|it| !ids.contains(&it.installation.id)),
        );
        found.retain(|it| it.installation.is_in(cloud));
        found.sort_by_key(|it| std::cmp::Reverse(it.last_seen.unix()));
        Ok(found)
    }

    /// Drops exactly that token, in memory at once and then in the store: a product
    /// answered 401 to it. A newer token stays, and so does the installation.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails; memory has dropped the token even then.
    pub async fn forget_app_token(
        &self,
        id: &InstallationId,
        token: &AppToken,
    ) -> Result<(), StoreError> {
        let Inner {
            memory,
            queue,
            store,
            ..
        } = &*self.0;
        memory.forget(*id, token);
        // A write under way may hold the token: it ends first, then the token goes.
        let turn = timeout(PATIENCE, queue.turn())
            .await
            .map_err(StoreError::unavailable)?;
        queue.forget(*id, token);
        let outcome = store.forget_app_token(*id, token).await;
        drop(turn);
        // Again, for a reader who met the token in the store before it went.
        memory.forget(*id, token);
        outcome
    }

    /// Deletes an installation with its token and its jobs: in memory at once, then in the
    /// store. For a minute nothing brings it back: requests may be under way that were
    /// verified before it went.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails; the same call may be made again.
    pub async fn delete(&self, id: &InstallationId) -> Result<Deleted, StoreError> {
        let Inner {
            memory,
            gone,
            queue,
            store,
            ..
        } = &*self.0;
        gone.insert(*id);
        memory.remove(*id);
        // A write under way may hold it: it ends first, then the installation goes.
        let turn = timeout(PATIENCE, queue.turn())
            .await
            .map_err(StoreError::unavailable)?;
        queue.remove(*id);
        let outcome = store.delete(*id).await;
        drop(turn);
        // Again, for a reader who met it in the store before it went.
        memory.remove(*id);
        outcome
    }

    /// Whether it was [deleted](Self::delete) less than a minute ago.
    #[must_use]
    pub fn is_gone(&self, id: &InstallationId) -> bool {
        self.0.gone.contains(*id)
    }

    /// Waits until nothing of an installation is left to be written; at most 5 s.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it is not written by then.
    pub async fn written(&self, id: &InstallationId) -> Result<(), StoreError> {
        timeout(PATIENCE, self.0.queue.written(*id))
            .await
            .map_err(StoreError::unavailable)
    }

    /// Waits until everything that was remembered is in the store; at most 5 s.
    ///
    /// For shutdown and for tests. What is not written by then is a warning.
    pub async fn flush(&self) {
        let queue = &self.0.queue;
        if timeout(PATIENCE, queue.drained()).await.is_err() {
            tracing::warn!(
                store.pending = queue.len(),
                "not everything that was remembered could be written"
            );
        }
    }

    /// Asks whether the store answers.
    ///
    /// # Errors
    /// [`StoreError`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.0.store.ping().await
    }

    /// Brings a stored record together with what the queue and memory have of it.
    fn adopt(&self, stored: Remembered, forgets: u64) -> Arc<Remembered> {
        let now = self.0.clock.now();
        let stored = match self.0.queue.get(stored.installation.id) {
            Some(queued) => stored.beside(&queued, now),
            None => stored,
        };
        self.0.memory.adopt(stored, forgets, now)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for Installations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installations")
            .field("pending", &self.0.queue.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
