//! Counts exchanges and holds them to the platform's rate.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_mins(1);

/// Lets so many exchanges through in any minute, and counts them.
#[derive(Debug)]
pub(in crate::emulator) struct ExchangeMeter {
    per_minute: usize,
    admitted: AtomicU64,
    /// When each of the last minute's exchanges came: never more than `per_minute`.
    recent: Mutex<VecDeque<Instant>>,
}

impl ExchangeMeter {
    pub(in crate::emulator) fn new(per_minute: u32) -> Self {
        Self {
            per_minute: per_minute as usize,
            admitted: AtomicU64::new(0),
            recent: Mutex::default(),
        }
    }

    /// Exchanges let through since the start, those refused for other reasons included.
    pub(in crate::emulator) fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::Relaxed)
    }

    /// Lets one through, or says how long to wait.
    pub(super) fn admit(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        while recent
            .front()
            .is_some_and(|came| now.duration_since(*came) >= WINDOW)
        {
            recent.pop_front();
        }
        if recent.len() >= self.per_minute {
            let oldest = recent.front().copied().unwrap_or(now);
            return Err(WINDOW.saturating_sub(now.duration_since(oldest)));
        }
        recent.push_back(now);
        self.admitted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_minute_has_more_exchanges_than_allowed() {
        let meter = ExchangeMeter::new(2);
        assert!(meter.admit().is_ok());
        tokio::time::advance(Duration::from_secs(40)).await;
        assert!(meter.admit().is_ok());
        assert_eq!(meter.admit(), Err(Duration::from_secs(20)));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(meter.admit().is_ok());
        assert_eq!(meter.admit(), Err(Duration::from_secs(40)));
        assert_eq!(meter.admitted(), 3);
    }
}
