//! What is seen of a call from outside: one span, one line, three metrics.

use std::time::Duration;

use metrics::{counter, histogram};
use tokio::time::Instant;
use tracing::{Span, debug, debug_span, field::Empty};

use super::{Call, Identity, ProductError, Response, repeats::Reason};

/// One call, from its beginning to its end. A call that its caller drops is counted too.
pub(super) struct Observation {
    product: &'static str,
    identity: &'static str,
    span: Span,
    began: Instant,
    tries: u32,
    class: &'static str,
}

impl Observation {
    pub(super) fn begin(call: &Call, identity: Identity) -> Self {
        let (product, identity) = (call.api.as_str(), identity.as_str());
        let span = debug_span!(
            "product.call",
            product,
            http.method = %call.method,
            http.route = &*call.route,
            identity,
            http.status = Empty,
            attempt = Empty,
            upstream.trace_id = Empty,
        );
        Self {
            product,
            identity,
            span,
            began: Instant::now(),
            tries: 0,
            class: "cancelled",
        }
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) const fn one_try(&mut self) {
        self.tries += 1;
    }

    pub(super) fn repeat(&self, reason: Reason) {
        let labels = [("product", self.product), ("reason", reason.as_str())];
        counter!("forge_product_retries_total", &labels).increment(1);
    }

    pub(super) fn end(mut self, result: &Result<Response, ProductError>) {
        let (class, status, trace_id) = match result {
            Ok(answer) => ("2xx", Some(answer.status), answer.trace_id.as_deref()),
            Err(error) => (error.class(), error.status(), error.upstream_trace_id()),
        };
        self.class = class;
        if let Some(status) = status {
            self.span.record("http.status", status.as_u16());
        }
        if let Some(trace_id) = trace_id {
            self.span.record("upstream.trace_id", trace_id);
        }
    }

    fn took(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let took = self.took();
        self.span.record("attempt", self.tries);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        debug!(parent: &self.span, class = self.class, duration_ms, "product called");
        let labels = [
            ("product", self.product),
            ("class", self.class),
            ("identity", self.identity),
        ];
        counter!("forge_product_requests_total", &labels).increment(1);
        histogram!("forge_product_seconds", "product" => self.product).record(took.as_secs_f64());
    }
}
