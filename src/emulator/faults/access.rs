//! Faults of the APIs: they strike calls with a good token.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::{Fault, Faults};
use crate::emulator::{access::Refusal, storage};

/// The note beside a call that was turned away on demand.
const ON_DEMAND: &str = "A fault that is switched on.";

/// Which fault turned a call away, for the journal.
#[derive(Debug, Clone, Copy)]
pub(in crate::emulator) struct Struck(pub(in crate::emulator) Fault);

impl Faults {
    /// How long a call is kept waiting, where its API is slow on demand.
    pub(in crate::emulator) fn delay(&self, path: &str) -> Option<(Fault, Duration)> {
        let slow = self.take(|fault| slowness(fault, path).is_some())?;
        Some((slow, slowness(&slow, path)?))
    }

    /// Turns away a call of a product.
    pub(in crate::emulator) fn refuse_product(&self, path: &str) -> Option<Response> {
        path.strip_prefix("/ex/")?;
        let fault = self.take(|fault| product_refusal(fault, path).is_some())?;
        product_refusal(&fault, path).map(|response| marked(fault, response))
    }

    /// Turns away an exchange.
    pub(in crate::emulator) fn refuse_exchange(&self) -> Option<Response> {
        let fault = self.take(|fault| *fault == Fault::GatewayDown)?;
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let refusal = Refusal::gateway(status, "Internal Server Error").because(ON_DEMAND);
        Some(marked(fault, refusal.into_response()))
    }

    /// Turns away an operation of Forge storage: with that refusal, which is storage's own.
    pub(in crate::emulator) fn refuse_storage(
        &self,
        refusal: impl FnOnce() -> Refusal,
    ) -> Option<Response> {
        let fault = self.take(|fault| *fault == Fault::StorageRateLimited)?;
        let response = refusal().because(ON_DEMAND).into_response();
        Some(marked(fault, response))
    }
}

fn marked(fault: Fault, mut response: Response) -> Response {
    response.extensions_mut().insert(Struck(fault));
    response
}

fn slowness(fault: &Fault, path: &str) -> Option<Duration> {
    match fault {
        Fault::ProductSlow(by) if path.starts_with("/ex/") => Some(*by),
        Fault::StorageSlow(by) if path.starts_with(storage::BASE) => Some(*by),
        _ => None,
    }
}

fn product_refusal(fault: &Fault, path: &str) -> Option<Response> {
    let (status, message) = match fault {
        Fault::ProductRateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
        Fault::ProductUnauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        Fault::ProductFails(status) => (*status, status.canonical_reason().unwrap_or("Error")),
        _ => return None,
    };
    let refusal = Refusal::gateway(status, message).because(ON_DEMAND);
    let mut response = refusal.into_response();
    if let Fault::ProductRateLimited(wait) = fault {
        let reason = if path.starts_with("/ex/jira/") {
            "jira-burst-based"
        } else {
            "confluence-burst-based"
        };
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        headers.insert("ratelimit-reason", HeaderValue::from_static(reason));
    }
    Some(response)
}
