//! Spans that were not taken, counted at once and told in the log now and then.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A collector that is away for a day should not fill the log.
const BETWEEN_LINES: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Not told yet.
    lost: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Losses {
    pub(super) fn shared() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn count(&self, spans: usize) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        self.lost.fetch_add(spans, Ordering::Relaxed);
    }

    /// How many to tell of, if it is time to.
    fn due(&self, now: Instant) -> Option<u64> {
        if self.lost.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told.is_none_or(|told| now.duration_since(told) >= BETWEEN_LINES);
        is_due.then(|| {
            *told = Some(now);
            self.lost.swap(0, Ordering::Relaxed)
        })
    }

    /// Writes a line, if there is something to say and the last one is a minute old.
    pub(super) fn tell(&self, cause: &str) {
        if let Some(spans) = self.due(Instant::now()) {
            tracing::warn!(
                telemetry.lost_spans = spans,
                cause,
                "spans are lost: the collector at `telemetry.otlp_endpoint` does not take them"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_once_a_minute_and_none_is_forgotten() {
        let losses = Losses::default();
        let began = Instant::now();
        assert_eq!(losses.due(began), None);
        losses.count(3);
        assert_eq!(losses.due(began), Some(3));
        losses.count(2);
        assert_eq!(losses.due(began + Duration::from_secs(59)), None);
        losses.count(1);
        assert_eq!(losses.due(began + Duration::from_mins(1)), Some(3));
        assert_eq!(losses.due(began + Duration::from_mins(3)), None);
    }
}
