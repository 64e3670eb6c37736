//! Key sets of Isolated Clouds: one for each label, so that one's failure is its own.
//!
//! The label is read from a token before its signature holds. It has passed its
//! rule (`^[a-z0-9_-]{1,50}$`) and goes into a template of ours, so the worst that
//! an invented one can do is to have a key set looked for in vain. Their number is
//! bounded, and a set that has verified a token is never given up for one that has not.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{KeySet, SetName};
use crate::{clock::Clock, fit::error::FitError, ids::IcLabel, outbound::isolated::with_label};

const MOST_LABELS: usize = 64;

/// How long a set that has verified nothing keeps its place.
const PROBATION: Duration = Duration::from_secs(30);

/// The sets of all labels that tokens have named so far.
pub(super) struct IsolatedSets {
    template: Box<str>,
    http: reqwest::Client,
    clock: Clock,
    sets: ArcSwap<HashMap<IcLabel, Arc<IsolatedSet>>>,
    /// Held while a set is added.
    adding: Mutex<()>,
    /// Set once sets are to be kept fresh.
    stop: Arc<OnceLock<CancellationToken>>,
}

/// The set of one label.
pub(in crate::fit) struct IsolatedSet {
    keys: Arc<KeySet>,
    added_at: Instant,
    proved: AtomicBool,
    stop: Arc<OnceLock<CancellationToken>>,
}

impl IsolatedSets {
    pub(super) fn new(template: &str, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            template: template.into(),
            http,
            clock,
            sets: ArcSwap::default(),
            adding: Mutex::new(()),
            stop: Arc::default(),
        }
    }

    /// The set of `label`, added if it is the first token that names it.
    pub(super) fn set_of(&self, label: &IcLabel) -> Result<Arc<IsolatedSet>, FitError> {
        if let Some(set) = self.sets.load().get(label) {
            return Ok(Arc::clone(set));
        }
        let url = with_label(&self.template, label).ok_or(FitError::UnknownKey)?;
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sets = HashMap::clone(&self.sets.load());
        if let Some(set) = sets.get(label) {
            return Ok(Arc::clone(set));
        }
        if sets.len() >= MOST_LABELS {
            make_room(&mut sets)?;
        }
        let keys = KeySet::new(
            SetName::Isolated,
            url,
            self.http.clone(),
            self.clock.clone(),
        );
        let set = Arc::new(IsolatedSet {
            keys,
            added_at: Instant::now(),
            proved: AtomicBool::new(false),
            stop: Arc::clone(&self.stop),
        });
        sets.insert(label.clone(), Arc::clone(&set));
        self.sets.store(Arc::new(sets));
        Ok(set)
    }

    /// The set of `label`, if a token has named it.
    pub(super) fn known(&self, label: &IcLabel) -> Option<Arc<KeySet>> {
        let sets = self.sets.load();
        sets.get(label).map(|set| Arc::clone(&set.keys))
    }

    pub(super) fn keep_fresh(&self, stop: &CancellationToken) {
        if self.stop.set(stop.clone()).is_ok() {
            for set in self.sets.load().values() {
                if set.proved.load(Ordering::Acquire) {
                    super::keep_fresh(&set.keys, stop);
                }
            }
        }
    }
}

/// Gives up the oldest set that has verified nothing in its time.
fn make_room(sets: &mut HashMap<IcLabel, Arc<IsolatedSet>>) -> Result<(), FitError> {
    let oldest = sets
        .iter()
        .filter(|(_, set)| !set.proved.load(Ordering::Acquire))
        .min_by_key(|(_, set)| set.added_at)
        .filter(|(_, set)| set.added_at.elapsed() >= PROBATION)
        .map(|(label, _)| label.clone());
    let oldest = oldest.ok_or(FitError::KeysUnavailable {
        retry_after: PROBATION,
    })?;
    sets.remove(&oldest);
    Ok(())
}

impl IsolatedSet {
    pub(super) fn keys(&self) -> &Arc<KeySet> {
        &self.keys
    }

    /// Notes that a key of this set has verified a token: the label is real.
    pub(super) fn proved(&self) {
        if self.proved.load(Ordering::Acquire) || self.proved.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(stop) = self.stop.get() {
            super::keep_fresh(&self.keys, stop);
        }
    }
}
