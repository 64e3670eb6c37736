//! What all clients of a service share.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;
use url::Url;

use super::{Api, ProductError, meter::Meter, pauses::Pauses, repeats::FIRST_DELAY};
use crate::{
    clock::Clock,
    outbound::{self, ApiHosts, ApiUrl},
};

/// Base URLs whose parsed form is kept: an installation has one for each product. Beyond
/// that the least used are parsed again.
const MOST_BASES: u64 = 10_000;

/// What all clients of a service share: connections, the list of hosts that may get a
/// token, and the pauses that products asked for. A clone shares them too.
#[derive(Debug, Clone)]
pub struct Outbound(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    hosts: ApiHosts,
    /// Those that may get a token, as the FITs write them. Nothing else is kept.
    bases: Cache<Box<str>, ApiUrl>,
    clock: Clock,
    pauses: Pauses,
    meter: Meter,
    first_delay: Duration,
}

impl Outbound {
    /// Over this HTTP client, to these hosts and no other.
    ///
    /// `http` must not follow redirects: take the one of [`crate::outbound::client`].
    #[must_use]
    pub fn new(http: reqwest::Client, hosts: ApiHosts, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            http,
            hosts,
            bases: Cache::new(MOST_BASES),
            clock,
            pauses: Pauses::new(),
            meter: Meter::default(),
            first_delay: FIRST_DELAY,
        }))
    }

    /// Passes a base URL that may get a token.
    pub(super) fn base(&self, api: Api, base: &str) -> Result<ApiUrl, ProductError> {
        let shared = &*self.0;
        if let Some(checked) = shared.bases.get(base) {
            return Ok(checked);
        }
        let url: Url = base
            .parse()
            .map_err(|source| ProductError::InvalidBase { api, source })?;
        let checked = shared
            .hosts
            .check(url)
            .map_err(|source| ProductError::HostNotAllowed { api, source })?;
        shared.bases.insert(base.into(), checked.clone());
        Ok(checked)
    }

    /// Opens the first connections, so that no call waits for their handshakes.
    pub(crate) async fn warm_up(&self) {
        outbound::warm_up(&self.0.http, self.0.hosts.places()).await;
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn pauses(&self) -> &Pauses {
        &self.0.pauses
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.0.meter
    }

    pub(super) fn first_delay(&self) -> Duration {
        self.0.first_delay
    }

    /// The same with another first delay, so that a test of repeats takes no time.
    #[cfg(test)]
    pub(super) fn with_first_delay(mut self, delay: Duration) -> Self {
        Arc::get_mut(&mut self.0).unwrap().first_delay = delay;
        self
    }
}
