//! What is counted of a key set.

use metrics::{Counter, Gauge, counter, gauge};

use super::SetName;
use crate::clock::Timestamp;

/// Handles are there from the start, so that a set that was never fetched is seen to be empty.
pub(super) struct Counted {
    succeeded: Counter,
    failed: Counter,
    /// None for Isolated Clouds: there may be many, and which there are is not ours to say.
    own: Option<Own>,
}

struct Own {
    set: &'static str,
    keys: Gauge,
}

impl Counted {
    pub(super) fn of(set: SetName) -> Self {
        let refreshes =
            |outcome: &'static str| counter!("forge_jwks_refreshes_total", "outcome" => outcome);
        let own = (set != SetName::Isolated).then(|| Own::of(set.as_str()));
        Self {
            succeeded: refreshes("ok"),
            failed: refreshes("failed"),
            own,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds and keys are exact in an f64"
    )]
    pub(super) fn succeeded(&self, now: Timestamp, keys: usize) {
        self.succeeded.increment(1);
        let Some(Own { set, keys: gauge }) = &self.own else {
            return;
        };
        gauge.set(keys as f64);
        // Only now: a moment of 1970 would be one that never was.
        gauge!("forge_jwks_refreshed_timestamp_seconds", "set" => *set).set(now.unix() as f64);
    }

    pub(super) fn failed(&self) {
        self.failed.increment(1);
    }
}

impl Own {
    fn of(set: &'static str) -> Self {
        let keys = gauge!("forge_jwks_keys", "set" => set);
        // The gauge of a service that has just been made says nothing of its predecessor's.
        keys.set(0.0);
        Self { set, keys }
    }
}
