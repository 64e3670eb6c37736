//! RSA as in the textbook, for the signatures that no library makes: any block is raised to
//! the private exponent, and cube roots are drawn. Slow, and not for anything but forgeries.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::scene::b64;
use crate::support::keys::Key;

/// An RSA key as numbers, big-endian and without leading zeros.
pub(super) struct PrivateKey {
    pub(super) modulus: Vec<u8>,
    exponent: Vec<u8>,
    private: Vec<u8>,
}

impl PrivateKey {
    pub(super) fn of(key: Key) -> Self {
        let der = key.der();
        // PKCS #8: version, algorithm, and PKCS #1 in an octet string: version, n, e, d.
        let mut outer = Der(&der).inside();
        let (_version, _algorithm, inner) = (outer.value(), outer.value(), outer.value());
        let mut numbers = Der(inner).inside();
        let (_version, modulus) = (numbers.value(), numbers.number());
        Self {
            modulus,
            exponent: numbers.number(),
            private: numbers.number(),
        }
    }

    pub(super) fn jwk(&self, kid: &str) -> Value {
        let (n, e) = (b64(&self.modulus), b64(&self.exponent));
        json!({"kty": "RSA", "kid": kid, "alg": "RS256", "use": "sig", "n": n, "e": e})
    }

    /// `block` to the power of the private exponent.
    pub(super) fn sign_block(&self, block: &[u8]) -> Vec<u8> {
        let modulus = Montgomery::new(limbs(&self.modulus));
        bytes(&modulus.power(&limbs(block), &self.private))
    }
}

/// The least number whose cube begins like `block`, at the block's length; the end of the
/// cube is whatever comes out.
pub(super) fn cube_root_above(block: &[u8]) -> Vec<u8> {
    let target = limbs(block);
    let mut root = vec![0; target.len() / 3 + 1];
    for bit in (0..root.len() * 64).rev() {
        root[bit / 64] |= 1 << (bit % 64);
        let cube = product(&product(&root, &root), &root);
        if compare(&cube, &target) == Ordering::Greater {
            root[bit / 64] &= !(1 << (bit % 64));
        }
    }
    increment(&mut root);
    let root = bytes(&root);
    [vec![0; block.len() - root.len()], root].concat()
}

/// `a + b` as `length` bytes, if it fits.
pub(super) fn sum(a: &[u8], b: &[u8], length: usize) -> Option<Vec<u8>> {
    let byte = |number: &[u8], place: usize| {
        let index = number.len().checked_sub(place + 1);
        u16::from(index.map_or(0, |index| number[index]))
    };
    let mut sum = vec![0; length];
    let mut carry = 0;
    for place in 0..length {
        let [high, low] = (byte(a, place) + byte(b, place) + carry).to_be_bytes();
        sum[length - 1 - place] = low;
        carry = u16::from(high);
    }
    (carry == 0).then_some(sum)
}

/// `a - b`, of equal lengths, for `a` not less than `b`.
pub(super) fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = false;
    let bytes = a.iter().zip(b).rev();
    let mut difference: Vec<u8> = bytes
        .map(|(a, b)| {
            let (less, first) = a.overflowing_sub(*b);
            let (less, second) = less.overflowing_sub(u8::from(borrow));
            borrow = first || second;
            less
        })
        .collect();
    difference.reverse();
    difference
}

/// DER, as far as a key needs it.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn value(&mut self) -> &'a [u8] {
        let (length, rest) = match self.0[1] {
            short @ 0..0x80 => (usize::from(short), &self.0[2..]),
            long => {
                let (length, rest) = self.0[2..].split_at(usize::from(long & 0x7f));
                let length = length
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, rest)
            }
        };
        let (value, rest) = rest.split_at(length);
        self.0 = rest;
        value
    }

    fn inside(mut self) -> Self {
        Self(self.value())
    }

    fn number(&mut self) -> Vec<u8> {
        let value = self.value();
        value.strip_prefix(&[0]).unwrap_or(value).to_vec()
    }
}

/// Big-endian bytes to limbs, the least first.
fn limbs(bytes: &[u8]) -> Vec<u64> {
    let limb = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    bytes.rchunks(8).map(limb).collect()
}

fn bytes(limbs: &[u64]) -> Vec<u8> {
    limbs
        .iter()
        .rev()
        .flat_map(|limb| limb.to_be_bytes())
        .collect()
}

fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let limb = |number: &[u64], place: usize| number.get(place).copied().unwrap_or(0);
    let places = (0..a.len().max(b.len())).rev();
    places
        .map(|place| limb(a, place).cmp(&limb(b, place)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn increment(number: &mut [u64]) {
    for limb in number {
        *limb = limb.wrapping_add(1);
        if *limb != 0 {
            return;
        }
    }
}

fn product(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut product = vec![0; a.len() + b.len()];
    for (place, limb) in a.iter().enumerate() {
        let carry = add_multiple(&mut product[place..place + b.len()], *limb, b);
        product[place + b.len()] = carry;
    }
    product
}

/// Adds `factor * number` to `sum`, of equal lengths, and gives the carry.
fn add_multiple(sum: &mut [u64], factor: u64, number: &[u64]) -> u64 {
    let mut carry = 0;
    for (limb, other) in sum.iter_mut().zip(number) {
        (*limb, carry) = other.carrying_mul_add(factor, carry, *limb);
    }
    carry
}

/// Products modulo an odd number, by Montgomery: each is divided by 2^(64 · limbs).
struct Montgomery {
    modulus: Vec<u64>,
    /// `-1 / modulus`, modulo 2^64.
    inverse: u64,
}

impl Montgomery {
    fn new(modulus: Vec<u64>) -> Self {
        let least = modulus[0];
        // Newton: each step doubles the bits that are right.
        let inverse = (0..6).fold(1_u64, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(least.wrapping_mul(inverse)))
        });
        Self {
            modulus,
            inverse: inverse.wrapping_neg(),
        }
    }

    /// `base` to the power of a big-endian `exponent`.
    fn power(&self, base: &[u64], exponent: &[u8]) -> Vec<u64> {
        let bits = 64 * self.modulus.len();
        let mut one = vec![0; self.modulus.len()];
        one[0] = 1;
        let unit = self.doubled(one.clone(), bits);
        let base = self.product(base, &self.doubled(unit.clone(), bits));
        let mut power = unit;
        for byte in exponent {
            for bit in (0..8).rev() {
                power = self.product(&power, &power);
                if byte >> bit & 1 == 1 {
                    power = self.product(&power, &base);
                }
            }
        }
        self.product(&power, &one)
    }

    /// `number` times two, so many times.
    fn doubled(&self, mut number: Vec<u64>, times: usize) -> Vec<u64> {
        for _ in 0..times {
            let mut carry = 0;
            for limb in &mut number {
                (*limb, carry) = limb.carrying_mul_add(2, carry, 0);
            }
            number.push(carry);
            self.reduce(&mut number);
        }
        number
    }

    fn product(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        let length = self.modulus.len();
        let mut sum = vec![0_u64; length + 2];
        for limb in a {
            for (factor, number) in [(Some(*limb), b), (None, &self.modulus)] {
                let factor = factor.unwrap_or_else(|| sum[0].wrapping_mul(self.inverse));
                let carry = add_multiple(&mut sum[..length], factor, number);
                let (limb, over) = sum[length].overflowing_add(carry);
                sum[length] = limb;
                sum[length + 1] += u64::from(over);
            }
            sum.rotate_left(1);
            sum[length + 1] = 0;
        }
        sum.pop();
        self.reduce(&mut sum);
        sum
    }

    /// Takes the modulus from a number of one limb more, if it is in there.
    fn reduce(&self, number: &mut Vec<u64>) {
        if compare(number, &self.modulus) != Ordering::Less {
            let mut borrow = false;
            for (limb, other) in number.iter_mut().zip(&self.modulus) {
                let (less, first) = limb.overflowing_sub(*other);
                let (less, second) = less.overflowing_sub(u64::from(borrow));
                (*limb, borrow) = (less, first || second);
            }
        }
        number.truncate(self.modulus.len());
    }
}

mod tests {
    use super::*;
    use crate::support::keys::{EXPONENT_3_KEY, KEY};

    #[test]
    fn the_textbook_signs_as_the_library_does() {
        let ours = PrivateKey::of(KEY).sign_block(&super::super::padding::block(b"message"));
        assert_eq!(ours, KEY.sign(b"message"));
    }

    #[test]
    fn a_cube_root_above_has_a_cube_that_begins_alike() {
        let block = [&[0, 1, 0xff, 7, 9][..], &[0; 251]].concat();
        let root = limbs(&cube_root_above(&block));
        let cube = bytes(&product(&product(&root, &root), &root));
        let cube = &cube[cube.len() - block.len()..];
        assert_eq!(cube[..5], block[..5]);
    }

    #[test]
    fn numbers_are_added_and_subtracted() {
        assert_eq!(sum(&[0xff], &[1], 2), Some(vec![1, 0]));
        assert_eq!(sum(&[0xff], &[1], 1), None);
        assert_eq!(difference(&[1, 0], &[0, 1]), [0, 0xff]);
        let modulus = PrivateKey::of(EXPONENT_3_KEY).modulus;
        assert_eq!(difference(&modulus, &modulus), [0; 256]);
    }
}
