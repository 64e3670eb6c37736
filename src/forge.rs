//! The remote as one handle: what it verifies with, what it knows, whom it can speak as.

mod installed;

use std::{convert::Infallible, fmt, sync::Arc};

use arc_swap::ArcSwap;
use metrics_exporter_prometheus::PrometheusHandle;

pub use self::installed::Installed;
use crate::{
    actor::Actors,
    clock::Clock,
    config::Config,
    cors::OriginPattern,
    error::Error,
    fit::Verifier,
    ids::{CloudId, InstallationId},
    impersonation::Impersonation,
    outbound::{self, ApiHosts, HostNotAllowed, isolated::StorageUrls},
    product::Outbound,
    store::{
        self, Deleted, Installations, OpenError, Remembered, StoreError, jobs::Jobs, keys::Sealed,
    },
    telemetry::{self, TelemetryError},
    token::Token,
};

/// A remote: made once from its settings, cheap to clone, the state of its router.
///
/// A router with a state of its own lends it: `impl FromRef<MyState> for Forge`.
///
/// ```no_run
/// use axum::extract::FromRef;
/// use forge_remote::{Config, Forge, StartError, clock::Clock};
///
/// #[derive(Clone)]
/// struct MyState { forge: Forge, greeting: &'static str }
///
/// impl FromRef<MyState> for Forge {
///     fn from_ref(state: &MyState) -> Self {
///         state.forge.clone()
///     }
/// }
///
/// # async fn start(config: Config) -> Result<(), Box<dyn std::error::Error>> {
/// let forge = match Forge::from_config(config).await {
///     Err(StartError::Store(error)) => return Err(format!("is the database up? {error}").into()),
///     forge => forge?,
/// };
/// println!("at {:?} on {}", forge.clock().now(), forge.config().server.listen);
/// println!("ready: {}, {:?}", forge.verifier().is_ready(), forge.metrics());
///
/// let for_a_test = Forge::with_clock(forge.config().clone(), Clock::manual(forge.clock().now())).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Forge(Arc<Inner>);

struct Inner {
    config: Config,
    clock: Clock,
    verifier: Verifier,
    installations: Installations,
    jobs: Arc<dyn Jobs>,
    sealed: Arc<dyn Sealed>,
    actors: Actors,
    metrics: Option<PrometheusHandle>,
    /// `server.cors_origins`, which may be others than at the start.
    cors_origins: ArcSwap<Vec<OriginPattern>>,
}

