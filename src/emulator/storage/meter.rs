//! Holds an installation to a rate.

use std::time::Duration;

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(1);

/// Counts the requests of the second that began with the first of them.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    count: u32,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            count: 0,
        }
    }

    /// Whether one more request may pass.
    pub(super) fn admit(&mut self, per_second: u32) -> bool {
        let now = Instant::now();
        if now.duration_since(self.began) >= WINDOW {
            (self.began, self.count) = (now, 0);
        }
        let admitted = self.count < per_second;
        self.count += u32::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_has_room_for_so_many_and_the_next_for_as_many_again() {
        let mut meter = Meter::new();
        assert!(meter.admit(2) && meter.admit(2) && !meter.admit(2));
        tokio::time::advance(WINDOW).await;
        assert!(meter.admit(2) && meter.admit(2) && !meter.admit(2));
    }
}
