//! What is done now and then: deleting what has lived long enough, counting what there is.

use std::{convert::Infallible, time::Duration};

use metrics::{Gauge, gauge};
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
    let gauges = Gauges::new();
    loop {
        if let Some(counts) = outage.note(Operation::Count, jobs.counts().await) {
            gauges.show(counts);
        }
        let pruned = outage.note(Operation::Prune, jobs.prune().await);
        let there_is_more = pruned.is_some_and(|pruned| pruned >= A_LOT);
        sleep(if there_is_more { SOON } else { EVERY }).await;
    }
}

/// The states that are counted, in the order of [`of_states`].
const STATES: [&str; 5] = ["ready", "delayed", "parked", "running", "dead"];

const fn of_states(counts: &Counts) -> [u64; 5] {
    [
        counts.ready,
        counts.delayed,
        counts.parked,
        counts.running,
        counts.dead,
    ]
}

struct Gauges {
    jobs: [Gauge; STATES.len()],
    oldest: Gauge,
}

impl Gauges {
    fn new() -> Self {
        Self {
            jobs: STATES.map(|state| gauge!("forge_inbox_jobs", "state" => state)),
            oldest: gauge!("forge_inbox_oldest_seconds"),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge of jobs need not be exact beyond 2^52 of them"
    )]
    fn show(&self, counts: Counts) {
        for (gauge, number) in self.jobs.iter().zip(of_states(&counts)) {
            gauge.set(number as f64);
        }
        let oldest = counts.oldest.unwrap_or_default();
        self.oldest.set(oldest.as_secs_f64());
    }
}
