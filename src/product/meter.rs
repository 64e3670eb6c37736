//! The room's metrics, each looked up once: the recorder finds a metric by hashing its name
//! and labels, which costs more than to count.

use std::sync::OnceLock;

use metrics::{Counter, Histogram, counter, histogram};

use super::{Api, Identity, repeats::Reason};

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Success,
    Redirect,
    ClientError,
    RateLimited,
    ServerError,
    Deadline,
    Transport,
    TooLarge,
    Cancelled,
    Error,
}

impl Class {
    const COUNT: usize = Self::Error as usize + 1;

    /// The name in a log field and in a metric's label.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirect => "3xx",
            Self::ClientError => "4xx",
            Self::RateLimited => "429",
            Self::ServerError => "5xx",
            Self::Deadline => "deadline",
            Self::Transport => "transport",
            Self::TooLarge => "too_large",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

/// The metrics of all APIs.
#[derive(Debug, Default)]
pub(super) struct Meter([OfApi; Api::COUNT]);

/// A metric is made when there is something to count: a product that is never called has none.
#[derive(Debug, Default)]
struct OfApi {
    seconds: OnceLock<Histogram>,
    requests: [[OnceLock<Counter>; Class::COUNT]; Identity::COUNT],
    retries: [OnceLock<Counter>; Reason::COUNT],
}

impl Meter {
    /// A call has ended.
    pub(super) fn called(&self, api: Api, identity: Identity, class: Class, seconds: f64) {
        let product = api.as_str();
        let OfApi {
            seconds: histogram,
            requests,
            ..
        } = &self.0[api as usize];
        let counter = requests[identity as usize][class as usize].get_or_init(|| {
            counter!(
                "forge_product_requests_total",
                "product" => product, "class" => class.as_str(), "identity" => identity.as_str()
            )
        });
        counter.increment(1);
        histogram
            .get_or_init(|| histogram!("forge_product_seconds", "product" => product))
            .record(seconds);
    }

    /// A request is sent again.
    pub(super) fn repeated(&self, api: Api, reason: Reason) {
        let counter = self.0[api as usize].retries[reason as usize].get_or_init(|| {
            let labels = [("product", api.as_str()), ("reason", reason.as_str())];
            counter!("forge_product_retries_total", &labels)
        });
        counter.increment(1);
    }
}
