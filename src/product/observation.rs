//! What is seen of a call from outside: one line and three metrics. Each try has a span.

use http::StatusCode;
use tokio::time::Instant;
use tracing::{Level, debug, enabled};

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
    began: Instant,
    tries: u32,
    class: Class,
    status: Option<StatusCode>,
    /// For the line, if it is written.
    upstream_trace: Option<Box<str>>,
}

impl<'a> Observation<'a> {
    pub(super) fn begin(meter: &'a Meter, call: &'a Call, identity: Identity) -> Self {
        Self {
            meter,
            call,
            identity,
            began: Instant::now(),
            tries: 0,
            class: Class::Cancelled,
            status: None,
            upstream_trace: None,
        }
    }

    /// Which one it is, from 1.
    pub(super) const fn one_try(&mut self) -> u32 {
        self.tries += 1;
        self.tries
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
        self.status = status;
        if enabled!(Level::DEBUG) {
            self.upstream_trace = trace_id.map(Into::into);
        }
    }
}

impl Drop for Observation<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        debug!(
            product = self.call.api.as_str(),
            identity = self.identity.as_str(),
            outcome = self.class.as_str(),
            status = self.status.map(|status| status.as_u16()),
            tries = self.tries,
            upstream_trace_id = self.upstream_trace.as_deref(),
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "{} {} called",
            self.call.method,
            self.call.route
        );
        self.meter
            .called(self.call.api, self.identity, self.class, took.as_secs_f64());
    }
}
