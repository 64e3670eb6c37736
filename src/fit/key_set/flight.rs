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
