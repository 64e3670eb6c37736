//! Tokens that were verified a moment ago: a browser sends one FIT with many requests.
//!
//! A fixed table, read without a lock. A token has a few places that it may be in, by its
//! hash; a new one takes a place that is free or lapsed, else the one that lapses first. So
//! memory is bounded whatever comes, and no token that fails gets in, since only what a
//! verifier made can be put in.

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

/// SHA-256 over a whole token: over the digest of what is signed, which the signature check
/// needs anyway, and the signature. Of the token itself nothing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenHash([u8; 32]);

/// Verified tokens by their hashes.
pub(super) struct VerifiedTokens(Box<[Row]>);

type Row = [Place; PLACES_IN_A_ROW];

/// `tag` and `lapses_at` tell whether it is worth looking at `fit`, and may be ahead of it
/// or behind: what counts is in `fit`.
struct Place {
    tag: AtomicU64,
    lapses_at: AtomicI64,
    fit: ArcSwapOption<(TokenHash, Fit)>,
}

impl TokenHash {
    pub(super) fn of(signed: &Digest, signature: &str) -> Self {
        let mut both = Vec::with_capacity(32 + signature.len());
        both.extend_from_slice(signed.as_bytes());
        both.extend_from_slice(signature.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(Digest::of(&both).as_bytes());
        Self(hash)
    }

    fn tag(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    fn row(&self) -> usize {
        let [.., a, b] = self.0;
        usize::from(u16::from_le_bytes([a, b])) % ROWS
    }
}

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        let place = || Place {
            tag: AtomicU64::new(0),
            lapses_at: AtomicI64::new(i64::MIN),
            fit: ArcSwapOption::empty(),
        };
        Self(
            (0..ROWS)
                .map(|_| std::array::from_fn(|_| place()))
                .collect(),
        )
    }

    /// The token of that hash, if it was put in and its `exp` has not come.
    pub(super) fn get(&self, hash: &TokenHash, now: Timestamp) -> Option<Fit> {
        let place = self.place_of(hash)?;
        let held = place.fit.load();
        let (_, fit) = &**held.as_ref().filter(|held| held.0 == *hash)?;
        (now < fit.expires_at).then(|| fit.clone())
    }

    /// Takes in a verified token.
    pub(super) fn put(&self, hash: TokenHash, fit: &Fit) {
        let row = self.row(&hash);
        let first_to_lapse = row.iter().min_by_key(|place| place.lapses_at.load(Relaxed));
        let Some(place) = self.place_of(&hash).or(first_to_lapse) else {
            return;
        };
        place.fit.store(Some(Arc::new((hash, fit.clone()))));
        place.lapses_at.store(fit.expires_at.unix(), Relaxed);
        place.tag.store(hash.tag(), Relaxed);
    }

    /// Drops the token of that hash.
    pub(super) fn remove(&self, hash: &TokenHash) {
        if let Some(place) = self.place_of(hash) {
            place.lapses_at.store(i64::MIN, Relaxed);
            place.fit.store(None);
        }
    }

    fn row(&self, hash: &TokenHash) -> &Row {
        &self.0[hash.row()]
    }

    fn place_of(&self, hash: &TokenHash) -> Option<&Place> {
        let tag = hash.tag();
        let mut row = self.row(hash).iter();
        row.find(|place| place.tag.load(Relaxed) == tag)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fit::testing::{NOW, claims, fit};

    fn hash(n: usize) -> TokenHash {
        TokenHash::of(&Digest::of(&n.to_le_bytes()), "signature")
    }

    #[tokio::test]
    async fn a_token_is_found_by_its_whole_hash_until_it_lapses() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        tokens.put(hash(1), &fit);
        assert!(tokens.get(&hash(1), NOW).is_some());
        let mut near = hash(1);
        near.0[16] ^= 1;
        assert!(tokens.get(&near, NOW).is_none());
        assert!(tokens.get(&hash(2), NOW).is_none());
        let last = NOW.plus(Duration::from_secs(22));
        assert!(tokens.get(&hash(1), last).is_some());
        assert!(
            tokens
                .get(&hash(1), last.plus(Duration::from_secs(1)))
                .is_none()
        );
    }

    #[tokio::test]
    async fn both_parts_of_a_token_make_its_hash() {
        let digest = Digest::of(b"signed");
        let hash = TokenHash::of(&digest, "signature");
        assert_ne!(hash, TokenHash::of(&digest, "signatur"));
        assert_ne!(hash, TokenHash::of(&Digest::of(b"Signed"), "signature"));
        assert_eq!(hash, TokenHash::of(&digest, "signature"));
    }

    #[tokio::test]
    async fn ever_so_many_tokens_take_no_more_places_than_there_are() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        let places = ROWS * PLACES_IN_A_ROW;
        for n in 0..4 * places {
            tokens.put(hash(n), &fit);
            assert!(tokens.get(&hash(n), NOW).is_some(), "{n} is there at once");
        }
        let kept = (0..4 * places).filter(|n| tokens.get(&hash(*n), NOW).is_some());
        assert!((places / 2..=places).contains(&kept.count()));
    }

    #[tokio::test]
    async fn a_token_that_is_put_in_twice_takes_one_place() {
        let (tokens, fit) = (VerifiedTokens::new(), fit(&claims()).await);
        for _ in 0..10 {
            tokens.put(hash(1), &fit);
        }
        let row = tokens.row(&hash(1)).iter();
        assert_eq!(row.filter(|place| place.fit.load().is_some()).count(), 1);
        tokens.remove(&hash(1));
        assert!(tokens.get(&hash(1), NOW).is_none());
    }
}
