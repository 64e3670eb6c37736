//! The one task that writes what is remembered.

use std::{slice, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};

use super::{
    memory::Memory,
    queue::{Entry, Queue},
};
use crate::{
    error::Error,
    store::{Remembered, Store, StoreError},
};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(super) struct Writer {
    memory: Memory,
    queue: Arc<Queue>,
    store: Arc<dyn Store>,
}

impl Writer {
    pub(super) fn new(memory: &Memory, queue: &Arc<Queue>, store: &Arc<dyn Store>) -> Self {
        Self {
            memory: memory.clone(),
            queue: Arc::clone(queue),
            store: Arc::clone(store),
        }
    }

    /// Writes until the queue is closed. A store that fails is tried again, ever more
    /// rarely, for as long as it takes: what waits is bounded by the queue.
    pub(super) async fn run(self) {
        while self.queue.next().await {
            if let Some(batch) = self.write().await {
                self.complete(&batch).await;
            } else if !self.recover().await {
                return;
            }
        }
    }

    /// Tries again until a batch is written; false if the queue was closed before.
    async fn recover(&self) -> bool {
        for pause in pauses() {
            if self.queue.is_closed() {
                return false;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.queue.hurried() => {}
            }
            if !self.queue.next().await {
                return false;
            }
            if let Some(batch) = self.write().await {
                // At once: whoever waits for the write finds the log complete.
                tracing::info!("the store can be written again");
                self.complete(&batch).await;
                return true;
            }
        }
        true
    }

    /// Writes the batch that the queue has ready; gives it back if that went well.
    async fn write(&self) -> Option<Vec<Entry>> {
        let _turn = self.queue.turn().await;
        let batch = self.queue.batch();
        let records: Vec<_> = batch.iter().map(|it| Arc::clone(&it.record)).collect();
        if let Err(error) = self.save(&records).await {
            self.queue.failed();
            tracing::warn!(
                store.pending = self.queue.len(),
                cause = Error::from(error).causes(),
                "installations cannot be written for now; memory serves them"
            );
            return None;
        }
        self.queue.done();
        Some(batch)
    }

    /// Saves all in one transaction. If one of them can never be written, it is left out:
    /// it must not keep the others waiting for ever.
    async fn save(&self, records: &[Arc<Remembered>]) -> Result<(), StoreError> {
        match self.store.save(records).await {
            Err(StoreError::Damaged(_)) => {}
            outcome => return outcome,
        }
        for record in records {
            match self.store.save(slice::from_ref(record)).await {
                Err(error @ StoreError::Damaged(_)) => tracing::error!(
                    installation = %record.installation.id.uuid(),
                    cause = Error::from(error).causes(),
                    "an installation cannot be written and is kept in memory only"
                ),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Fetches what an earlier process knew of installations that are new to this one: a
    /// site URL that only the UI brings, a token that lives longer.
    async fn complete(&self, batch: &[Entry]) {
        for entry in batch.iter().filter(|entry| entry.first) {
            let forgets = self.memory.forgets();
            // It was made just now.
            let now = entry.record.last_seen;
            match self.store.load(entry.record.installation.id).await {
                Ok(Some(stored)) => drop(self.memory.adopt(stored, forgets, now)),
                Ok(None) | Err(StoreError::Damaged(_)) => {}
                // No harm: the UI's next call brings the site URL again.
                Err(_) => return,
            }
        }
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times()
        .with_jitter()
        .build()
}
