//! What all clients of a service share.

use std::time::Duration;

use url::Url;

use super::{Api, ProductError, pauses::Pauses, repeats::FIRST_DELAY};
use crate::{
    clock::Clock,
    outbound::{ApiHosts, ApiUrl},
};

/// What all clients of a service share: connections, the list of hosts that may get a
/// token, and the pauses that products asked for. A clone shares them too.
#[derive(Debug, Clone)]
pub struct Outbound {
    pub(super) http: reqwest::Client,
    pub(super) clock: Clock,
    pub(super) pauses: Pauses,
    pub(super) first_delay: Duration,
    hosts: ApiHosts,
}

impl Outbound {
    /// Over this HTTP client, to these hosts and no other.
    ///
    /// `http` must not follow redirects: take the one of [`crate::outbound::client`].
    #[must_use]
    pub fn new(http: reqwest::Client, hosts: ApiHosts, clock: Clock) -> Self {
        Self {
            http,
            clock,
            pauses: Pauses::new(),
            first_delay: FIRST_DELAY,
            hosts,
        }
    }

    /// Passes a base URL that may get a token.
    pub(super) fn base(&self, api: Api, base: &str) -> Result<ApiUrl, ProductError> {
        let url: Url = base
            .parse()
            .map_err(|source| ProductError::InvalidBase { api, source })?;
        self.hosts
            .check(url)
            .map_err(|source| ProductError::HostNotAllowed { api, source })
    }

    /// The same with another first delay, so that a test of repeats takes no time.
    #[cfg(test)]
    pub(super) const fn with_first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }
}
