//! What the platform wants of a request, for the log and for what is counted.

use crate::fit::Claims;

/// What the platform wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page of the app calls, through the bridge or straight from the browser.
    Ui,
    /// A function of the app calls: there is neither a user nor a page.
    Function,
    Event,
    Lifecycle,
    Schedule,
    Uninstall,
    Migration,
}

impl Kind {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::Migration as usize + 1;

    /// Of a verified request, by the route that it took.
    pub(super) fn of(route: &str, claims: &Claims) -> Self {
        match route.strip_prefix("/forge/") {
            Some("events") => Self::Event,
            Some("lifecycle") => Self::Lifecycle,
            Some("uninstall") => Self::Uninstall,
            Some(rest) if rest.starts_with("scheduled") => Self::Schedule,
            Some(rest) if rest.starts_with("migration/") => Self::Migration,
            _ if claims.may_come_from_browser() => Self::Ui,
            _ => Self::Function,
        }
    }

    /// As the log and a metric's label write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ui => "ui",
            Self::Function => "function",
            Self::Event => "event",
            Self::Lifecycle => "lifecycle",
            Self::Schedule => "schedule",
            Self::Uninstall => "uninstall",
            Self::Migration => "migration",
        }
    }
}
