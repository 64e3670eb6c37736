//! What is seen of a call from outside: one span, one line, three metrics.

use tokio::time::Instant;
use tracing::{Span, debug, debug_span, field::Empty};

use super::{
    Call, Identity, ProductError, Response,
    meter::{Class, Meter},
    repeats::Reason,
};

/// One call, from its beginning to its end. A call that its caller drops is counted too.
pub(super) struct Observation<'a> {
    meter: &'a Meter,
    call: &'a Call,
    identity: Identity,
    span: Span,
    began: Instant,
    tries: u32,
    class: Class,
}

impl<'a> Observation<'a> {
    pub(super) fn begin(meter: &'a Meter, call: &'a Call, identity: Identity) -> Self {
        let span = debug_span!(
            "product.call",
            product = call.api.as_str(),
            http.method = %call.method,
            http.route = &*call.route,
            identity = identity.as_str(),
            http.status = Empty,
            attempt = Empty,
            upstream.trace_id = Empty,
        );
        Self {
            meter,
            call,
            identity,
            span,
            began: Instant::now(),
            tries: 0,
            class: Class::Cancelled,
        }
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) const fn one_try(&mut self) {
        self.tries += 1;
    }

    pub(super) fn repeat(&self, reason: Reason) {
        self.meter.repeated(self.call.api, reason);
    }

    pub(super) fn end(mut self, result: &Result<Response, ProductError>) {
        let (class, status, trace_id) = match result {
            Ok(answer) => (Class::Success, Some(answer.status), answer.trace_id()),
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
}

impl Drop for Observation<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.span.record("attempt", self.tries);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        debug!(parent: &self.span, class = self.class.as_str(), duration_ms, "product called");
        self.meter
            .called(self.call.api, self.identity, self.class, took.as_secs_f64());
    }
}
