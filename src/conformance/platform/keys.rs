//! The keys that FITs are signed with, and the set in which remotes find them.

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaEncoding},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::lock;

/// A key pair and the id that it has in the set.
#[derive(Clone)]
pub(crate) struct Key {
    pair: Arc<RsaKeyPair>,
    pub(crate) kid: String,
}

/// A file of `--jwks-key` that holds no key that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileError {
    #[error("{}: cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("{}: is neither an RSA private key in PEM nor one as a JWK", .0.display())]
    NotAKey(PathBuf),
    #[error("{}: a key in PEM has no id of its own: write it as a JWK with `kid`, or add a line `kid: …` before it", .0.display())]
    NoKid(PathBuf),
}

impl Key {
    fn generate() -> Option<Self> {
        Some(Self {
            pair: Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).ok()?),
            kid: format!("forge/invocation-token/{}", Uuid::new_v4()),
        })
    }

    /// Reads a private key: a JWK with `kid`, or PEM (PKCS #8 or PKCS #1) with a line `kid: …`
    /// before it.
    pub(crate) fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| KeyFileError::Unreadable(path.to_owned(), error))?;
        let no_key = || KeyFileError::NotAKey(path.to_owned());
        let no_kid = || KeyFileError::NoKid(path.to_owned());
        if let Ok(jwk) = serde_json::from_str::<Value>(&text) {
            let kid = jwk["kid"].as_str().ok_or_else(no_kid)?.to_owned();
            let pair = from_jwk(&jwk).ok_or_else(no_key)?;
            return Ok(Self {
                pair: Arc::new(pair),
                kid,
            });
        }
        let pair = from_pem(&text).ok_or_else(no_key)?;
        let kid = text.lines().find_map(|line| line.strip_prefix("kid:"));
        let kid = kid.ok_or_else(no_kid)?.trim().to_owned();
        Ok(Self {
            pair: Arc::new(pair),
            kid,
        })
    }

    /// RS256.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_as(&RSA_PKCS1_SHA256, message)
    }

    /// By another algorithm of RSA keys.
    pub(crate) fn sign_as(&self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        // It fails for a buffer of another length only.
        let _ = self
            .pair
            .sign(encoding, &SystemRandom::new(), message, &mut signature);
        signature
    }

    /// HS256 with the public half as it stands in PEM for the secret: what an attacker does.
    pub(crate) fn hmac_of_public_pem(&self, message: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.public_pem().as_bytes());
        hmac::sign(&key, message).as_ref().to_vec()
    }

    fn public_pem(&self) -> String {
        let der: Option<PublicKeyX509Der<'_>> = self.pair.public_key().as_der().ok();
        let der = der
            .map(|der| STANDARD.encode(der.as_ref()))
            .unwrap_or_default();
        let lines: Vec<&str> = der
            .as_bytes()
            .chunks(64)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        let body = lines.join("\n");
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    /// The public half as it stands in a key set.
    pub(crate) fn jwk(&self) -> Value {
        let (n, e) = numbers(self.pair.public_key().as_ref()).unwrap_or_default();
        json!({
            "kty": "RSA", "kid": self.kid, "alg": "RS256", "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e),
        })
    }
}

fn from_pem(text: &str) -> Option<RsaKeyPair> {
    let start = text.find("-----BEGIN")?;
    let body: String = text[start..]
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    let der = STANDARD.decode(body.trim()).ok()?;
    RsaKeyPair::from_pkcs8(&der)
        .or_else(|_| RsaKeyPair::from_der(&der))
        .ok()
}

/// An RSA key of a JWK by way of the `RSAPrivateKey` of PKCS #1 (RFC 8017, appendix A.1.2).
fn from_jwk(jwk: &Value) -> Option<RsaKeyPair> {
    let mut numbers = der(0x02, &[0]);
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let bytes = URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok()?;
        let mut positive = vec![0];
        positive.extend(bytes.iter().skip_while(|byte| **byte == 0));
        // A leading zero stands only where the number would be negative without it.
        let needs_zero = positive.get(1).is_none_or(|byte| *byte >= 0x80);
        numbers.extend(der(0x02, &positive[usize::from(!needs_zero)..]));
    }
    RsaKeyPair::from_der(&der(0x30, &numbers)).ok()
}

