//! What came back, by kind and fault.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::Value;

use crate::{faults::Fault, mix::Kind};

/// How many answers there were, by what was asked, what was wrong around the service, and the
/// status: 0 where there was no answer.
type Answers = BTreeMap<(Kind, Option<Fault>, u16), u64>;

/// How many refusals there were while nothing was wrong, by what was asked and their code.
type Refusals = BTreeMap<(Kind, String), u64>;

/// What came back.
#[derive(Default)]
pub(crate) struct Counts {
    answers: Mutex<Answers>,
    refusals: Mutex<Refusals>,
    /// Of calls of pages that ask nobody, while nothing was wrong, in microseconds.
    micros: Mutex<Vec<u32>>,
    pub(crate) late: AtomicU64,
    /// Requests without an answer while the service was down.
    pub(crate) while_down: AtomicU64,
}

impl Counts {
    pub(crate) fn add(&self, kind: Kind, fault: Option<Fault>, status: u16) {
        let mut answers = self.answers.lock().unwrap();
        *answers.entry((kind, fault, status)).or_default() += 1;
    }

    pub(crate) fn refused(&self, kind: Kind, body: &[u8]) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let code = body["error"]["code"].as_str().unwrap_or("no code");
        let mut refusals = self.refusals.lock().unwrap();
        *refusals.entry((kind, code.to_owned())).or_default() += 1;
    }

    pub(crate) fn took(&self, span: Duration) {
        let micros = u32::try_from(span.as_micros()).unwrap_or(u32::MAX);
        self.micros.lock().unwrap().push(micros);
    }

    pub(crate) fn forget(&self) {
        self.answers.lock().unwrap().clear();
        self.refusals.lock().unwrap().clear();
        self.micros.lock().unwrap().clear();
        self.late.store(0, Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.answers.lock().unwrap().values().sum()
    }

    pub(crate) fn answers(&self) -> Answers {
        self.answers.lock().unwrap().clone()
    }

    pub(crate) fn refusals(&self) -> Refusals {
        self.refusals.lock().unwrap().clone()
    }

    /// The time within which that part of the calls was answered, in milliseconds.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    pub(crate) fn millis(&self, part: f64) -> f64 {
        let mut micros = self.micros.lock().unwrap().clone();
        micros.sort_unstable();
        let at = (micros.len() as f64 * part) as usize;
        micros.get(at).map_or(0.0, |it| f64::from(*it) / 1000.0)
    }
}
