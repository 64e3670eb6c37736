//! Which traces are kept: as whoever began them says, else a share of them.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

/// Of an id the last 56 bits are random (W3C trace context): those before them need not be, and
/// are not where it is made from a UUID.
const IDS: u64 = 1 << 56;

/// The share, from none to all of [`IDS`].
static KEPT: AtomicU64 = AtomicU64::new(IDS);

/// Keeps that share of traces from now on: `telemetry.sample_ratio`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "from 0 to 1 times 2^56"
)]
pub(super) fn keep(ratio: f64) {
    let share = ratio.clamp(0.0, 1.0) * IDS as f64;
    KEPT.store(share as u64, Ordering::Relaxed);
}

/// Whether a trace is kept that nobody has decided on. The id decides, so all replicas say the
/// same of it.
pub(super) fn keeps(trace: u128) -> bool {
    let last = trace & u128::from(IDS - 1);
    last >= u128::from(IDS - KEPT.load(Ordering::Relaxed))
}

/// A span is kept if its parent is, and else if its trace is.
#[derive(Debug, Clone)]
pub(super) struct Sampling;

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span().span_context().clone());
        let kept = match parent.filter(SpanContext::is_valid) {
            Some(parent) => parent.is_sampled(),
            None => keeps(u128::from_be_bytes(trace.to_bytes())),
        };
        SamplingResult {
            decision: if kept {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_the_ratio() {
        // One test for all: the share is the process's.
        for (ratio, least, most) in [(0.0, 0, 0), (0.25, 150, 350), (1.0, 1000, 1000)] {
            keep(ratio);
            let ids = (0..1000).map(|_| uuid::Uuid::new_v4().as_u128());
            let kept = ids.filter(|id| keeps(*id)).count();
            assert!((least..=most).contains(&kept), "{ratio}: {kept}");
        }
        keep(7.0);
        assert!(keeps(u128::MAX) && keeps(0));
    }
}
