//! Requests that were turned away: each is counted, and the log says so once a second.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use metrics::Counter;
use tokio::time::Instant;

/// How long a caller that was turned away should stay away.
pub(crate) const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);
/// Under a flood a line for each would be a flood of lines.
pub(super) const LINE_PAUSE: Duration = Duration::from_secs(1);

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// All places of its lane are taken.
    Full,
    /// There is more work than time.
    Pressure,
    /// Its installation holds more than its share.
    Share,
}

/// Counts what one lane turns away. Clones share the counts.
#[derive(Clone)]
pub(crate) struct Refusals(Arc<Inner>);

struct Inner {
    lane: &'static str,
    counters: [Counter; 3],
    /// Since the last line.
    unsaid: AtomicU64,
    since: Instant,
    /// Milliseconds after `since`: the earliest time of the next line.
    next_line: AtomicU64,
}

impl Reason {
    const ALL: [Self; 3] = [Self::Full, Self::Pressure, Self::Share];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Pressure => "pressure",
            Self::Share => "share",
        }
    }
}

impl Refusals {
    pub(crate) fn of_lane(lane: &'static str) -> Self {
        let counters = Reason::ALL.map(|reason| {
            metrics::counter!("forge_shed_total", "lane" => lane, "reason" => reason.as_str())
        });
        Self(Arc::new(Inner {
            lane,
            counters,
            unsaid: AtomicU64::new(0),
            since: Instant::now(),
            next_line: AtomicU64::new(0),
        }))
    }

    /// Whose refusals these are, as metrics call it.
    pub(crate) fn lane(&self) -> &'static str {
        self.0.lane
    }

    pub(crate) fn count(&self, reason: Reason) {
        let inner = &*self.0;
        inner.counters[reason as usize].increment(1);
        inner.unsaid.fetch_add(1, Relaxed);
        let now = millis(inner.since.elapsed());
        let due = inner.next_line.load(Relaxed);
        let next = now + millis(LINE_PAUSE);
        // Of those who come at the same time one gets to say it.
        let is_mine = now >= due
            && inner
                .next_line
                .compare_exchange(due, next, Relaxed, Relaxed)
                .is_ok();
        if is_mine {
            let requests = inner.unsaid.swap(0, Relaxed);
            tracing::warn!(
                lane = inner.lane,
                reason = reason.as_str(),
                requests,
                "requests are turned away: there is more to do than this process can"
            );
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refusals").field(&self.0.lane).finish()
    }
}