/// Why the remote cannot start.
///
/// Each says in one line what to do; see [`Forge`] for an example.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The HTTP client has no root certificates.
    #[error(
        "the HTTP client cannot be built: install the system's root certificates (ca-certificates)"
    )]
    Http(#[source] reqwest::Error),
    /// `atlassian.graphql_url` is not on the list of API hosts.
    #[error("`atlassian.graphql_url` cannot be used")]
    Gateway(#[source] HostNotAllowed),
    /// `atlassian.storage_url` is not on the list of API hosts.
    #[error("`atlassian.storage_url` cannot be used")]
    Storage(#[source] HostNotAllowed),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
}

impl Forge {
    /// Opens the store and gets ready to verify; the key set is fetched when it is
    /// first needed, or when the service starts.
    ///
    /// # Errors
    /// [`StartError`] says what is missing and what to do about it.
    pub async fn from_config(config: Config) -> Result<Self, StartError> {
        Self::with_clock(config, Clock::system()).await
    }

    /// As [`from_config`](Self::from_config), with the time told by `clock`: for tests.
    ///
    /// # Errors
    /// As [`from_config`](Self::from_config).
    pub async fn with_clock(config: Config, clock: Clock) -> Result<Self, StartError> {
        // Rooms take their counters when they are made: the recorder comes first.
        let metrics = telemetry::recorder();
        let http = outbound::client().map_err(StartError::Http)?;
        let atlassian = &config.atlassian;
        let hosts = ApiHosts::new(
            atlassian.api_hosts.iter().map(String::as_str),
            config.environment.is_local(),
        );
        let gateway = hosts
            .check(atlassian.graphql_url.clone())
            .map_err(StartError::Gateway)?;
        let storage = hosts
            .check(atlassian.storage_url.clone())
            .map_err(StartError::Storage)?;
        let isolated = atlassian.isolated_cloud_storage_url.as_deref();
        let storage = StorageUrls::new(storage, isolated, hosts.clone());
        let store = store::open(&config.store, &config.environment, clock.clone()).await?;
        let installations = Installations::new(store.installations, clock.clone());
        let verifier = Verifier::new(&config.fit, &config.app.ids, http.clone(), clock.clone());
        let impersonation = Impersonation::among(
            store.shared,
            &config.impersonation,
            gateway.clone(),
            http.clone(),
            clock.clone(),
        );
        let outbound = Outbound::new(http, hosts, clock.clone());
        let actors = Actors::new(
            outbound,
            gateway,
            storage,
            impersonation,
            installations.clone(),
            clock.clone(),
        );
        let cors_origins = ArcSwap::from_pointee(config.server.cors_origins.clone());
        Ok(Self(Arc::new(Inner {
            cors_origins,
            config,
            clock,
            verifier,
            installations,
            jobs: store.jobs,
            sealed: store.sealed,
            actors,
            metrics,
        })))
    }

    /// An installation that the remote has seen, for work that no invocation started: a
    /// webhook from elsewhere, a queue, a timer.
    ///
    /// ```
    /// # use forge_remote::{Error, Forge, ids::InstallationId};
    /// async fn nightly(forge: &Forge, id: &InstallationId) -> Result<(), Error> {
    ///     let jira = forge.installation(id).await?.as_app()?.jira()?;
    ///     jira.get("/rest/api/3/serverInfo").send().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// `not_found` if it never called, `store_unavailable` if the store does not answer.
    pub async fn installation(&self, id: &InstallationId) -> Result<Installed, Error> {
        let known = self.0.installations.find(id).await?;
        known.map(|known| self.installed(known)).ok_or_else(|| {
            Error::new(
                crate::error::ErrorCode::NotFound,
                "The remote has not seen this installation: it is known from its first invocation on.",
            )
        })
    }

    /// All installations on a site. A cloud id outlives a reinstall, an installation id
    /// does not: this is how data is mapped to a reinstalled app.
    ///
    /// # Errors
    /// `store_unavailable` if the store does not answer.
    pub async fn installations_of_cloud(&self, cloud: &CloudId) -> Result<Vec<Installed>, Error> {
        let known = self.0.installations.of_cloud(cloud).await?;
        Ok(known
            .into_iter()
            .map(|known| self.installed(known))
            .collect())
    }

    /// Takes of new settings what can be changed while the remote runs.
    pub(crate) fn apply(&self, config: &Config) -> Result<(), TelemetryError> {
        telemetry::apply(&config.telemetry)?;
        let origins = config.server.cors_origins.clone();
        self.0.cors_origins.store(Arc::new(origins));
        Ok(())
    }

    /// Whether pages of that origin may call the remote.
    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        let patterns = self.0.cors_origins.load();
        patterns.iter().any(|pattern| pattern.matches(origin))
    }

    /// The settings it was made from. Some may be others by now: see
    /// [`reload_on_hangup`](crate::server::reload_on_hangup).
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The time, as this remote tells it.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Verifies FITs.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// Begins the work that goes on in the background.
    pub(crate) fn start(&self) {
        self.0.verifier.start_refreshing();
        let actors = self.0.actors.clone();
        tokio::spawn(async move { actors.warm_up().await });
    }

    /// Keeps what is stored under `store.encryption_key`, as long as it is polled.
    pub(crate) async fn keep_sealed(&self) -> Infallible {
        store::keep_under_one_key(Arc::clone(&self.0.sealed)).await
    }

    pub(crate) fn actors(&self) -> &Actors {
        &self.0.actors
    }

    pub(crate) fn installations(&self) -> &Installations {
        &self.0.installations
    }

    /// Where events and ticks wait for their handlers.
    pub(crate) fn jobs(&self) -> &Arc<dyn Jobs> {
        &self.0.jobs
    }

    /// Ends when what is known of an installation is on disk.
    pub(crate) async fn installation_kept(&self, id: &InstallationId) -> Result<(), StoreError> {
        self.0.installations.written(id).await
    }

    /// Deletes an installation with its tokens and its jobs.
    pub(crate) async fn delete_installation(
        &self,
        id: &InstallationId,
    ) -> Result<Deleted, StoreError> {
        let outcome = self.0.installations.delete(id).await;
        // After it: by now no request brings the installation back.
        self.0.actors.forget(id);
        outcome
    }

    /// Whether it was deleted a moment ago.
    pub(crate) fn is_gone(&self, id: &InstallationId) -> bool {
        self.0.installations.is_gone(id)
    }

    pub(crate) fn lives<Kind>(&self, token: &Token<Kind>) -> bool {
        token.lives_at(self.0.clock.now())
    }

    /// What is counted, as Prometheus reads it: what `/metrics` of the admin listener shows,
    /// for a program that shows it elsewhere. None if the program had a recorder of the
    /// `metrics` crate before this handle was made.
    #[must_use]
    pub fn metrics(&self) -> Option<String> {
        let metrics = self.0.metrics.as_ref()?;
        self.0.actors.measure();
        Some(telemetry::render(metrics))
    }

    /// Sums up what was measured since the last time. False if another recorder does.
    pub(crate) fn sum_up_metrics(&self) -> bool {
        let metrics = self.0.metrics.as_ref();
        metrics.inspect(|metrics| metrics.run_upkeep()).is_some()
    }

    pub(crate) fn has_keys(&self) -> bool {
        self.0.verifier.is_ready()
    }

    pub(crate) async fn store_answers(&self) -> bool {
        self.0.installations.ping().await.is_ok()
    }

    /// Writes what is still to be written.
    pub(crate) async fn flush(&self) {
        self.0.installations.flush().await;
    }

    fn installed(&self, known: Arc<Remembered>) -> Installed {
        Installed::new(self.clone(), known)
    }
}

impl fmt::Debug for Forge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forge")
            .field("apps", &self.0.config.app.ids)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
