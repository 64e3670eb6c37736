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

use std::{
    array,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwapOption;

use super::{signature::Digest, verifier::Fit};
use crate::clock::Timestamp;

/// Times four: 4,096 tokens, at about 3 KB each when all are taken. A token lives for 25 s,
/// so there is room for the browsers of some hundred users who open a page each second.
const ROWS: usize = 1024;
const PLACES_IN_A_ROW: usize = 4;

/// Times [`ROWS`]: 8,192 tokens that are remembered to have come once, at 4 bytes each.
const SEEN_IN_A_ROW: usize = 8;

/// Verified tokens by their hashes.
pub(super) struct VerifiedTokens {
    rows: Box<[Row]>,
    held: Box<[[ArcSwapOption<Held>; PLACES_IN_A_ROW]]>,
}

/// What there is to know of a token that comes for the first time: one line of the
/// processor's cache, since most rows are in memory that is far away.
///
/// Tags and times tell whether it is worth looking at what is held, and may be ahead of it or
/// behind: what counts is in there.
#[repr(align(64))]
#[derive(Default)]
struct Row {
    tags: [AtomicU32; PLACES_IN_A_ROW],
    /// Seconds since 1970: which place to give away.
    lapse_at: [AtomicU32; PLACES_IN_A_ROW],
    seen_once: [AtomicU32; SEEN_IN_A_ROW],
}

/// Where a digest is looked for.
#[derive(Clone, Copy)]
struct Address {
    row: usize,
    seen: usize,
    /// To tell most others apart at a glance.
    tag: u32,
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
        let empty = |_| array::from_fn(|_| ArcSwapOption::empty());
        Self {
            rows: (0..ROWS).map(|_| Row::default()).collect(),
            held: (0..ROWS).map(empty).collect(),
        }
    }

    /// The token of that digest and signature, if it was put in and its `exp` has not come.
    pub(super) fn get(&self, signed: &Digest, signature: &str, now: Timestamp) -> Option<Fit> {
        let address = Address::of(signed);
        let place = self.rows[address.row].place_of(address.tag)?;
        let held = self.held[address.row][place].load();
        let held = held
            .as_ref()
            .filter(|held| now < held.fit.expires_at && held.hash.is_of(signed, signature))?;
        Some(held.fit.clone())
    }

    /// Takes in a verified token, if it has come before.
    pub(super) fn put(&self, signed: &Digest, signature: &str, fit: &Fit) {
        let Address { row: at, seen, tag } = Address::of(signed);
        let row = &self.rows[at];
        if row.seen_once[seen].swap(tag, Relaxed) != tag {
            return;
        }
        let place = row.place_of(tag).unwrap_or_else(|| row.first_to_lapse());
        self.held[at][place].store(Some(Arc::new(Held {
            hash: TokenHash::of(signed, signature),
            fit: fit.clone(),
        })));
        let lapses_at = u32::try_from(fit.expires_at.unix()).unwrap_or(u32::MAX);
        row.lapse_at[place].store(lapses_at, Relaxed);
        row.tags[place].store(tag, Relaxed);
    }

    /// Drops the token of that digest.
    pub(super) fn remove(&self, signed: &Digest) {
        let address = Address::of(signed);
        let row = &self.rows[address.row];
        if let Some(place) = row.place_of(address.tag) {
            row.lapse_at[place].store(0, Relaxed);
            self.held[address.row][place].store(None);
        }
    }
}

impl Row {
    fn place_of(&self, tag: u32) -> Option<usize> {
        self.tags.iter().position(|it| it.load(Relaxed) == tag)
    }

    fn first_to_lapse(&self) -> usize {
        let lapse_at = |place: &usize| self.lapse_at[*place].load(Relaxed);
        (0..PLACES_IN_A_ROW).min_by_key(lapse_at).unwrap_or(0)
    }
}

impl Address {
    fn of(digest: &Digest) -> Self {
        let bytes = digest.as_bytes();
        Self {
            row: usize::from(u16::from_le_bytes([bytes[4], bytes[5]])) % ROWS,
            seen: usize::from(bytes[6]) % SEEN_IN_A_ROW,
            tag: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
        }
    }
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
        let (one, two) = (Address::of(&digest(1)), Address::of(&digest(2)));
        let place = tokens.rows[one.row].place_of(one.tag).unwrap();
        tokens.rows[two.row].tags[0].store(two.tag, Relaxed);
        tokens.held[two.row][0].store(tokens.held[one.row][place].load_full());
        assert!(!tokens.has(&digest(2)));
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

    #[test]
    fn a_row_is_a_line_of_the_cache() {
        assert_eq!((size_of::<Row>(), align_of::<Row>()), (64, 64));
    }

    #[tokio::test]
    async fn a_token_that_is_put_in_again_and_again_takes_one_place() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        for _ in 0..10 {
            tokens.put(&digest(1), SIGNATURE, &fit);
        }
        let row = tokens.held[Address::of(&digest(1)).row].iter();
        assert_eq!(row.filter(|held| held.load().is_some()).count(), 1);
        tokens.remove(&digest(1));
        assert!(!tokens.has(&digest(1)));
    }
}
