//! What one call adds: its jobs may be duplicates of each other.

use std::collections::HashMap;

use super::{Added, JobId, NewJob, Order};

#[derive(Default)]
pub(in crate::store) struct Batch {
    ids: HashMap<JobId, JobId>,
    digests: HashMap<[u8; 32], JobId>,
    orders: HashMap<Order, JobId>,
}

impl Batch {
    /// Takes a job in, of which the store holds `held`.
    pub(in crate::store) fn add(&mut self, job: &NewJob, held: Option<JobId>) -> Added {
        let within = job.unless_within.is_some_and(|span| !span.is_zero());
        let alike = self.digests.get(&job.digest).filter(|_| within);
        let waiting = job
            .order
            .filter(|_| job.coalesces)
            .and_then(|order| self.orders.get(&order));
        let same = self.ids.get(&job.id);
        if let Some(id) = held.or(same.or(alike).or(waiting).copied()) {
            return Added {
                id,
                duplicate: true,
            };
        }
        self.ids.insert(job.id, job.id);
        self.digests.entry(job.digest).or_insert(job.id);
        if let Some(order) = job.order {
            self.orders.entry(order).or_insert(job.id);
        }
        Added {
            id: job.id,
            duplicate: false,
        }
    }

    /// The orders of the jobs that were taken in and are no duplicates.
    pub(in crate::store) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.keys()
    }
}
