//! No installation holds all places: one whose products hang would hold them for minutes,
//! and the others would wait for it whatever turns they take.

use std::collections::HashMap;

use crate::{ids::InstallationId, store::jobs::Run};

/// A quarter of the places, at least one, is left to other installations.
const LEFT_TO_OTHERS: usize = 4;

/// Who holds which place.
pub(super) struct Shares {
    /// What one installation may hold.
    most: usize,
    runs: HashMap<Run, InstallationId>,
}

impl Shares {
    pub(super) fn new(workers: usize) -> Self {
        let left = workers.div_ceil(LEFT_TO_OTHERS);
        Self {
            // A single place is for everybody.
            most: workers.saturating_sub(left).max(1),
            runs: HashMap::new(),
        }
    }

    pub(super) fn take(&mut self, run: Run, installation: InstallationId) {
        self.runs.insert(run, installation);
    }

    pub(super) fn release(&mut self, run: Run) {
        self.runs.remove(&run);
    }

    /// What one more claim may bring of each installation, and those that get none.
    pub(super) fn terms(&self) -> (usize, Vec<InstallationId>) {
        let mut held: HashMap<InstallationId, usize> = HashMap::new();
        for installation in self.runs.values() {
            *held.entry(*installation).or_default() += 1;
        }
        let full = |count: &usize| *count >= self.most;
        let largest = held.values().filter(|count| !full(count)).max();
        let each = self.most - largest.copied().unwrap_or(0);
        held.retain(|_, count| full(count));
        (each, held.into_keys().collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::jobs::JobId;

    fn installation(n: u128) -> InstallationId {
        Uuid::from_u128(n).into()
    }

    fn shares(workers: usize, held: &[u128]) -> Shares {
        let mut shares = Shares::new(workers);
        for (job, holder) in (0..).zip(held) {
            let job = JobId::from_uuid(Uuid::from_u128(job));
            shares.take(Run { job, attempt: 1 }, installation(*holder));
        }
        shares
    }

    #[test]
    fn a_quarter_of_the_places_is_left_to_others() {
        let most = |workers| shares(workers, &[]).terms().0;
        let wanted = [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (256, 192)];
        for (workers, each) in wanted {
            assert_eq!(most(workers), each, "{workers}");
        }
    }

    #[test]
    fn who_holds_a_full_share_gets_no_more_until_a_run_ends() {
        let mut shares = shares(4, &[1, 1, 1, 2]);
        assert_eq!(shares.terms(), (2, vec![installation(1)]));
        let job = JobId::from_uuid(Uuid::from_u128(0));
        shares.release(Run { job, attempt: 1 });
        assert_eq!(shares.terms(), (1, vec![]));
    }
}
