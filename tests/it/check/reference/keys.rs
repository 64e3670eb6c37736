//! The key set: fetched once, and again for a key id that is not in it, but not often.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, JwkSet, PublicKeyUse},
};
use tokio::sync::Mutex;

use super::Remote;

/// Between two fetches. A remote in production takes thirty seconds.
const COOLDOWN: Duration = Duration::from_millis(400);

#[derive(Default)]
pub(super) struct Keys(Mutex<Fetched>);

#[derive(Default)]
struct Fetched {
    keys: HashMap<String, DecodingKey>,
    at: Option<Instant>,
}

impl Remote {
    /// The key of that id.
    pub(super) async fn key(&self, kid: &str) -> Option<DecodingKey> {
        let mut fetched = self.0.keys.0.lock().await;
        if let Some(key) = fetched.keys.get(kid) {
            return Some(key.clone());
        }
        let early = fetched.at.is_some_and(|at| at.elapsed() < COOLDOWN);
        if early {
            return None;
        }
        fetched.at = Some(Instant::now());
        if let Some(keys) = self.fetch_keys().await {
            fetched.keys = keys;
        }
        fetched.keys.get(kid).cloned()
    }

    async fn fetch_keys(&self) -> Option<HashMap<String, DecodingKey>> {
        let url = self.0.trust.jwks_url.as_deref()?;
        let answer = self
            .0
            .http
            .get(url)
            .send()
            .await
            .ok()?
            .error_for_status()
            .ok()?;
        let set: JwkSet = answer.json().await.ok()?;
        let of_use = set.keys.into_iter().filter(|jwk| {
            let signs = jwk
                .common
                .public_key_use
                .as_ref()
                .is_none_or(|it| *it == PublicKeyUse::Signature);
            signs && matches!(jwk.algorithm, AlgorithmParameters::RSA(_))
        });
        let keys = of_use.filter_map(|jwk| {
            Some((
                jwk.common.key_id.clone()?,
                DecodingKey::from_jwk(&jwk).ok()?,
            ))
        });
        Some(keys.collect())
    }
}
