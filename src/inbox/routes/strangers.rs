//! What comes and has no handler: said once for each name, for whoever forgot one.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// Names that came and have no handler.
#[derive(Default)]
pub(super) struct Strangers(Mutex<HashSet<Box<str>>>);

impl Strangers {
    /// The names are the sender's: no more of them are kept, and said, than this. An app has five
    /// scheduled triggers at most (Forge events: "Scheduled triggers"), and seldom more events.
    const MOST: usize = 32;
    const LONGEST: usize = 255;

    pub(super) fn tick(&self, key: &str) {
        if let Some(key) = self.first(key) {
            tracing::warn!(
                "inbox.schedule" = ?key,
                "a schedule ticks that has no handler: its ticks are dropped. Register it with \
                 `Schedule::on`, or take it out of the manifest"
            );
        }
    }

    /// Not a warning: a trigger may name events that only another release handles.
    pub(super) fn event(&self, event_type: &str) {
        if let Some(event_type) = self.first(event_type) {
            tracing::info!(
                "event.type" = ?event_type,
                "an event comes that has no handler: it is acknowledged and dropped. Register it \
                 with `Events::on`, or take it out of the manifest"
            );
        }
    }

    /// The name, the first time that it comes.
    fn first(&self, name: &str) -> Option<Box<str>> {
        let name: Box<str> = name.chars().take(Self::LONGEST).collect();
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (met.len() < Self::MOST && met.insert(name.clone())).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captured_log::Logs;

    #[test]
    fn each_is_said_once_and_no_more_than_can_be_kept() {
        let logs = Logs::capture();
        let (events, schedules) = (Strangers::default(), Strangers::default());
        for _ in 0..2 {
            events.event("avi:confluence:created:page");
            schedules.tick("nightly");
        }
        assert_eq!(logs.count("INFO", "avi:confluence:created:page"), 1);
        assert_eq!(logs.count("WARN", "nightly"), 1);
        for number in 0..100 {
            events.event(&format!("{number}{}", "x".repeat(10_000)));
        }
        assert_eq!(logs.count("INFO", "has no handler"), Strangers::MOST);
        assert!(logs.text().len() < 64 * 1024);
    }
}
