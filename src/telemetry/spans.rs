//! What a span of ours has in an exported trace: its ids, its parent, its attributes.
//!
//! A span is a `tracing` span, which the log shows too. If nothing is exported, what is here
//! costs the load of one flag.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicBool, Ordering},
};

use tracing::Span;

use crate::trace::{SpanId, TraceId};

static EXPORTED: AtomicBool = AtomicBool::new(false);

/// Whether spans of this process go to a collector.
pub(crate) fn exported() -> bool {
    EXPORTED.load(Ordering::Relaxed)
}

#[cfg(feature = "otlp")]
pub(super) fn are_exported() {
    EXPORTED.store(true, Ordering::Relaxed);
}

/// A span that another one came from, wherever that is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parent {
    pub(crate) trace: u128,
    pub(crate) span: SpanId,
    pub(crate) sampled: bool,
}

impl Parent {
    /// A span of that trace. Where nobody has said whether the trace is kept, our own rule says.
    pub(crate) fn of(trace: &TraceId, span: SpanId, sampled: Option<bool>) -> Self {
        let trace = trace.number();
        Self {
            trace,
            span,
            sampled: sampled.unwrap_or_else(|| is_sampled(trace)),
        }
    }
}

#[cfg(feature = "otlp")]
fn is_sampled(trace: u128) -> bool {
    super::sampling::keeps(trace)
}

#[cfg(not(feature = "otlp"))]
const fn is_sampled(_: u128) -> bool {
    false
}

/// Begins a span in the exported trace, under the ids that the log and the headers of outgoing
/// calls have. Its parent is the `tracing` span around it, unless another is named.
#[cfg(feature = "otlp")]
pub(crate) fn begin(span: &Span, trace: &TraceId, id: SpanId, parent: Option<Parent>) {
    use opentelemetry::{
        Context,
        trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
    };
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    if !exported() || span.is_disabled() {
        return;
    }
    if let Some(parent) = parent {
        let flags = TraceFlags::default().with_sampled(parent.sampled);
        let context = SpanContext::new(
            parent.trace.into(),
            parent.span.number().into(),
            flags,
            true,
            TraceState::default(),
        );
        // It fails where the program's own subscriber exports nothing.
        let _ = span.set_parent(Context::new().with_remote_span_context(context));
    }
    super::ids::under(trace.number(), id, || {
        // To ask for the context is to begin the span.
        let _ = span.context();
    });
}

#[cfg(not(feature = "otlp"))]
pub(crate) const fn begin(_: &Span, _: &TraceId, _: SpanId, _: Option<Parent>) {}

/// The span around the caller, as it is exported.
#[cfg(feature = "otlp")]
pub(crate) fn current_span() -> Option<Parent> {
    use opentelemetry::trace::TraceContextExt;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    if !exported() {
        return None;
    }
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| Parent {
        trace: u128::from_be_bytes(span.trace_id().to_bytes()),
        span: SpanId::of_bytes(span.span_id().to_bytes()),
        sampled: span.is_sampled(),
    })
}

#[cfg(not(feature = "otlp"))]
pub(crate) const fn current_span() -> Option<Parent> {
    None
}

/// Says something of a span that only the exported one has.
pub(crate) trait Attributes {
    fn text(&self, key: &'static str, value: impl Into<Cow<'static, str>>);
    fn number(&self, key: &'static str, value: i64);
    /// It failed, in a word of few.
    fn failed(&self, why: impl Into<Cow<'static, str>>);
}

#[cfg(feature = "otlp")]
impl Attributes for Span {
    fn text(&self, key: &'static str, value: impl Into<Cow<'static, str>>) {
        tracing_opentelemetry::OpenTelemetrySpanExt::set_attribute(self, key, value.into());
    }

    fn number(&self, key: &'static str, value: i64) {
        tracing_opentelemetry::OpenTelemetrySpanExt::set_attribute(self, key, value);
    }

    fn failed(&self, why: impl Into<Cow<'static, str>>) {
        let status = opentelemetry::trace::Status::error("");
        tracing_opentelemetry::OpenTelemetrySpanExt::set_status(self, status);
        self.text("error.type", why);
    }
}

#[cfg(not(feature = "otlp"))]
impl Attributes for Span {
    fn text(&self, _: &'static str, _: impl Into<Cow<'static, str>>) {}
    fn number(&self, _: &'static str, _: i64) {}
    fn failed(&self, _: impl Into<Cow<'static, str>>) {}
}
