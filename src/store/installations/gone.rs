//! Installations that were deleted a moment ago.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use tokio::time::Instant;

use crate::ids::InstallationId;

/// Longer than any request takes that was verified before its installation went.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);
/// Whoever deletes more in a minute loses sight of the earliest.
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct Gone(RwLock<HashMap<InstallationId, Instant>>);

impl Gone {
    pub(super) fn insert(&self, id: InstallationId) {
        // No code that holds the lock leaves the map half changed.
        let mut gone = self.0.write().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|_, at| at.elapsed() < REMEMBERED_FOR);
        if gone.len() >= MOST
            && let Some(earliest) = gone.iter().min_by_key(|(_, at)| **at)
        {
            let earliest = *earliest.0;
            gone.remove(&earliest);
        }
        gone.insert(id, Instant::now());
    }

    pub(super) fn contains(&self, id: InstallationId) -> bool {
        let gone = self.0.read().unwrap_or_else(PoisonError::into_inner);
        gone.get(&id)
            .is_some_and(|at| at.elapsed() < REMEMBERED_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::fixtures::id;

    #[tokio::test(start_paused = true)]
    async fn a_minute_later_it_may_come_back() {
        let gone = Gone::default();
        gone.insert(id(1));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(gone.contains(id(1)));
        assert!(!gone.contains(id(2)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!gone.contains(id(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_the_earliest_is_forgotten() {
        let gone = Gone::default();
        for number in 0..=u128::try_from(MOST).unwrap() {
            gone.insert(id(number));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(!gone.contains(id(0)));
        assert!(gone.contains(id(1)));
        assert_eq!(gone.0.read().unwrap().len(), MOST);
    }
}
