//! When a key set may be fetched, and that one task at a time does it.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// Anybody can send tokens with key ids that do not exist: they must not become
/// fetches. A key that is new in the set is found within that time at the latest.
const BETWEEN_SEARCHES: Duration = Duration::from_secs(30);

/// Between two fetches while there is no set at all and requests ask for one.
const BETWEEN_FIRST_TRIES: Duration = Duration::from_secs(1);

/// Between two tries of a refresh that fails: doubled each time.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Why somebody wants a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// There is no set.
    FirstSet,
    /// The set is due for a refresh.
    Fresher,
    /// A token has a key id that is not in the set.
    UnknownKey,
}

/// What is known of the fetches of one set.
#[derive(Debug, Default)]
pub(super) struct Flights {
    /// The one in the air; closed when it has landed, also if its task died.
    landed: Option<watch::Receiver<()>>,
    began_at: Option<Instant>,
    searched_at: Option<Instant>,
    failed_at: Option<Instant>,
    failures: u32,
}

impl Flights {
    /// The fetch to wait for. With a sender if the caller is to make it, and to drop
    /// the sender when it is done; none if now is not the time.
    pub(super) fn join_or_begin(
        &mut self,
        want: Want,
        now: Instant,
        refresh_at: Option<Instant>,
    ) -> Option<(Option<watch::Sender<()>>, watch::Receiver<()>)> {
        let in_the_air = self
            .landed
            .as_ref()
            .filter(|landed| landed.has_changed().is_ok())
            .cloned();
        if in_the_air.is_none() && !self.allows(want, now, refresh_at) {
            return None;
        }
        if want == Want::UnknownKey {
            self.searched_at = Some(now);
        }
        if let Some(landed) = in_the_air {
            return Some((None, landed));
        }
        let (landing, landed) = watch::channel(());
        self.landed = Some(landed.clone());
        self.began_at = Some(now);
        Some((Some(landing), landed))
    }

    pub(super) fn succeeded(&mut self) {
        self.failed_at = None;
        self.failures = 0;
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.failed_at = Some(now);
        self.failures = self.failures.saturating_add(1);
    }

    /// When the set is to be fetched again without anybody asking; none is at once.
    pub(super) fn due(&self, refresh_at: Option<Instant>) -> Option<Instant> {
        let due = match self.failed_at {
            Some(failed_at) => Some(failed_at + self.backoff()),
            None => refresh_at,
        };
        // Should a fetch end without a result, the next one still waits its turn.
        due.max(self.began_at.map(|began_at| began_at + FIRST_BACKOFF))
    }

    /// Whether none is in the air.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        let landed = self.landed.as_ref();
        landed.is_none_or(|landed| landed.has_changed().is_err())
    }

    fn allows(&self, want: Want, now: Instant, refresh_at: Option<Instant>) -> bool {
        let passed = |since: Option<Instant>, span| since.is_none_or(|since| now >= since + span);
        match want {
            Want::FirstSet => passed(self.failed_at, BETWEEN_FIRST_TRIES),
            Want::Fresher => self.due(refresh_at).is_none_or(|due| now >= due),
            Want::UnknownKey => passed(self.searched_at, BETWEEN_SEARCHES),
        }
    }

    fn backoff(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(5);
        (FIRST_BACKOFF * 2_u32.pow(doublings)).min(LONGEST_BACKOFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Takes off if it may; the task is to drop what it gets.
    fn begin(flights: &mut Flights, want: Want, now: Instant) -> Option<watch::Sender<()>> {
        flights.join_or_begin(want, now, None)?.0
    }

    #[test]
    fn one_is_in_the_air_at_a_time() {
        let (mut flights, now) = (Flights::default(), Instant::now());
        let landing = begin(&mut flights, Want::FirstSet, now);
        for want in [Want::FirstSet, Want::Fresher, Want::UnknownKey] {
            let (mine, landed) = flights.join_or_begin(want, now, None).unwrap();
            assert!(mine.is_none() && landed.has_changed().is_ok());
        }
        drop(landing);
        assert!(begin(&mut flights, Want::FirstSet, now).is_some());
    }

    #[test]
    fn key_ids_that_do_not_exist_cost_one_fetch_in_30_seconds() {
        let (mut flights, now) = (Flights::default(), Instant::now());
        assert!(begin(&mut flights, Want::UnknownKey, now).is_some());
        let later = now + BETWEEN_SEARCHES;
        let just_before = later.checked_sub(Duration::from_nanos(1)).unwrap();
        assert!(begin(&mut flights, Want::UnknownKey, just_before).is_none());
        assert!(begin(&mut flights, Want::UnknownKey, later).is_some());
    }

    #[test]
    fn who_joins_a_fetch_has_had_his_search() {
        let (mut flights, now) = (Flights::default(), Instant::now());
        let landing = begin(&mut flights, Want::Fresher, now).unwrap();
        flights.join_or_begin(Want::UnknownKey, now, None).unwrap();
        drop(landing);
        assert!(begin(&mut flights, Want::UnknownKey, now + SECOND).is_none());
    }

    #[test]
    fn a_refresh_that_fails_is_tried_after_1_2_4_and_at_most_30_seconds() {
        let (mut flights, mut now) = (Flights::default(), Instant::now());
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert!(begin(&mut flights, Want::Fresher, now).is_some());
            now += SECOND;
            flights.failed(now);
            let due = now + SECOND * seconds;
            assert_eq!(flights.due(Some(now)), Some(due));
            let early = due.checked_sub(Duration::from_nanos(1)).unwrap();
            assert!(begin(&mut flights, Want::Fresher, early).is_none());
            now = due;
        }
        flights.succeeded();
        let refresh_at = now + SECOND * 100;
        assert_eq!(flights.due(Some(refresh_at)), Some(refresh_at));
    }

    #[test]
    fn a_first_set_that_fails_is_tried_once_a_second() {
        let (mut flights, now) = (Flights::default(), Instant::now());
        for failures in 0..10 {
            let now = now + SECOND * failures;
            assert!(begin(&mut flights, Want::FirstSet, now).is_some());
            flights.failed(now);
            assert!(begin(&mut flights, Want::FirstSet, now + SECOND / 2).is_none());
        }
    }

    #[test]
    fn a_task_that_dies_does_not_spin() {
        let (mut flights, now) = (Flights::default(), Instant::now());
        drop(begin(&mut flights, Want::Fresher, now));
        assert!(begin(&mut flights, Want::Fresher, now).is_none());
        assert_eq!(flights.due(None), Some(now + SECOND));
        assert!(begin(&mut flights, Want::Fresher, now + SECOND).is_some());
    }
}
