//! What goes wrong around the service, one after the other.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::platform::Platform;

/// A bad day of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Products take 300 ms more.
    SlowProduct,
    /// Products answer 500.
    ProductFails,
    /// Products answer 429 and want a second.
    ProductLimits,
    /// Products refuse good tokens.
    ProductRefuses,
    /// The key set cannot be fetched, and FITs with keys that nobody knows ask for it.
    KeySetDown,
    /// FITs are signed with a new key, which the set has beside the old one.
    KeyRotation,
    /// The gateway answers 500: no exchange.
    GatewayFails,
    /// Forge storage takes 300 ms more.
    SlowStorage,
}

/// The rotation comes long after the outage, in which unknown keys were searched for: the service
/// looks for one every 30 s at most, and refuses its FITs until then.
pub(crate) const ALL: [Fault; 8] = [
    Fault::SlowProduct,
    Fault::KeySetDown,
    Fault::ProductFails,
    Fault::ProductLimits,
    Fault::ProductRefuses,
    Fault::KeyRotation,
    Fault::GatewayFails,
    Fault::SlowStorage,
];

/// All of them come so often: in each part of the time that is compared with another.
const ROUNDS: u32 = 6;
/// A fault lasts a third of its turn, and no longer than this: events are tried again after 2, 8
/// and 32 s, and what fails often waits for minutes.
const LONGEST: Duration = Duration::from_secs(10);

/// How long it is one fault's turn.
pub(crate) fn turn(span: Duration) -> Duration {
    span / ROUNDS / u32::try_from(ALL.len()).unwrap()
}

/// Switches faults on and off again for `span`.
pub(crate) async fn in_turn(platform: Arc<Platform>, span: Duration) {
    let turn = turn(span);
    let lasts = (turn / 3).min(LONGEST);
    let begin = Instant::now();
    for (number, fault) in (0..).zip(ALL.iter().cycle()) {
        let at = begin + turn * number;
        if at + lasts >= begin + span {
            return;
        }
        sleep_until(at + turn.saturating_sub(lasts)).await;
        platform.switch(Some(*fault));
        sleep_until(at + turn).await;
        platform.switch(None);
    }
}
