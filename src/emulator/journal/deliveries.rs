//! The pages of the journal that tell of what the platform fired by itself.

use tokio::time::Instant;

use super::{
    Journal, Owner, Pages,
    delivery::{Attempt, Delivery, DeliveryState},
};

/// Deliveries that are remembered; the oldest that is settled goes first.
pub(in crate::emulator) const MAX_DELIVERIES: usize = 500;
/// As much of an attempt's own body as is kept.
pub(in crate::emulator) const MAX_REQUEST_BODY: usize = 16 * 1024;
/// As much of an answer's body as is kept: the platform ignores it.
const MAX_ANSWER_BODY: usize = 8 * 1024;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) order: u64,
    /// The last change of it.
    pub(super) version: u64,
    /// When the first attempt was sent.
    pub(super) started: Instant,
    pub(super) delivery: Delivery,
}

/// Every delivery that is remembered is still to be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) struct Full;

impl Journal {
    /// Opens an entry and gives it its id.
    pub(in crate::emulator) fn open(&self, mut delivery: Delivery) -> Result<u64, Full> {
        self.write(|pages| {
            if pages.deliveries.len() >= MAX_DELIVERIES {
                let settled = |entry: &Entry| entry.delivery.state.is_settled();
                let oldest = pages.deliveries.iter().position(settled).ok_or(Full)?;
                pages.deliveries.remove(oldest);
            }
            pages.last_delivery += 1;
            delivery.id = pages.last_delivery;
            let id = delivery.id;
            let (order, version) = (pages.next_order(), pages.version);
            pages.deliveries.push_back(Entry {
                order,
                version,
                started: Instant::now(),
                delivery,
            });
            Ok(id)
        })
    }

    /// Writes down that an attempt begins, and which tokens it hands out.
    pub(in crate::emulator) fn attempt(
        &self,
        id: u64,
        mut attempt: Attempt,
        token_ids: Vec<String>,
    ) {
        cut(&mut attempt.request.body, MAX_REQUEST_BODY);
        self.write(|pages| {
            for token in token_ids {
                pages.use_token(token, Owner::Delivery(id));
            }
            if let Some(entry) = pages.changing(id) {
                let now = Instant::now();
                if entry.delivery.attempts.is_empty() {
                    entry.started = now;
                }
                attempt.started = now.saturating_duration_since(entry.started);
                entry.delivery.state = DeliveryState::UnderWay;
                entry.delivery.attempts.push(attempt);
            }
        });
    }

    /// Writes the end of the attempt that is under way, and how far the delivery is now.
    pub(in crate::emulator) fn attempted(
        &self,
        id: u64,
        state: DeliveryState,
        write: impl FnOnce(&mut Attempt),
    ) {
        self.write(|pages| {
            let Some(entry) = pages.changing(id) else {
                return;
            };
            if let Some(attempt) = entry.delivery.attempts.last_mut() {
                write(attempt);
                if let Some(answer) = &mut attempt.answer {
                    let end = answer.body.len().min(MAX_ANSWER_BODY);
                    answer.body.truncate(answer.body.floor_char_boundary(end));
                }
            }
            entry.delivery.state = state;
        });
    }

    /// Closes a delivery that ends between two attempts.
    pub(in crate::emulator) fn abandon(&self, id: u64) {
        self.write(|pages| {
            let entry = pages.changing(id);
            if let Some(entry) = entry.filter(|entry| !entry.delivery.state.is_settled()) {
                entry.delivery.state = DeliveryState::Abandoned;
            }
        });
    }

    pub(in crate::emulator) fn delivery(&self, id: u64) -> Option<Delivery> {
        let mut pages = self.pages();
        pages.delivery(id).map(|entry| entry.delivery.clone())
    }

    /// The last change of a delivery, as [`Journal::version`] counts.
    pub(in crate::emulator) fn last_change_of_delivery(&self, id: u64) -> Option<u64> {
        self.pages().delivery(id).map(|entry| entry.version)
    }

    /// Waits until nothing more is sent; none if it is not remembered any more.
    pub(in crate::emulator) async fn settled(&self, id: u64) -> Option<Delivery> {
        self.until(id, |delivery| delivery.state.is_settled()).await
    }

    /// Waits for the end of the first attempt; none if it is not remembered any more.
    pub(in crate::emulator) async fn first_attempt(&self, id: u64) -> Option<Delivery> {
        let ended = |delivery: &Delivery| {
            let first = delivery.attempts.first();
            delivery.state.is_settled() || first.is_some_and(|first| !first.verdict.is_empty())
        };
        self.until(id, ended).await
    }

    async fn until(&self, id: u64, reached: impl Fn(&Delivery) -> bool) -> Option<Delivery> {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            let delivery = self.delivery(id)?;
            if reached(&delivery) {
                return Some(delivery);
            }
            changes.changed().await.ok()?;
        }
    }

    /// All that are remembered, the newest first.
    pub(in crate::emulator) fn deliveries(&self) -> Vec<Delivery> {
        let pages = self.pages();
        let newest = pages.deliveries.iter().rev();
        newest.map(|entry| entry.delivery.clone()).collect()
    }
}

impl Pages {
    pub(super) fn delivery(&mut self, id: u64) -> Option<&mut Entry> {
        let newest = self.deliveries.iter_mut().rev();
        newest.into_iter().find(|entry| entry.delivery.id == id)
    }

    /// A delivery that is about to change.
    fn changing(&mut self, id: u64) -> Option<&mut Entry> {
        let version = self.version;
        let entry = self.delivery(id)?;
        entry.version = version;
        Some(entry)
    }

    pub(super) fn delivery_of_trace(&self, trace: &str) -> Option<u64> {
        let newest = self.deliveries.iter().rev();
        newest
            .map(|entry| &entry.delivery)
            .find(|delivery| {
                let mut attempts = delivery.attempts.iter();
                attempts.any(|attempt| attempt.trace_id.as_str() == trace)
            })
            .map(|delivery| delivery.id)
    }
}

fn cut(text: &mut Option<String>, at: usize) {
    if let Some(text) = text {
        text.truncate(text.floor_char_boundary(at));
    }
}
