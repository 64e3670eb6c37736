//! How many invocations users may make in a minute.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    conformance::answer::{Finding, Severity},
    emulator::meter::Meter,
};

/// Forge changelog, January 2026: 1,200 in a fixed window of a minute. It does not say
/// whose; here they are the installation's.
const WINDOW: Duration = Duration::from_mins(1);

/// So many invocations in a minute.
#[derive(Debug)]
pub(in crate::emulator) struct Rate {
    per_minute: usize,
    meter: Mutex<Meter>,
}

impl Rate {
    pub(in crate::emulator) fn of(per_minute: u32) -> Self {
        Self {
            per_minute: usize::try_from(per_minute).unwrap_or(usize::MAX),
            meter: Mutex::new(Meter::new(WINDOW)),
        }
    }

    /// Whether one more may pass now.
    pub(super) fn admits(&self) -> bool {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.admit(1, self.per_minute)
    }
}

pub(super) fn too_many_invocations() -> Finding {
    Finding {
        rule: "invocation-rate",
        sentence:
            "More invocations in a minute than the platform takes from users: it was never sent."
                .into(),
        passed: false,
        severity: Severity::Must,
        mend: "Ask less often: fetch lists whole, keep what does not change, and poll seldom.",
    }
}
