//! The spans of a job: when it is put into the store, and each attempt at it.
//!
//! The store keeps the trace of a job and no span. The span that put it there has an id that
//! follows from the job's, so an attempt knows its parent, in whatever process it runs.

use tracing::{Span, field::Empty};

use crate::{
    store::jobs::{Claimed, JobKind, NewJob},
    telemetry::{self, Attributes, Parent},
    trace::SpanId,
};

const SYSTEM: &str = "forge_remote";

const fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Event => "event",
        JobKind::Tick => "schedule",
    }
}

/// The span that puts a job into the store. Nobody logs at its level: without an exporter it is
/// no span at all.
pub(super) fn of_keeping(job: &NewJob) -> Span {
    let id = SpanId::of_job(job.id.uuid());
    let span = tracing::debug_span!(
        "keep",
        trace_id = &*job.trace.padded(),
        span_id = id.hex().as_str(),
        otel.kind = Empty,
        otel.name = Empty,
    );
    if telemetry::exported() && !span.is_disabled() {
        let name = format!("send {}", job.name);
        tracing::record_all!(span, otel.kind = "producer", otel.name = name.as_str());
        telemetry::begin(&span, &job.trace, id, None);
        span.text("forge.kind", kind(job.kind));
        message(&span, "send", &job.name, job.id.uuid().to_string());
    }
    span
}

/// The span of an attempt. At the highest level: whatever is logged, a line says which job it
/// is about.
pub(super) fn of_attempt(claimed: &Claimed) -> Span {
    let id = SpanId::random();
    let job = claimed.run.job.uuid();
    let span = tracing::error_span!(
        "job",
        trace_id = &*claimed.trace.padded(),
        span_id = id.hex().as_str(),
        forge.kind = kind(claimed.kind),
        forge.installation = %claimed.installation.uuid(),
        forge.job.id = %job,
        forge.job.name = &*claimed.name,
        forge.job.attempt = claimed.run.attempt,
        otel.kind = Empty,
        otel.name = Empty,
    );
    if telemetry::exported() {
        let name = format!("process {}", claimed.name);
        tracing::record_all!(span, otel.kind = "consumer", otel.name = name.as_str());
        let parent = Parent::of(&claimed.trace, SpanId::of_job(job), None);
        telemetry::begin(&span, &claimed.trace, id, Some(parent));
        message(&span, "process", &claimed.name, job.to_string());
    }
    span
}

/// Says how the current attempt ended.
pub(super) fn ended(outcome: &'static str, failed: bool) {
    if telemetry::exported() {
        let span = Span::current();
        span.text("forge.job.outcome", outcome);
        if failed {
            span.failed(outcome);
        }
    }
}

/// As OpenTelemetry's conventions for messages have it.
fn message(span: &Span, operation: &'static str, name: &str, id: String) {
    span.text("messaging.system", SYSTEM);
    span.text("messaging.operation.name", operation);
    span.text("messaging.operation.type", operation);
    span.text("messaging.destination.name", name.to_owned());
    span.text("messaging.message.id", id);
}
