//! The room's metrics.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

const EXCHANGES: &str = "forge_impersonation_exchanges_total";
const CACHE: &str = "forge_impersonation_cache_total";
const WAIT: &str = "forge_impersonation_wait_seconds";

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
}

impl Meter {
    pub(super) fn new() -> Self {
        metrics::describe_counter!(EXCHANGES, "Requests to the gateway for an account's token");
        metrics::describe_counter!(CACHE, "Callers by whether their token was at hand");
        metrics::describe_histogram!(
            WAIT,
            metrics::Unit::Seconds,
            "Wait of exchanges for their place in the quota"
        );
        Self {
            hit: counter!(CACHE, "result" => "hit"),
            miss: counter!(CACHE, "result" => "miss"),
            renewal: counter!(CACHE, "result" => "renewal"),
            shared: counter!(CACHE, "result" => "shared"),
            wait: histogram!(WAIT),
            exchanges: Outcome::ALL
                .map(|outcome| counter!(EXCHANGES, "outcome" => outcome.as_str())),
        }
    }

    pub(super) fn waited(&self, wait: Duration) {
        self.wait.record(wait);
    }

    pub(super) fn exchanged(&self, outcome: Outcome) {
        self.exchanges[outcome as usize].increment(1);
    }
}
