//! Which keys of a JWK set may verify a FIT (RFC 7517).

use std::{collections::HashMap, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    base64url, jws,
    signature::{Digest, Mismatch, RsaKey, WeakKey},
    text::Text,
};

/// A set has one key, or two while they rotate.
const MOST_KEYS: usize = 64;

/// Keys that are looked at, for whatever purpose they are: each that cannot be used costs a
/// line in the log, and there is room for half a million of them in an answer.
const MOST_LISTED: usize = 256;

/// A key that may verify FITs, ready for use.
pub(super) struct TrustedKey {
    id: Box<str>,
    key: RsaKey,
}

/// Keys by their ids.
pub(super) type Keys = HashMap<Box<str>, Arc<TrustedKey>>;

/// Why a document is no key set.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKeys {
    #[error("it is not a JWK set (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("none of its {listed} keys can be used")]
    Unusable { listed: usize },
}

/// Why a key of the set is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Skipped {
    #[error("it is not an RSA key")]
    OtherType,
    #[error("it is not for signatures")]
    OtherUse,
    #[error("it is not for RS256")]
    OtherAlgorithm,
    #[error("it is not a JWK")]
    NotAJwk,
    #[error("it has no usable key id")]
    KeyId,
    #[error("a key before it has the same id")]
    Double,
    #[error("its numbers are not base64url without padding")]
    Encoding,
    #[error(transparent)]
    Weak(#[from] WeakKey),
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow, default)]
    kty: Text<'a>,
    #[serde(borrow, default)]
    kid: Text<'a>,
    #[serde(borrow, rename = "use")]
    usage: Option<Text<'a>>,
    #[serde(borrow)]
    alg: Option<Text<'a>>,
    #[serde(borrow)]
    key_ops: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    n: Text<'a>,
    #[serde(borrow, default)]
    e: Text<'a>,
}

impl TrustedKey {
    /// Passes a signature that this key made of the text with that digest.
    pub(super) fn verify(&self, signed: &Digest, signature: &[u8]) -> Result<(), Mismatch> {
        self.key.verify(signed, signature)
    }

    /// The key's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The key as DER.
    #[cfg(fuzzing)]
    pub(super) fn der(&self) -> &[u8] {
        self.key.der()
    }
}

/// Reads a key set. Keys that are not for FITs are left out, and never fail the set.
///
/// A key that `known` has already is taken from there, so that it is the same
/// [`Arc`] for as long as it stays in the set.
pub(super) fn read(document: &[u8], known: Option<&Keys>) -> Result<Keys, NoKeys> {
    let document: Document<'_> = jws::object(document).map_err(|error| NoKeys::Json {
        line: error.line(),
        column: error.column(),
    })?;
    let mut keys = Keys::new();
    for (position, json) in document.keys.iter().enumerate() {
        if keys.len() == MOST_KEYS || position == MOST_LISTED {
            tracing::warn!(
                jwk.position = position,
                "the rest of the key set is ignored"
            );
            break;
        }
        match usable(json, &keys) {
            Ok(key) => {
                let same = known
                    .and_then(|known| known.get(&key.id))
                    .filter(|known| known.key == key.key);
                let key = same.map_or_else(|| Arc::new(key), Arc::clone);
                keys.insert(key.id.clone(), key);
            }
            Err(reason) => reason.log(position),
        }
    }
    if keys.is_empty() {
        return Err(NoKeys::Unusable {
            listed: document.keys.len(),
        });
    }
    Ok(keys)
}

fn usable(json: &RawValue, before: &Keys) -> Result<TrustedKey, Skipped> {
    let jwk: Jwk<'_> = jws::object(json.get().as_bytes()).map_err(|_| Skipped::NotAJwk)?;
    let is = |text: &Text<'_>, wanted| text.as_deref() == Some(wanted);
    if !is(&jwk.kty, "RSA") {
        return Err(Skipped::OtherType);
    }
    if jwk.usage.is_some_and(|usage| !is(&usage, "sig"))
        || jwk
            .key_ops
            .is_some_and(|uses| !uses.iter().any(|usage| is(usage, "verify")))
    {
        return Err(Skipped::OtherUse);
    }
    if jwk.alg.is_some_and(|alg| !is(&alg, "RS256")) {
        return Err(Skipped::OtherAlgorithm);
    }
    let id = jwk.kid.into_boxed().ok_or(Skipped::KeyId)?;
    if !jws::is_key_id(&id) {
        return Err(Skipped::KeyId);
    }
    if before.contains_key(&id) {
        return Err(Skipped::Double);
    }
    let key = RsaKey::new(&number(&jwk.n)?, &number(&jwk.e)?)?;
    Ok(TrustedKey { id, key })
}

fn number(text: &Text<'_>) -> Result<Vec<u8>, Skipped> {
    text.as_deref()
        .and_then(|text| base64url::decode(text).ok())
        .ok_or(Skipped::Encoding)
}

impl Skipped {
    /// Keys for other purposes are normal; a key that looks like ours and cannot be used is not.
    fn log(self, position: usize) {
        match self {
            Self::OtherType | Self::OtherUse | Self::OtherAlgorithm => {
                tracing::debug!(jwk.position = position, cause = %self, "a key is skipped");
            }
            _ => tracing::warn!(jwk.position = position, cause = %self, "a key is skipped"),
        }
    }
}

#[cfg(test)]
mod tests;
