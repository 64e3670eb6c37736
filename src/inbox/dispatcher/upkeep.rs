//! What is done now and then: deleting what has lived long enough, counting what there is.

use std::{convert::Infallible, time::Duration};

use metrics::gauge;
use tokio::time::sleep;

use super::outage::{Operation, Outage};
use crate::store::jobs::{Counts, Jobs};

const EVERY: Duration = Duration::from_secs(15);

/// Where so much was deleted at once there is more, and it need not wait.
const A_LOT: u64 = 500;
const SOON: Duration = Duration::from_secs(1);

/// Counts and prunes as long as it is polled: `forge_inbox_jobs` by state, and
/// `forge_inbox_oldest_seconds`, the age of the oldest job that has not ended.
pub(super) async fn go_on(jobs: &dyn Jobs, outage: &Outage) -> Infallible {
    loop {
        if let Some(counts) = outage.note(Operation::Count, jobs.counts().await) {
            show(counts);
        }
        let pruned = outage.note(Operation::Prune, jobs.prune().await);
        let there_is_more = pruned.is_some_and(|pruned| pruned >= A_LOT);
        sleep(if there_is_more { SOON } else { EVERY }).await;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge of jobs need not be exact beyond 2^52 of them"
)]
fn show(counts: Counts) {
    for (state, number) in [
        ("ready", counts.ready),
        ("delayed", counts.delayed),
        ("parked", counts.parked),
        ("running", counts.running),
        ("dead", counts.dead),
    ] {
        gauge!("forge_inbox_jobs", "state" => state).set(number as f64);
    }
    let oldest = counts.oldest.unwrap_or_default();
    gauge!("forge_inbox_oldest_seconds").set(oldest.as_secs_f64());
}
