//! The one task that writes what has gathered, in one commit.

use std::{slice, sync::Arc};

use metrics::Counter;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{IntakeError, Waiting};
use crate::store::{
    StoreError,
    jobs::{Added, Jobs, NewJob},
};

/// One commit's worth.
const BATCH: usize = 256;

type Answer = oneshot::Sender<Result<Added, IntakeError>>;

pub(super) struct Writer {
    jobs: Arc<dyn Jobs>,
    /// Somebody may work on what was written.
    wake: Arc<Notify>,
    accepted: Counter,
    duplicates: Counter,
}

impl Writer {
    pub(super) fn new(jobs: Arc<dyn Jobs>, wake: Arc<Notify>) -> Self {
        Self {
            jobs,
            wake,
            accepted: metrics::counter!("forge_inbox_accepted_total"),
            duplicates: metrics::counter!("forge_inbox_duplicates_total"),
        }
    }

    /// Writes until nobody can hand in anything any more. While one commit is on its way,
    /// the next one's jobs gather.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Waiting>) {
        let mut waiting = Vec::with_capacity(BATCH);
        while queue.recv_many(&mut waiting, BATCH).await > 0 {
            // Whoever has gone was told nothing, and the platform sends the event again.
            waiting.retain(|waiting| !waiting.answer.is_closed());
            if waiting.is_empty() {
                continue;
            }
            let mut rooms = Vec::with_capacity(waiting.len());
            let (jobs, answers): (Vec<_>, Vec<_>) = waiting
                .drain(..)
                .map(|Waiting { job, answer, room }| {
                    rooms.push(room);
                    (job, answer)
                })
                .unzip();
            self.write(&jobs, answers).await;
        }
    }

    async fn write(&self, jobs: &[NewJob], answers: Vec<Answer>) {
        match self.jobs.add(jobs).await {
            Ok(added) => self.tell(answers, added),
            // One of them can never be written: the others must not go down with it.
            Err(StoreError::Damaged(_)) if jobs.len() > 1 => self.write_each(jobs, answers).await,
            Err(error) => refuse(answers, error),
        }
    }

    async fn write_each(&self, jobs: &[NewJob], answers: Vec<Answer>) {
        let mut each = jobs.iter().zip(answers);
        while let Some((job, answer)) = each.next() {
            match self.jobs.add(slice::from_ref(job)).await {
                Ok(added) => self.tell([answer], added),
                Err(error @ StoreError::Damaged(_)) => refuse([answer], error),
                // It would keep each of the others waiting as well.
                Err(error) => {
                    let rest = each.map(|(_, answer)| answer);
                    return refuse([answer].into_iter().chain(rest), error);
                }
            }
        }
    }

    fn tell(&self, answers: impl IntoIterator<Item = Answer>, added: Vec<Added>) {
        let (mut accepted, mut duplicates) = (0, 0);
        for (answer, added) in answers.into_iter().zip(added) {
            if added.duplicate {
                duplicates += 1;
            } else {
                accepted += 1;
            }
            // Who has gone meanwhile will send it again: a duplicate then.
            let _ = answer.send(Ok(added));
        }
        self.accepted.increment(accepted);
        self.duplicates.increment(duplicates);
        if accepted > 0 {
            self.wake.notify_one();
        }
    }
}

fn refuse(answers: impl IntoIterator<Item = Answer>, error: StoreError) {
    let error = Arc::new(error);
    for answer in answers {
        let _ = answer.send(Err(IntakeError::Store(Arc::clone(&error))));
    }
}
