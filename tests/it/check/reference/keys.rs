//! The key set: fetched once, and again for a key id that is not in it, but not often.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, JwkSet, PublicKeyUse},
};

use super::Remote;
use crate::check::flaws::authentication as flaws;

/// Between two fetches. A remote in production takes thirty seconds.
const COOLDOWN: Duration = Duration::from_millis(400);

#[derive(Default)]
pub(super) struct Keys {
    fetched: Mutex<Fetched>,
    /// One fetch at a time. Whoever has a known key does not come here.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Fetched {
    keys: HashMap<String, DecodingKey>,
    at: Option<Instant>,
    failed: bool,
}

/// What is known of a key id.
pub(super) enum Found {
    Key(Box<DecodingKey>),
    Unknown,
    /// The set could not be fetched.
    Unavailable,
}

impl Remote {
    /// The key of that id.
    pub(super) async fn key(&self, kid: &str) -> Found {
        if self.has(flaws::ALL_WAIT) {
            drop(self.0.keys.fetching.lock().await);
        }
        if let Some(key) = self.known_key(kid) {
            return Found::Key(Box::new(key));
        }
        let _turn = self.0.keys.fetching.lock().await;
        if let Some(key) = self.known_key(kid) {
            return Found::Key(Box::new(key));
        }
        if self.may_fetch() {
            let keys = self.fetch_keys().await;
            self.keep(keys);
        }
        match self.known_key(kid) {
            Some(key) => Found::Key(Box::new(key)),
            None if self.0.keys.fetched.lock().unwrap().failed => Found::Unavailable,
            None => Found::Unknown,
        }
    }

    /// Every key in hand.
    pub(super) fn all_keys(&self) -> Vec<DecodingKey> {
        self.0
            .keys
            .fetched
            .lock()
            .unwrap()
            .keys
            .values()
            .cloned()
            .collect()
    }

    fn known_key(&self, kid: &str) -> Option<DecodingKey> {
        self.0.keys.fetched.lock().unwrap().keys.get(kid).cloned()
    }

    fn may_fetch(&self) -> bool {
        let mut fetched = self.0.keys.fetched.lock().unwrap();
        let early = fetched.at.is_some_and(|at| at.elapsed() < COOLDOWN);
        let once = self.has(flaws::FETCHES_ONCE) && fetched.at.is_some();
        if once || (early && !self.has(flaws::FETCHES_ALWAYS)) {
            return false;
        }
        fetched.at = Some(Instant::now());
        true
    }

    fn keep(&self, keys: Option<HashMap<String, DecodingKey>>) {
        let mut fetched = self.0.keys.fetched.lock().unwrap();
        fetched.failed = keys.is_none();
        match keys {
            Some(keys) if self.has(flaws::ONLY_ADDS_KEYS) => fetched.keys.extend(keys),
            Some(keys) => fetched.keys = keys,
            None if self.has(flaws::FORGETS_KEYS) => fetched.keys.clear(),
            None => {}
        }
    }

    async fn fetch_keys(&self) -> Option<HashMap<String, DecodingKey>> {
        let url = self.0.trust.jwks_url.as_deref()?;
        let answer = self.0.slow_http.get(url).send().await.ok()?;
        let set: JwkSet = answer.error_for_status().ok()?.json().await.ok()?;
        let of_use = set.keys.into_iter().filter(|jwk| {
            let usage = jwk.common.public_key_use.as_ref();
            let signs = usage.is_none_or(|it| *it == PublicKeyUse::Signature);
            signs && matches!(jwk.algorithm, AlgorithmParameters::RSA(_))
        });
        let keys = of_use.filter_map(|jwk| {
            Some((
                jwk.common.key_id.clone()?,
                DecodingKey::from_jwk(&jwk).ok()?,
            ))
        });
        if self.has(flaws::FIRST_KEY_ONLY) {
            return Some(keys.take(1).collect());
        }
        Some(keys.collect())
    }
}
