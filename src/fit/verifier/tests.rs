mod claim_rules;
mod counting;
mod differential;
mod reuse;
mod sources;
mod trust;

use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::{
    clock::Timestamp,
    fit::testing::{KID, KeyEndpoint, NOW, OTHER_APP, SigningKey, app, http, settings},
};

/// A verifier for two apps, with key `a` in its production set.
struct Remote {
    verifier: Verifier,
    endpoint: KeyEndpoint,
    key: SigningKey,
    clock: Clock,
}

impl Remote {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut config::Fit)) -> Self {
        Self::at(NOW, change).await
    }

    async fn at(now: Timestamp, change: impl FnOnce(&mut config::Fit)) -> Self {
        let key = SigningKey::a();
        let endpoint = KeyEndpoint::serving(&[key.jwk(KID)]).await;
        let mut settings = settings(&endpoint);
        change(&mut settings);
        let clock = Clock::manual(now);
        let apps = [app(), OTHER_APP.parse().unwrap()];
        Self {
            verifier: Verifier::new(&settings, &apps, http(), clock.clone()),
            endpoint,
            key,
            clock,
        }
    }

    /// A token of these claims, signed with the key of the set.
    fn token(&self, claims: &Value) -> String {
        self.key.token(KID, claims)
    }

    /// What a token of these claims ends with.
    async fn outcome(&self, claims: &Value) -> &'static str {
        self.outcome_of(&self.token(claims)).await
    }

    async fn outcome_of(&self, token: &str) -> &'static str {
        outcome(&self.verifier.verify(token).await)
    }
}

fn outcome(result: &Result<Fit, FitError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.code().as_str(),
    }
}
