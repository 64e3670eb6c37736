//! From the text of a token to a [`Fit`].

use std::{fmt, ops::Deref, sync::Arc};

use metrics::{Counter, Histogram};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    claims::Claims,
    error::FitError,
    jwk::TrustedKey,
    jws::UnverifiedJws,
    key_sets::{KeySets, Source},
    known_headers::KnownHeaders,
    rules::Rules,
    signature::{Digest, Mismatch},
    unverified::UnverifiedClaims,
    verified_tokens::VerifiedTokens,
};
use crate::{clock::Clock, config, ids::AppId};

/// Verifies Forge Invocation Tokens. A clone shares the key sets and what was verified.
///
/// A browser sends one token with many requests (Forge bridge: `requestRemote`): what was
/// verified twice is remembered until its `exp`, or until its key leaves the set. At most
/// 4,096 tokens are, by the hash of the whole token, in some 12 MB.
///
/// See the [module](super) for an example.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    key_sets: KeySets,
    rules: Rules,
    clock: Clock,
    headers: KnownHeaders,
    verified: VerifiedTokens,
    counted: Counted,
    stop: CancellationToken,
    _stop_with_the_last: DropGuard,
}

/// A verified Forge Invocation Token. Only a [`Verifier`] makes one; a clone is cheap.
///
/// It derefs to its [`Claims`]. `Debug` shows neither the user nor the module's own data.
///
/// ```
/// use forge_remote::fit::{Fit, Verifier};
///
/// /// What a cache of one's own asks before it uses what it keeps beside a FIT.
/// fn usable<'a>(verifier: &Verifier, kept: &'a Fit) -> Option<&'a Fit> {
///     (verifier.is_ready() && verifier.still_trusts(kept)).then_some(kept)
/// }
///
/// fn audit(fit: &Fit) {
///     println!("{} by key {}", fit.claims().app.installation_id, fit.key_id());
/// }
/// ```
#[derive(Clone)]
pub struct Fit(Arc<Verified>);

struct Verified {
    claims: Claims,
    key: Arc<TrustedKey>,
    source: Source,
}

/// What every verification counts, looked up once.
struct Counted {
    verified: Counter,
    reused: Counter,
    /// In the order of [`FitError::CODES`]. All are there from the start: a counter that
    /// appears with its first failure hides that failure from a rate.
    failed: [Counter; FitError::CODES.len()],
    seconds: Histogram,
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
            headers: KnownHeaders::default(),
            verified: VerifiedTokens::new(),
            counted: Counted::new(),
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
        self.0.counted.add(&outcome, began_at);
        outcome.map(Outcome::into_fit)
    }

    async fn check(&self, token: &str, now: Instant) -> Result<Outcome, FitError> {
        let verifier = &*self.0;
        let jws = UnverifiedJws::cut(token)?;
        let known = verifier.headers.key_id(jws.header);
        let is_known = known.is_some();
        let key_id = known.map_or_else(|| jws.key_id().map(Arc::from), Ok)?;

        let signed = Digest::of(jws.signed.as_bytes());
        if let Some(fit) = verifier.verified_before(&signed, jws.signature, now) {
            return Ok(Outcome::Reused(fit));
        }

        let payload = jws.payload()?;
        let signature = jws.signature()?;
        let unverified = UnverifiedClaims::parse(&payload)?;
        let (source, keys) = verifier.key_sets.choose(&unverified.claims)?;
        let key = keys.key(&key_id, now).await?;
        key.verify(&signed, &signature)
            .map_err(|Mismatch| FitError::BadSignature)?;
        keys.proved();
        let claims = verifier.rules.check(unverified, verifier.clock.now())?;
        let fit = Fit(Arc::new(Verified {
            claims,
            key,
            source,
        }));
        if !is_known {
            verifier.headers.add(jws.header, &key_id);
        }
        verifier.verified.put(&signed, jws.signature, &fit);
        Ok(Outcome::Verified(fit))
    }

    /// Whether `fit` would still pass: its key is in its set and its time has not run out.
    ///
    /// What a cache of your own must ask before it hands one out.
    #[must_use]
    pub fn still_trusts(&self, fit: &Fit) -> bool {
        let verifier = &*self.0;
        verifier.trusts_key_of(fit, Instant::now())
            && verifier.rules.in_time(fit, verifier.clock.now())
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

impl Inner {
    /// What came of the token when it was verified, if it would pass now. Full
    /// verification decides on a token that is in its last moments, and on its key's behalf.
    fn verified_before(&self, signed: &Digest, signature: &str, now: Instant) -> Option<Fit> {
        let time = self.clock.now();
        let fit = self.verified.get(signed, signature, time)?;
        if !self.trusts_key_of(&fit, now) {
            self.verified.remove(signed);
            return None;
        }
        // The clock may have been set back since.
        self.rules.in_time(&fit, time).then_some(fit)
    }

    fn trusts_key_of(&self, fit: &Fit, now: Instant) -> bool {
        let Verified { key, source, .. } = &*fit.0;
        self.key_sets.trusts(source, key, now)
    }
}

/// How a token passed.
enum Outcome {
    Verified(Fit),
    Reused(Fit),
}

impl Outcome {
    fn into_fit(self) -> Fit {
        match self {
            Self::Verified(fit) | Self::Reused(fit) => fit,
        }
    }
}

impl Counted {
    fn new() -> Self {
        let outcome = |outcome: &'static str| metrics::counter!("forge_fit_verifications_total", "outcome" => outcome);
        Self {
            verified: outcome("ok"),
            reused: outcome("reused"),
            failed: FitError::CODES.map(|code| outcome(code.as_str())),
            seconds: metrics::histogram!("forge_fit_verification_seconds"),
        }
    }

    /// The time of a token that was verified before says nothing about verification.
    fn add(&self, outcome: &Result<Outcome, FitError>, began_at: Instant) {
        match outcome {
            Ok(Outcome::Reused(_)) => return self.reused.increment(1),
            Ok(Outcome::Verified(_)) => self.verified.increment(1),
            Err(error) => {
                let code = error.code();
                let at = FitError::CODES.iter().position(|it| *it == code);
                if let Some(counter) = at.and_then(|at| self.failed.get(at)) {
                    counter.increment(1);
                }
            }
        }
        self.seconds.record(began_at.elapsed());
    }
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
