//! Which key set counts for a token: production, the vendor's staging, or an Isolated Cloud.

mod isolated;

use std::{ops::Deref, sync::Arc};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::isolated::{IsolatedSet, IsolatedSets};
use super::{
    claims::Claims,
    error::FitError,
    jwk::TrustedKey,
    key_set::{KeySet, SetName},
};
use crate::{clock::Clock, config, ids::IcLabel};

/// The key set of the vendor's own staging systems.
const STAGING_JWKS_URL: &str = "https://forge.cdn.stg.atlassian-dev.net/.well-known/jwks.json";

/// What a staging token's `app.apiBaseUrl` begins with, the slash included.
const STAGING_API: &str = "https://api.stg.atlassian.com/";

/// The key sets of this remote.
pub(super) struct KeySets {
    production: Arc<KeySet>,
    staging: Option<Arc<KeySet>>,
    isolated: Option<IsolatedSets>,
}

/// Where a token's key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Production,
    Staging,
    Isolated(IcLabel),
}

/// The key set that counts for one token.
pub(super) enum Chosen<'a> {
    Fixed(&'a Arc<KeySet>),
    Isolated(Arc<IsolatedSet>),
}

impl KeySets {
    pub(super) fn new(settings: &config::Fit, http: reqwest::Client, clock: &Clock) -> Self {
        let staging = settings
            .accept_staging
            .then(|| Url::parse(STAGING_JWKS_URL).ok())
            .flatten();
        Self::with_staging(settings, staging, http, clock)
    }

    pub(super) fn with_staging(
        settings: &config::Fit,
        staging: Option<Url>,
        http: reqwest::Client,
        clock: &Clock,
    ) -> Self {
        let set = |name, url| KeySet::new(name, url, http.clone(), clock.clone());
        let production = set(SetName::Production, settings.jwks_url.clone());
        let staging = staging.map(|url| set(SetName::Staging, url));
        let template = settings.isolated_cloud_jwks_url.as_deref();
        Self {
            production,
            staging,
            isolated: template.map(|template| IsolatedSets::new(template, http, clock.clone())),
        }
    }

    /// Chooses by claims that nobody has vouched for. All that they choose among is
    /// configured here; the label has passed its rule, or there would be no claims.
    pub(super) fn choose(&self, unverified: &Claims) -> Result<(Source, Chosen<'_>), FitError> {
        if let Some(label) = &unverified.ic_label {
            // A token of an Isolated Cloud never counts by the commercial cloud's keys.
            let sets = self.isolated.as_ref().ok_or(FitError::UnknownKey)?;
            let set = sets.set_of(label)?;
            return Ok((Source::Isolated(label.clone()), Chosen::Isolated(set)));
        }
        let base = unverified.app.api_base_url.as_str();
        match &self.staging {
            Some(staging) if base.starts_with(STAGING_API) => {
                Ok((Source::Staging, Chosen::Fixed(staging)))
            }
            _ => Ok((Source::Production, Chosen::Fixed(&self.production))),
        }
    }

    /// Whether that very key is in the set of its source now.
    pub(super) fn trusts(&self, source: &Source, key: &Arc<TrustedKey>, now: Instant) -> bool {
        let (staging, isolated) = (self.staging.as_ref(), self.isolated.as_ref());
        match source {
            Source::Production => self.production.trusts(key, now),
            Source::Staging => staging.is_some_and(|set| set.trusts(key, now)),
            Source::Isolated(label) => isolated
                .and_then(|sets| sets.known(label))
                .is_some_and(|set| set.trusts(key, now)),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.production.is_loaded()
    }

    /// Keeps every configured set fresh until `stop`, and those of Isolated Clouds
    /// from the first token that their keys verify.
    pub(super) fn keep_fresh(&self, stop: &CancellationToken) {
        keep_fresh(&self.production, stop);
        if let Some(staging) = &self.staging {
            keep_fresh(staging, stop);
        }
        if let Some(isolated) = &self.isolated {
            isolated.keep_fresh(stop);
        }
    }
}

fn keep_fresh(set: &Arc<KeySet>, stop: &CancellationToken) {
    let keeper = Arc::clone(set).keep_fresh();
    tokio::spawn(stop.clone().run_until_cancelled_owned(keeper));
}

impl Chosen<'_> {
    /// Notes that a key of this set has verified a token.
    pub(super) fn proved(&self) {
        if let Self::Isolated(set) = self {
            set.proved();
        }
    }
}

impl Deref for Chosen<'_> {
    type Target = Arc<KeySet>;

    fn deref(&self) -> &Arc<KeySet> {
        match self {
            Self::Fixed(set) => set,
            Self::Isolated(isolated) => isolated.keys(),
        }
    }
}
