//! The ids of exported spans are ours: the log and outgoing headers have them too.

use std::cell::Cell;

use opentelemetry::trace::{SpanId as ExportedSpanId, TraceId as ExportedTraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::trace::SpanId;

thread_local! {
    static NEXT: Cell<Option<(u128, SpanId)>> = const { Cell::new(None) };
}

/// Has the span that `begin` begins take these ids. The trace's counts where it has no parent.
pub(super) fn under(trace: u128, span: SpanId, begin: impl FnOnce()) {
    NEXT.set(Some((trace, span)));
    begin();
    NEXT.set(None);
}

/// Random ids, but for spans of ours.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> ExportedTraceId {
        match NEXT.get() {
            Some((trace, _)) if trace != 0 => trace.into(),
            _ => self.0.new_trace_id(),
        }
    }

    fn new_span_id(&self) -> ExportedSpanId {
        match NEXT.get() {
            Some((_, span)) => span.number().into(),
            None => self.0.new_span_id(),
        }
    }
}