/// Modulus and exponent of an `RSAPublicKey` of PKCS #1 (RFC 8017, appendix A.1.1).
fn numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (numbers, _) = content(key, 0x30)?;
    let (n, rest) = content(numbers, 0x02)?;
    let (e, _) = content(rest, 0x02)?;
    // A zero in front says that the number is positive, and is no part of it.
    let positive = |number: &'_ [u8]| usize::from(number.first() == Some(&0));
    Some((&n[positive(n)..], &e[positive(e)..]))
}

/// What stands in the DER value at the start, if it has that tag, and what follows it.
fn content(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let digits = digits.get(..digits.len().min(4))?.iter();
        (
            digits.fold(0, |length, digit| length << 8 | usize::from(*digit)),
            rest,
        )
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let digits = length.to_be_bytes();
    let first = digits
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(digits.len() - 1);
    let digits = &digits[first..];
    let mut value = vec![tag];
    if length >= 0x80 {
        value.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
    }
    value.extend_from_slice(digits);
    value.extend_from_slice(content);
    value
}

/// What the key set's endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeysServed {
    Well,
    /// Nothing for that long, and then 503.
    HangsAndFails(Duration),
}

/// All keys of a run, and what is served of them.
pub(crate) struct KeyRing {
    /// A key of `--jwks-key`: the set is not ours then.
    trusted: Option<Key>,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    current: Option<Key>,
    retiring: Option<Key>,
    next: Option<Key>,
    foreign: Option<Key>,
    rotated: bool,
    served: Option<KeysServed>,
}

impl KeyRing {
    pub(super) fn new(trusted: Option<Key>) -> Self {
        Self {
            trusted,
            made: Mutex::default(),
        }
    }

    /// Whether the remote takes its keys from us, so that the set can be changed.
    pub(crate) const fn is_ours(&self) -> bool {
        self.trusted.is_none()
    }

    fn made(&self, pick: impl Fn(&mut Made) -> &mut Option<Key>) -> Key {
        let mut made = lock(&self.made);
        let slot = pick(&mut made);
        loop {
            if let Some(key) = slot {
                return key.clone();
            }
            *slot = Key::generate();
        }
    }

    /// The key that signs. It is in the set from the start to the end.
    pub(crate) fn current(&self) -> Key {
        if let Some(trusted) = &self.trusted {
            return trusted.clone();
        }
        self.made(|made| &mut made.current)
    }

    /// In the set until the rotation, and not after it.
    pub(crate) fn retiring(&self) -> Key {
        self.made(|made| &mut made.retiring)
    }

    /// In the set from the rotation on.
    pub(crate) fn next(&self) -> Key {
        self.made(|made| &mut made.next)
    }

    /// A key that is never in the set.
    pub(crate) fn foreign(&self) -> Key {
        self.made(|made| &mut made.foreign)
    }

    /// From now on the set has the next key, and the retiring one no longer.
    pub(crate) fn rotate(&self) {
        lock(&self.made).rotated = true;
    }

    /// Back to the start, with new keys for the next rotation.
    pub(crate) fn reset(&self) {
        let mut made = lock(&self.made);
        if made.rotated {
            made.retiring = None;
            made.next = None;
        }
        made.rotated = false;
        made.served = None;
    }

    pub(crate) fn serve(&self, served: KeysServed) {
        lock(&self.made).served = Some(served);
    }

    pub(super) fn served(&self) -> KeysServed {
        lock(&self.made).served.unwrap_or(KeysServed::Well)
    }

    /// The document as it is now: among what counts stands what does not, as in any set that
    /// has grown for years.
    pub(super) fn document(&self) -> Value {
        let rotated = lock(&self.made).rotated;
        let second = if rotated {
            self.next()
        } else {
            self.retiring()
        };
        let elliptic = json!({"kty": "EC", "kid": "forge/elliptic", "crv": "P-256", "alg": "ES256",
            "use": "sig", "x": URL_SAFE_NO_PAD.encode([1; 32]), "y": URL_SAFE_NO_PAD.encode([2; 32])});
        json!({"keys": [elliptic, self.current().jwk(), second.jwk()]})
    }
}
