//! The signature check: RSASSA-PKCS1-v1_5 with SHA-256, and nothing else.
//!
//! The key is parsed once, when it comes in, and not for each token.

use aws_lc_rs::{
    digest::{self, SHA256},
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents},
};

/// RFC 7518, 3.3: 2048 bits or more. 8192 is the most that the crypto library verifies.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Public exponents in use are 3, 17 and 65537; a long one only makes the check slow.
const EXPONENT_BYTES: usize = 4;

/// SHA-256 of a text: what a signature is of.
#[derive(Clone, Copy)]
pub(super) struct Digest(digest::Digest);

/// An RSA public key that may verify a FIT.
pub(super) struct RsaKey(ParsedPublicKey);

/// Why numbers are no key that may verify a FIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WeakKey {
    #[error("its modulus is not an odd number of 2048 to 8192 bits")]
    Modulus,
    #[error("its exponent is not an odd number from 3 to 2^32")]
    Exponent,
}

/// The signature is not that of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mismatch;

impl Digest {
    pub(super) fn of(text: &[u8]) -> Self {
        Self(digest::digest(&SHA256, text))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl RsaKey {
    /// The key with this modulus and exponent, both big-endian.
    ///
    /// Leading zero bytes are not allowed in a JWK but occur; they do not change the number.
    pub(super) fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, WeakKey> {
        let modulus = without_leading_zeros(modulus);
        let exponent = without_leading_zeros(exponent);
        if !MODULUS_BITS.contains(&bits(modulus)) || !is_odd(modulus) {
            return Err(WeakKey::Modulus);
        }
        if exponent.len() > EXPONENT_BYTES || !is_odd(exponent) || *exponent == [1] {
            return Err(WeakKey::Exponent);
        }
        RsaPublicKeyComponents {
            n: modulus,
            e: exponent,
        }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map(Self)
        .map_err(|_| WeakKey::Modulus)
    }

    /// Passes a signature that this key made of the text with that digest.
    pub(super) fn verify(&self, signed: &Digest, signature: &[u8]) -> Result<(), Mismatch> {
        self.0
            .verify_digest_sig(&signed.0, signature)
            .map_err(|_| Mismatch)
    }

    /// The key as DER.
    #[cfg(fuzzing)]
    pub(super) fn der(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl PartialEq for RsaKey {
    /// Two keys are the same if their numbers are.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref()
    }
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}

#[cfg(test)]
mod wycheproof;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::testing::SigningKey;

    const F4: &[u8] = &[1, 0, 1];

    fn refused(modulus: &[u8], exponent: &[u8]) -> Option<WeakKey> {
        RsaKey::new(modulus, exponent).err()
    }

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let (a, b) = (SigningKey::a(), SigningKey::b());
        let signature = a.sign(b"message");
        let key = RsaKey::new(a.modulus(), a.exponent()).unwrap();
        assert_eq!(key.verify(&Digest::of(b"message"), &signature), Ok(()));
        assert_eq!(
            key.verify(&Digest::of(b"Message"), &signature),
            Err(Mismatch)
        );
        assert_eq!(
            key.verify(&Digest::of(b"message"), &b.sign(b"message")),
            Err(Mismatch)
        );
        assert_eq!(
            key.verify(&Digest::of(b"message"), &signature[1..]),
            Err(Mismatch)
        );
        assert_eq!(key.verify(&Digest::of(b"message"), b""), Err(Mismatch));
    }

    #[test]
    fn leading_zeros_do_not_change_a_key() {
        let a = SigningKey::a();
        let padded = [&[0, 0], a.modulus()].concat();
        let key = RsaKey::new(&padded, &[0, 1, 0, 1]).unwrap();
        assert_eq!(key.verify(&Digest::of(b"m"), &a.sign(b"m")), Ok(()));
        assert!(key == RsaKey::new(a.modulus(), F4).unwrap());
    }

    #[test]
    fn weak_and_oversized_keys_are_refused() {
        let modulus = SigningKey::a().modulus().to_vec();
        let mut shorter = modulus.clone();
        shorter[0] = 0x7f; // 2047 bits
        let mut even = modulus.clone();
        *even.last_mut().unwrap() &= 0xfe;
        let longer = vec![0xff; 1025];
        let padded_to_2048 = [vec![0; 128], vec![0xff; 128]].concat();
        for weak in [&[][..], &[0], &shorter, &even, &longer, &padded_to_2048] {
            assert_eq!(refused(weak, F4), Some(WeakKey::Modulus));
        }
        for weak in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
            assert_eq!(refused(&modulus, weak), Some(WeakKey::Exponent), "{weak:?}");
        }
    }
}
