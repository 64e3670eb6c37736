//! What the fuzz targets reach: every step of the verification but the signature.

use std::{sync::Arc, time::Duration};

use super::{
    Claims, FitError, jwk, jws::UnverifiedJws, rules::Rules, unverified::UnverifiedClaims,
};
use crate::{clock::Timestamp, ids::AppId};

/// How far clocks may be apart.
pub const LEEWAY: Duration = Duration::from_secs(5);

/// A token that was taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    /// `kid` of the header.
    pub key_id: Box<str>,
    /// The claims, as JSON text.
    pub payload: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// A key that may verify FITs.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// `kid`.
    pub id: String,
    /// The public key as DER.
    pub der: Vec<u8>,
}

/// Takes a token apart.
///
/// # Errors
/// As [`Verifier::verify`](super::Verifier::verify).
pub fn parts(token: &str) -> Result<Parts, FitError> {
    let jws = UnverifiedJws::cut(token)?;
    Ok(Parts {
        key_id: jws.key_id()?,
        payload: jws.payload()?,
        signature: jws.signature()?,
    })
}

/// Reads claims.
///
/// # Errors
/// As [`Verifier::verify`](super::Verifier::verify).
pub fn claims(json: &[u8]) -> Result<Claims, FitError> {
    Ok(UnverifiedClaims::parse(json)?.claims)
}

/// The claims of a token of `app` that breaks no rule at `now`, were its signature good.
///
/// The issuer is the platform's, and the leeway [`LEEWAY`].
///
/// # Errors
/// As [`Verifier::verify`](super::Verifier::verify).
pub fn all_but_signature(token: &str, app: AppId, now: Timestamp) -> Result<Claims, FitError> {
    let payload = parts(token)?.payload;
    let unverified = UnverifiedClaims::parse(&payload)?;
    Rules::of_one(app, LEEWAY).check(unverified, now)
}

/// The keys of a set in the order of their ids; none if it is no set with a usable key.
///
/// # Panics
/// If the same set, fetched again, did not keep its keys.
#[must_use]
pub fn key_set(document: &[u8]) -> Option<Vec<Key>> {
    let keys = jwk::read(document, None).ok()?;
    let again = jwk::read(document, Some(&keys)).ok();
    let same = again.is_some_and(|again| {
        let kept = |(id, key)| again.get(id).is_some_and(|other| Arc::ptr_eq(key, other));
        again.len() == keys.len() && keys.iter().all(kept)
    });
    assert!(same, "a key that stays in the set is another one");
    let mut keys: Vec<_> = keys
        .values()
        .map(|key| Key {
            id: key.id().to_owned(),
            der: key.der().to_vec(),
        })
        .collect();
    keys.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    Some(keys)
}
