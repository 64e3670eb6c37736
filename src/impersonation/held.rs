//! A token that is kept, and how long it serves.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::token::AccountToken;

/// How long before its end a token is put away, so that a caller has time to use it:
/// a tenth of its life, within these.
const SHORTEST_MARGIN: Duration = Duration::from_secs(1);
const LONGEST_MARGIN: Duration = Duration::from_mins(1);

/// A renewal that failed is tried again no sooner.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(10);

/// A token from an exchange.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) token: AccountToken,
    /// When it was asked for: the gateway cannot have begun to count earlier.
    pub(super) asked: Instant,
    pub(super) ttl: Duration,
}

/// A token in the cache, where a million of them may lie: 40 bytes beside the token's shared text.
#[derive(Debug)]
pub(super) struct Held {
    token: AccountToken,
    asked: Instant,
    /// Milliseconds after `asked`.
    serves: u32,
    /// Milliseconds after `asked` from which a hit begins a renewal.
    renew_from: AtomicU32,
    refused: AtomicBool,
}

/// A token that is in memory while another is being fetched.
#[derive(Debug)]
pub(super) struct Predecessor {
    token: AccountToken,
    asked: Instant,
}

impl Held {
    /// Nothing if the token lives too short a time to be kept.
    pub(super) fn new(grant: &Grant) -> Option<Self> {
        let margin = (grant.ttl / 10).clamp(SHORTEST_MARGIN, LONGEST_MARGIN);
        let serves = grant
            .ttl
            .checked_sub(margin)
            .map(millis)
            .filter(|millis| *millis > 0)?;
        Some(Self {
            token: grant.token.clone(),
            asked: grant.asked,
            serves,
            renew_from: AtomicU32::new(serves - serves / 4),
            refused: AtomicBool::new(false),
        })
    }

    /// The token, if it still serves.
    pub(super) fn token_at(&self, now: Instant) -> Option<&AccountToken> {
        (!self.has_lapsed(now) && !self.refused.load(Ordering::Relaxed)).then_some(&self.token)
    }

    /// Whether it serves no more at that time.
    pub(super) fn has_lapsed(&self, now: Instant) -> bool {
        self.age(now) >= self.serves
    }

    /// To compare another with.
    pub(super) fn predecessor(&self) -> Predecessor {
        Predecessor {
            token: self.token.clone(),
            asked: self.asked,
        }
    }

    /// Whether this caller is the one that begins a renewal.
    pub(super) fn renewal_due(&self, now: Instant) -> bool {
        let age = self.age(now);
        let from = self.renew_from.load(Ordering::Relaxed);
        age >= from
            && self
                .renew_from
                .compare_exchange(
                    from,
                    age.saturating_add(millis(BETWEEN_RENEWALS)),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// A product refused a token: if it is this one, it serves no more.
    pub(super) fn refuse(&self, token: &AccountToken) {
        if self.token.secret() == token.secret() {
            self.refused.store(true, Ordering::Relaxed);
        }
    }

    fn age(&self, now: Instant) -> u32 {
        millis(now.saturating_duration_since(self.asked))
    }
}

impl Predecessor {
    /// Whether that one was asked for later, and is another.
    pub(super) fn is_outdone_by(&self, grant: &Grant) -> bool {
        grant.asked > self.asked && grant.token.secret() != self.token.secret()
    }
}

/// At most 49 days, which no token lives.
fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn token(text: &str) -> AccountToken {
        AccountToken::expiring(text.to_owned(), Timestamp::from_unix(0)).unwrap()
    }

    fn held(ttl_ms: u64) -> Option<Held> {
        Held::new(&Grant {
            token: token("t"),
            asked: Instant::now(),
            ttl: Duration::from_millis(ttl_ms),
        })
    }

    #[test]
    fn a_margin_of_a_tenth_stays_between_a_second_and_a_minute() {
        for (ttl, serves) in [
            (2_000, 1_000),
            (20_000, 18_000),
            (600_000, 540_000),
            (3_600_000, 3_540_000),
        ] {
            assert_eq!(held(ttl).unwrap().serves, serves, "a life of {ttl} ms");
        }
    }

    #[test]
    fn a_token_that_lives_no_longer_than_its_margin_is_not_kept() {
        for ttl in [0, 1, 999, 1_000] {
            assert!(held(ttl).is_none(), "a life of {ttl} ms");
        }
    }

    #[test]
    fn a_life_beyond_all_bounds_is_cut_and_not_wrapped() {
        let held = held(u64::MAX).unwrap();
        assert!(
            held.token_at(held.asked + Duration::from_hours(24))
                .is_some()
        );
    }

    #[test]
    fn it_takes_no_more_room_than_its_text_is_worth() {
        assert_eq!(size_of::<Held>(), 40);
    }

    #[test]
    fn one_caller_in_ten_seconds_begins_a_renewal() {
        let held = held(3_600_000).unwrap();
        let at = |secs| held.asked + Duration::from_secs(secs);
        assert!(!held.renewal_due(at(2_654)));
        assert!(held.renewal_due(at(2_655)));
        assert!(!held.renewal_due(at(2_655)));
        assert!(!held.renewal_due(at(2_664)));
        assert!(held.renewal_due(at(2_665)));
    }

    #[test]
    fn only_the_refused_token_stops_serving() {
        let held = held(60_000).unwrap();
        held.refuse(&token("another"));
        assert!(held.token_at(held.asked).is_some());
        held.refuse(&token("t"));
        assert!(held.token_at(held.asked).is_none());
    }

    #[test]
    fn a_token_serves_until_its_margin() {
        let held = held(20_000).unwrap();
        let last = held.asked + Duration::from_millis(17_999);
        assert!(held.token_at(last).is_some());
        assert!(held.token_at(last + Duration::from_millis(1)).is_none());
    }
}
