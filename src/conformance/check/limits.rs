//! How long things may take.

use std::time::Duration;

/// The platform's limits, and the checker's own patience. The tests of the checker play them
/// in a fraction of the time; a verdict about a remote needs them as they are.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// How long a page's call waits for its answer: 25 s (Forge: UI invocation).
    pub ui: Duration,
    /// How long the platform waits for an event or a tick to be acknowledged: 5 s.
    pub event: Duration,
    /// How long a remote may go without asking for keys that it does not know: 45 s, which is
    /// half more than the 30 s that remotes are advised to let pass between two fetches.
    pub new_key: Duration,
    /// How long the key set hangs before it fails, when it is made to: 6 s.
    pub key_hang: Duration,
    /// How long what was acknowledged may take to be handled, as far as that can be seen: 15 s.
    pub handled: Duration,
    /// How long the remote may take to answer again after a restart: 30 s.
    pub restart: Duration,
    /// How long a client that is slow may be waited for: 65 s.
    pub slow: Duration,
    /// How long after a restart what was acknowledged before it may take to be handled:
    /// 70 s, for a queue may have given it to the one that was killed for a minute.
    pub recovered: Duration,
    /// How long nothing must happen before nothing more is expected: 1.5 s.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ui: Duration::from_secs(25),
            event: Duration::from_secs(5),
            new_key: Duration::from_secs(45),
            key_hang: Duration::from_secs(6),
            handled: Duration::from_secs(15),
            restart: Duration::from_secs(30),
            slow: Duration::from_secs(65),
            recovered: Duration::from_secs(70),
            silence: Duration::from_millis(1500),
        }
    }
}
