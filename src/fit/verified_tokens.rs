//! Tokens that were verified a moment ago: a browser sends one FIT with many requests.
//!
//! A fixed table, read without a lock. A token has a few places that it may be in, by its
//! hash; a new one takes a place that is free or lapsed, else the one that lapses first. So
//! memory is bounded whatever comes, and no token that fails gets in, since only what a
//! verifier made can be put in.
//!
//! It is put in when it is verified the second time. Most tokens come once (Forge relays an
//! `invokeRemote` with a FIT of its own), and to keep the claims of each would cost more
//! than all else around the signature check: memory that no cache of the processor holds.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use arc_swap::ArcSwapOption;

use super::{signature::Digest, verifier::Fit};
use crate::clock::Timestamp;

/// Times four: 4,096 tokens, at about 3 KB each when all are taken. A token lives for 25 s,
/// so there is room for the browsers of some hundred users who open a page each second.
const ROWS: usize = 1024;
const PLACES_IN_A_ROW: usize = 4;

/// Tokens that are remembered to have come once, at 8 bytes each.
const SEEN_ONCE: usize = 16 * 1024;

/// Verified tokens by their hashes.
pub(super) struct VerifiedTokens {
    rows: Box<[Row]>,
    seen_once: Box<[AtomicU64]>,
}

type Row = [Place; PLACES_IN_A_ROW];

/// `tag` and `lapses_at` tell whether it is worth looking at `held`, and may be ahead of it
/// or behind: what counts is in there.
struct Place {
    tag: AtomicU64,
    lapses_at: AtomicI64,
    held: ArcSwapOption<Held>,
}

struct Held {
    hash: TokenHash,
    fit: Fit,
}

/// SHA-256 over a whole token, in two halves: over what is signed, which the signature check
/// needs anyway, and over the signature. Of the token itself nothing is kept.
struct TokenHash {
    signed: Digest,
    signature: Digest,
}

impl TokenHash {
    fn of(signed: &Digest, signature: &str) -> Self {
        Self {
            signed: *signed,
            signature: Digest::of(signature.as_bytes()),
        }
    }

    fn is_of(&self, signed: &Digest, signature: &str) -> bool {
        self.signed == *signed && self.signature == Digest::of(signature.as_bytes())
    }
}

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        let place = || Place {
            tag: AtomicU64::new(0),
            lapses_at: AtomicI64::new(i64::MIN),
            held: ArcSwapOption::empty(),
        };
        let row = |_| std::array::from_fn(|_| place());
        Self {
            rows: (0..ROWS).map(row).collect(),
            seen_once: (0..SEEN_ONCE).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The token of that digest and signature, if it was put in and its `exp` has not come.
    pub(super) fn get(&self, signed: &Digest, signature: &str, now: Timestamp) -> Option<Fit> {
        let held = self.place_of(signed)?.held.load();
        let held = held
            .as_ref()
            .filter(|held| now < held.fit.expires_at && held.hash.is_of(signed, signature))?;
        Some(held.fit.clone())
    }

    /// Takes in a verified token, if it has come before.
    pub(super) fn put(&self, signed: &Digest, signature: &str, fit: &Fit) {
        let (tag, row) = (tag(signed), self.row(signed));
        if self.seen_once[index(signed) % SEEN_ONCE].swap(tag, Relaxed) != tag {
            return;
        }
        let first_to_lapse = row.iter().min_by_key(|place| place.lapses_at.load(Relaxed));
        let Some(place) = self.place_of(signed).or(first_to_lapse) else {
            return;
        };
        place.held.store(Some(Arc::new(Held {
            hash: TokenHash::of(signed, signature),
            fit: fit.clone(),
        })));
        place.lapses_at.store(fit.expires_at.unix(), Relaxed);
        place.tag.store(tag, Relaxed);
    }

    /// Drops the token of that digest.
    pub(super) fn remove(&self, signed: &Digest) {
        if let Some(place) = self.place_of(signed) {
            place.lapses_at.store(i64::MIN, Relaxed);
            place.held.store(None);
        }
    }

    fn row(&self, signed: &Digest) -> &Row {
        &self.rows[index(signed) % ROWS]
    }

    fn place_of(&self, signed: &Digest) -> Option<&Place> {
        let tag = tag(signed);
        let mut row = self.row(signed).iter();
        row.find(|place| place.tag.load(Relaxed) == tag)
    }
}

/// Eight bytes of a digest, to tell most others apart at a glance.
fn tag(digest: &Digest) -> u64 {
    let mut tag = [0; 8];
    tag.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_le_bytes(tag)
}

/// Two more, to find a place with.
fn index(digest: &Digest) -> usize {
    let bytes = digest.as_bytes();
    usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fit::testing::{NOW, claims, fit};

    const SIGNATURE: &str = "signature";

    fn digest(n: usize) -> Digest {
        Digest::of(&n.to_le_bytes())
    }

    impl VerifiedTokens {
        fn put_twice(&self, signed: &Digest, fit: &Fit) {
            self.put(signed, SIGNATURE, fit);
            self.put(signed, SIGNATURE, fit);
        }

        fn has(&self, signed: &Digest) -> bool {
            self.get(signed, SIGNATURE, NOW).is_some()
        }
    }

    #[tokio::test]
    async fn a_token_is_kept_from_its_second_verification_until_it_lapses() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        tokens.put(&digest(1), SIGNATURE, &fit);
        assert!(!tokens.has(&digest(1)));
        tokens.put(&digest(1), SIGNATURE, &fit);
        assert!(tokens.has(&digest(1)));
        assert!(!tokens.has(&digest(2)));

        let last = NOW.plus(Duration::from_secs(22));
        let next = last.plus(Duration::from_secs(1));
        assert!(tokens.get(&digest(1), SIGNATURE, last).is_some());
        assert!(tokens.get(&digest(1), SIGNATURE, next).is_none());
    }

    #[tokio::test]
    async fn a_token_is_found_by_all_of_it() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        tokens.put_twice(&digest(1), &fit);
        for signature in ["", "signatur", "signatur3", "signature "] {
            assert!(tokens.get(&digest(1), signature, NOW).is_none());
        }
    }

    #[tokio::test]
    async fn a_digest_that_shares_tag_and_row_is_another_token() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        tokens.put_twice(&digest(1), &fit);
        let place = tokens.place_of(&digest(1)).unwrap();
        let stranger = digest(2);
        tokens.row(&stranger)[0].tag.store(tag(&stranger), Relaxed);
        tokens.row(&stranger)[0].held.store(place.held.load_full());
        assert!(!tokens.has(&stranger));
    }

    #[tokio::test]
    async fn ever_so_many_tokens_take_no_more_places_than_there_are() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        let places = ROWS * PLACES_IN_A_ROW;
        for n in 0..4 * places {
            tokens.put_twice(&digest(n), &fit);
            assert!(tokens.has(&digest(n)), "{n} is there at once");
        }
        let kept = (0..4 * places).filter(|n| tokens.has(&digest(*n)));
        assert!((places / 2..=places).contains(&kept.count()));
    }

    #[tokio::test]
    async fn a_token_that_is_put_in_again_and_again_takes_one_place() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        for _ in 0..10 {
            tokens.put(&digest(1), SIGNATURE, &fit);
        }
        let row = tokens.row(&digest(1)).iter();
        assert_eq!(row.filter(|place| place.held.load().is_some()).count(), 1);
        tokens.remove(&digest(1));
        assert!(!tokens.has(&digest(1)));
    }
}
