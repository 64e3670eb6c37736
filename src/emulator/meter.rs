//! Holds an installation to a rate.

use std::time::Duration;

use tokio::time::Instant;

/// Counts what comes in the window that began with the first of it.
#[derive(Debug)]
pub(super) struct Meter {
    window: Duration,
    began: Instant,
    count: usize,
}

impl Meter {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            began: Instant::now(),
            count: 0,
        }
    }

    /// Whether so many more may pass, of `most` in a window.
    pub(super) fn admit(&mut self, more: usize, most: usize) -> bool {
        if self.is_over() {
            (self.began, self.count) = (Instant::now(), 0);
        }
        let count = self.count.saturating_add(more);
        let admitted = count <= most;
        if admitted {
            self.count = count;
        }
        admitted
    }

    /// Whether its window has ended: then it holds nobody back.
    pub(super) fn is_over(&self) -> bool {
        self.began.elapsed() >= self.window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_window_has_room_for_so_many_and_the_next_for_as_many_again() {
        let window = Duration::from_secs(1);
        let mut meter = Meter::new(window);
        assert!(meter.admit(1, 2) && meter.admit(1, 2) && !meter.admit(1, 2));
        tokio::time::advance(window).await;
        assert!(meter.is_over());
        assert!(!meter.admit(3, 2) && meter.admit(2, 2) && !meter.admit(1, 2));
    }
}
