//! One line when the store begins to fail, and one when it has come back.

use std::sync::{Mutex, PoisonError};

use crate::{error::Error, store::StoreError};

/// What a dispatcher asks of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Turn,
    Sweep,
    Renew,
    Prune,
    Count,
}

/// Which operations fail at present.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Vec<Operation>>);

impl Outage {
    /// Takes note of how an operation went, and passes on what it brought.
    pub(super) fn note<T>(
        &self,
        operation: Operation,
        outcome: Result<T, StoreError>,
    ) -> Option<T> {
        match outcome {
            Ok(brought) => {
                self.ended(operation);
                Some(brought)
            }
            Err(error) => {
                self.began(operation, error);
                None
            }
        }
    }

    fn began(&self, operation: Operation, error: StoreError) {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.is_empty() {
            tracing::warn!(
                "store.operation" = ?operation,
                cause = Error::from(error).causes(),
                "the inbox cannot use the store for now; jobs wait"
            );
        }
        if !failing.contains(&operation) {
            failing.push(operation);
        }
    }

    /// The operation does not fail any more, or is not needed.
    pub(super) fn ended(&self, operation: Operation) {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = failing.len();
        failing.retain(|it| *it != operation);
        if before > 0 && failing.is_empty() {
            tracing::info!("the inbox can use the store again");
        }
    }
}
