//! How late the runtime is at this very moment, between two windows.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The last beat: sent by a thread of its own, and heard when the runtime gets to it. Read by
/// every request while requests are shed.
#[derive(Debug)]
pub(in crate::server) struct Beat {
    began: Instant,
    /// When the beat was sent that was not heard yet, in microseconds after `began` and one
    /// more. None is on its way: zero.
    sent: AtomicU64,
    /// How late the last one was heard, in microseconds.
    late: AtomicU64,
}

impl Beat {
    pub(in crate::server) fn new() -> Self {
        Self {
            began: Instant::now(),
            sent: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }

    /// A beat is on its way.
    pub(super) fn send(&self, at: Instant) {
        self.sent.store(self.micros(at) + 1, Relaxed);
    }

    /// The beat that was sent at `due` was heard. The next may have been sent already, as soon
    /// as this one was taken: that one is still on its way.
    pub(super) fn hear(&self, due: Instant, now: Instant) {
        let late = now.saturating_duration_since(due);
        self.late
            .store(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Relaxed);
        let heard = self.micros(due) + 1;
        let _ = self.sent.compare_exchange(heard, 0, Relaxed, Relaxed);
    }

    /// How long what is reached now has waited: as long as the beat that is on its way, or as
    /// the last one had to, for a moment ago it was no better.
    pub(super) fn lateness(&self, now: Instant) -> Duration {
        let late = self.late.load(Relaxed);
        let waits = match self.sent.load(Relaxed) {
            0 => 0,
            sent => self.micros(now).saturating_sub(sent - 1),
        };
        Duration::from_micros(late.max(waits))
    }

    fn micros(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.began);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn it_is_as_late_as_the_beat_on_its_way_or_the_last_one() {
        let beat = Beat::new();
        let began = beat.began;
        assert_eq!(beat.lateness(began + MILLI * 500), Duration::ZERO);
        beat.send(began);
        assert_eq!(beat.lateness(began + MILLI * 70), MILLI * 70);
        beat.hear(began, began + MILLI * 80);
        assert_eq!(beat.lateness(began + MILLI * 85), MILLI * 80);
        beat.send(began + MILLI * 90);
        assert_eq!(beat.lateness(began + MILLI * 91), MILLI * 80);
        beat.hear(began + MILLI * 90, began + MILLI * 92);
        assert_eq!(beat.lateness(began + MILLI * 99), MILLI * 2);
    }

    #[test]
    fn a_beat_that_is_sent_while_the_one_before_is_being_heard_is_on_its_way() {
        let beat = Beat::new();
        let began = beat.began;
        beat.send(began);
        beat.send(began + MILLI * 10);
        beat.hear(began, began + MILLI);
        assert_eq!(beat.lateness(began + MILLI * 80), MILLI * 70);
    }
}
