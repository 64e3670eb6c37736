//! What is to be delivered, and where.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use url::Url;

use crate::emulator::{
    faults::Fault,
    journal::{Occasion, Retry},
};
use crate::manifest::{Endpoint, TokenSwitches};

/// What is to be delivered, and where.
#[derive(Debug, Clone)]
pub(in crate::emulator) struct Parcel {
    pub(in crate::emulator) occasion: Occasion,
    /// Key of the module that fires.
    pub(in crate::emulator) module_key: String,
    /// Key of the endpoint, for the FIT.
    pub(in crate::emulator) endpoint_key: String,
    pub(in crate::emulator) method: Method,
    /// Put behind the remote's address; may have a query.
    pub(in crate::emulator) path: String,
    pub(in crate::emulator) auth: TokenSwitches,
    pub(in crate::emulator) content: Content,
    /// How long the platform takes until it delivers, in its own time.
    pub(in crate::emulator) delay: Duration,
    /// What is wrong with it, on demand.
    pub(in crate::emulator) faults: Vec<Fault>,
}

impl Parcel {
    /// A POST to an endpoint, at once.
    pub(in crate::emulator) fn to(
        endpoint: &Endpoint,
        module_key: &str,
        occasion: Occasion,
        content: Content,
    ) -> Self {
        Self {
            occasion,
            module_key: module_key.to_owned(),
            endpoint_key: endpoint.key.clone(),
            method: Method::POST,
            path: endpoint.path.clone(),
            auth: endpoint.auth,
            content,
            delay: Duration::ZERO,
            faults: Vec::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub(in crate::emulator) enum Content {
    /// An event, which a redelivery adds its `retryContext` to.
    Event {
        event: Value,
        wrapped: bool,
    },
    Json(Value),
    Nothing,
}

impl Content {
    /// The body of the first delivery, or of that redelivery.
    pub(super) fn body(&self, retry: Option<Retry>) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Json(value) => Some(value.to_string()),
            Self::Event { event, wrapped } => {
                let mut event = event.clone();
                if let (Some(retry), Some(fields)) = (retry, event.as_object_mut()) {
                    let context = json!({
                        "retryCount": retry.count,
                        "retryReason": retry.reason.as_str(),
                        "retryData": null,
                    });
                    fields.insert("retryContext".to_owned(), context);
                }
                let body = if *wrapped {
                    json!({"payload": event})
                } else {
                    event
                };
                Some(body.to_string())
            }
        }
    }
}

/// `baseUrl` + path; nothing in the path may lead to another host.
pub(super) fn address(base: &Url, path: &str) -> Option<Url> {
    let base_text = base.as_str().trim_end_matches('/');
    let url = Url::parse(&format!("{base_text}/{}", path.trim_start_matches('/'))).ok()?;
    (url.origin() == base.origin()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::journal::RetryReason;

    #[test]
    fn a_path_is_put_behind_the_whole_address() {
        for (base, path, url) in [
            (
                "http://r.example",
                "/forge/events",
                "http://r.example/forge/events",
            ),
            (
                "http://r.example/base",
                "/events",
                "http://r.example/base/events",
            ),
            (
                "http://r.example/base/",
                "events?a=b",
                "http://r.example/base/events?a=b",
            ),
            (
                "http://r.example",
                "//evil.example/",
                "http://r.example/evil.example/",
            ),
        ] {
            let address = address(&base.parse().unwrap(), path).map(String::from);
            assert_eq!(address.as_deref(), Some(url));
        }
    }

    #[test]
    fn a_redelivery_says_why_it_comes() {
        let event = json!({"eventType": "avi:jira:created:issue"});
        let retry = Retry {
            count: 2,
            reason: RetryReason::Timeout,
        };
        let of = |wrapped, retry| {
            let event = event.clone();
            let body = Content::Event { event, wrapped }.body(retry).unwrap();
            serde_json::from_str::<Value>(&body).unwrap()
        };
        assert_eq!(of(false, None), event);
        assert_eq!(of(true, None), json!({"payload": event}));
        let context = json!({"retryCount": 2, "retryReason": "TIMEOUT_ERROR", "retryData": null});
        assert_eq!(of(false, Some(retry))["retryContext"], context);
        assert_eq!(of(true, Some(retry))["payload"]["retryContext"], context);
    }
}
