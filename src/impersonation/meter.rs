//! The room's metrics.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::quota::Standing;

const EXCHANGES: &str = "forge_impersonation_exchanges_total";
const CACHE: &str = "forge_impersonation_cache_total";
const WAIT: &str = "forge_impersonation_wait_seconds";

/// In the order of the fields of [`Standing`].
const QUOTA: [&str; 5] = [
    "forge_impersonation_quota_limit_per_minute",
    "forge_impersonation_quota_per_minute",
    "forge_impersonation_quota_burst",
    "forge_impersonation_quota_left",
    "forge_impersonation_quota_waiting",
];

/// How a request to the gateway ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Granted,
    Denied,
    AppTokenRefused,
    RateLimited,
    Failed,
}

impl Outcome {
    const ALL: [Self; 5] = [
        Self::Granted,
        Self::Denied,
        Self::AppTokenRefused,
        Self::RateLimited,
        Self::Failed,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::AppTokenRefused => "app_token_refused",
            Self::RateLimited => "rate_limited",
            Self::Failed => "failed",
        }
    }
}

/// Handles are taken once, so that a hit of the cache costs one addition.
#[derive(Debug)]
pub(super) struct Meter {
    /// Callers that were answered from memory, with a token or a denial.
    pub(super) hit: Counter,
    /// Callers that had to wait for an exchange, their own or another's.
    pub(super) miss: Counter,
    /// Renewals begun in the background.
    pub(super) renewal: Counter,
    /// Misses for which another replica had the token.
    pub(super) shared: Counter,
    /// How long exchanges waited for their place in the quota.
    wait: Histogram,
    /// Requests, in the order of `Outcome::ALL`.
    exchanges: [Counter; Outcome::ALL.len()],
    quota: [Gauge; QUOTA.len()],
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            hit: counter!(CACHE, "result" => "hit"),
            miss: counter!(CACHE, "result" => "miss"),
            renewal: counter!(CACHE, "result" => "renewal"),
            shared: counter!(CACHE, "result" => "shared"),
            wait: histogram!(WAIT),
            exchanges: Outcome::ALL
                .map(|outcome| counter!(EXCHANGES, "outcome" => outcome.as_str())),
            quota: QUOTA.map(|name| gauge!(name)),
        }
    }

    pub(super) fn waited(&self, wait: Duration) {
        self.wait.record(wait);
    }

    pub(super) fn quota(&self, standing: &Standing) {
        let Standing {
            limit,
            working,
            burst,
            left,
            waiting,
        } = *standing;
        let values = [limit, working, burst, left, waiting];
        for (gauge, value) in self.quota.iter().zip(values) {
            gauge.set(f64::from(value));
        }
    }

    pub(super) fn exchanged(&self, outcome: Outcome) {
        self.exchanges[outcome as usize].increment(1);
    }
}
