//! From the text of a token to a [`Fit`].

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    claims::Claims,
    error::FitError,
    jwk::TrustedKey,
    jws::UnverifiedJws,
    key_sets::{KeySets, Source},
    rules::Rules,
    signature::Mismatch,
    unverified::UnverifiedClaims,
};
use crate::{clock::Clock, config, ids::AppId};

/// Verifies Forge Invocation Tokens. A clone shares the key sets.
///
/// See the [module](super) for an example.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    key_sets: KeySets,
    rules: Rules,
    clock: Clock,
    stop: CancellationToken,
    _stop_with_the_last: DropGuard,
}

/// A verified Forge Invocation Token. Only a [`Verifier`] makes one; a clone is cheap.
///
/// It derefs to its [`Claims`]. `Debug` shows neither the user nor the module's own data.
#[derive(Clone)]
pub struct Fit(Arc<Verified>);

struct Verified {
    claims: Claims,
    key: Arc<TrustedKey>,
    source: Source,
}

impl Verifier {
    /// A verifier for tokens of these apps. It fetches keys when it first needs them,
    /// or by [`start_refreshing`](Self::start_refreshing). `http` must not follow redirects.
    #[must_use]
    pub fn new(
        settings: &config::Fit,
        app_ids: &[AppId],
        http: reqwest::Client,
        clock: Clock,
    ) -> Self {
        let key_sets = KeySets::new(settings, http, &clock);
        Self::with_key_sets(key_sets, Rules::new(settings, app_ids), clock)
    }

    fn with_key_sets(key_sets: KeySets, rules: Rules, clock: Clock) -> Self {
        let stop = CancellationToken::new();
        Self(Arc::new(Inner {
            key_sets,
            rules,
            clock,
            _stop_with_the_last: stop.clone().drop_guard(),
            stop,
        }))
    }

    /// Verifies `token`, the compact JWS without `Bearer `.
    ///
    /// It waits only where the key is not at hand: at the very start, and for a key id
    /// that is not in the set. The wait is for one fetch of the key set, 5 seconds at most.
    ///
    /// # Errors
    /// [`FitError`] says which rule the token breaks. None of it may be shown to a
    /// caller but its [`code`](FitError::code), which
    /// [`Error`](crate::Error) takes over.
    pub async fn verify(&self, token: &str) -> Result<Fit, FitError> {
        let began_at = Instant::now();
        let outcome = self.check(token, began_at).await;
        count(outcome.as_ref().err(), began_at.elapsed());
        outcome
    }

    async fn check(&self, token: &str, now: Instant) -> Result<Fit, FitError> {
        let verifier = &*self.0;
        let jws = UnverifiedJws::parse(token)?;
        let unverified = UnverifiedClaims::parse(&jws.payload)?;
        let (source, keys) = verifier.key_sets.choose(&unverified.claims)?;
        let key = keys.key(&jws.key_id, now).await?;
        key.verify(jws.signed, &jws.signature)
            .map_err(|Mismatch| FitError::BadSignature)?;
        keys.proved();
        let claims = verifier.rules.check(unverified, verifier.clock.now())?;
        Ok(Fit(Arc::new(Verified {
            claims,
            key,
            source,
        })))
    }

    /// Whether `fit` would still pass: its key is in its set and its time has not run out.
    ///
    /// What a cache of verified tokens must ask before it hands one out.
    #[must_use]
    pub fn still_trusts(&self, fit: &Fit) -> bool {
        let Verified {
            claims,
            key,
            source,
        } = &*fit.0;
        let verifier = &*self.0;
        let set = verifier.key_sets.current(source);
        set.is_some_and(|set| set.trusts(key))
            && verifier.rules.in_time(claims, verifier.clock.now())
    }

    /// Starts tasks that fetch the configured key sets now, and again before they age
    /// out, until the last clone of this verifier is dropped. Call it once.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start_refreshing(&self) {
        self.0.key_sets.keep_fresh(&self.0.stop);
    }

    /// Whether the production key set is loaded, so that tokens can be verified.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.key_sets.is_ready()
    }
}

/// The labels of the common outcome are fixed when this is compiled: no allocation for them.
fn count(error: Option<&FitError>, took: Duration) {
    match error {
        None => metrics::counter!("forge_fit_verifications_total", "outcome" => "ok"),
        Some(error) => {
            let code = error.code().as_str();
            metrics::counter!("forge_fit_verifications_total", "outcome" => code)
        }
    }
    .increment(1);
    metrics::histogram!("forge_fit_verification_seconds").record(took);
}

impl Fit {
    /// The claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.0.claims
    }

    /// The id of the key that signed the token.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.0.key.id()
    }
}

impl Deref for Fit {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        self.claims()
    }
}

impl fmt::Debug for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fit").field(self.claims()).finish()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("rules", &self.0.rules)
            .field("is_ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
