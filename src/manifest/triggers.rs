//! The modules that the platform fires by itself, each with the endpoint behind it.

use std::time::Duration;

use super::{
    TokenSwitches,
    document::{Document, Module},
};

/// Where an invocation without a user goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) key: String,
    /// `route.path`.
    pub(crate) path: String,
    pub(crate) auth: TokenSwitches,
}

/// Everything of this kind in the manifest, in its order.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    pub(crate) events: Vec<EventTrigger>,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) pre_uninstalls: Vec<PreUninstall>,
    pub(crate) migrations: Vec<Migration>,
}

/// `trigger`: some events and who gets them.
#[derive(Debug)]
pub(crate) struct EventTrigger {
    pub(crate) key: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) subscriptions: Vec<Subscription>,
}

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) event_type: String,
    /// Whether what the app caused itself is kept from it.
    pub(crate) ignores_self: bool,
}

/// `scheduledTrigger`
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) key: String,
    pub(crate) interval: Interval,
    pub(crate) endpoint: Endpoint,
}

/// `preUninstall`
#[derive(Debug)]
pub(crate) struct PreUninstall {
    pub(crate) key: String,
    pub(crate) endpoint: Endpoint,
}

/// `migration:dataResidency`
#[derive(Debug, Clone)]
pub(crate) struct Migration {
    pub(crate) key: String,
    /// The hooks' names are put behind it; empty or without a slash at its end.
    pub(crate) path: String,
    /// How long the remote may copy.
    pub(crate) window: Duration,
}

/// How often a schedule is due (Forge scheduled trigger: `interval`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interval {
    FiveMinutes,
    Hour,
    Day,
    Week,
}

impl Interval {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "fiveMinute" => Some(Self::FiveMinutes),
            "hour" => Some(Self::Hour),
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            _ => None,
        }
    }

    pub(crate) const fn length(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::from_mins(5),
            Self::Hour => Duration::from_hours(1),
            Self::Day => Duration::from_hours(24),
            Self::Week => Duration::from_hours(7 * 24),
        }
    }

    /// In words, for people.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::FiveMinutes => "every five minutes",
            Self::Hour => "every hour",
            Self::Day => "every day",
            Self::Week => "every week",
        }
    }
}

impl Triggers {
    /// Of a document without problems; what a function handles is left out.
    pub(super) fn of(document: &Document) -> Self {
        let with_endpoint = |kind| {
            let entries = document.entries(kind).iter();
            entries.filter_map(|entry| Some((entry, endpoint(document, entry)?)))
        };
        Self {
            events: with_endpoint("trigger")
                .map(|(entry, endpoint)| EventTrigger {
                    key: entry.key.clone(),
                    endpoint,
                    subscriptions: subscriptions(entry),
                })
                .collect(),
            schedules: with_endpoint("scheduledTrigger")
                .filter_map(|(entry, endpoint)| {
                    Some(Schedule {
                        key: entry.key.clone(),
                        interval: entry.interval.as_deref().and_then(Interval::of)?,
                        endpoint,
                    })
                })
                .collect(),
            pre_uninstalls: with_endpoint("preUninstall")
                .map(|(entry, endpoint)| PreUninstall {
                    key: entry.key.clone(),
                    endpoint,
                })
                .collect(),
            migrations: migrations(document),
        }
    }

    /// Whether the platform never calls the remote by itself.
    pub(super) const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.schedules.is_empty()
    }

    pub(crate) fn schedule(&self, key: &str) -> Option<&Schedule> {
        self.schedules.iter().find(|schedule| schedule.key == key)
    }
}

fn endpoint(document: &Document, entry: &Module) -> Option<Endpoint> {
    let endpoint = document.endpoint(entry.endpoint.as_deref()?)?;
    Some(Endpoint {
        key: endpoint.key.clone(),
        path: endpoint.route_path()?.to_owned(),
        auth: endpoint.auth.switches(),
    })
}

fn subscriptions(entry: &Module) -> Vec<Subscription> {
    let events = entry.events.iter();
    events
        .map(|event| Subscription {
            event_type: event.event_type().to_owned(),
            ignores_self: entry.filter.ignore_self || event.ignores_self(),
        })
        .collect()
}

fn migrations(document: &Document) -> Vec<Migration> {
    // Prose and schema disagree about the window that is not declared (1.5 h, 24 h): the shorter is safe.
    const WINDOW_HOURS: f64 = 1.5;
    let entries = document.entries("migration:dataResidency").iter();
    entries
        .map(|entry| {
            let path = entry.path.as_deref().unwrap_or_default();
            let hours = entry.max_migration_duration_hours.unwrap_or(WINDOW_HOURS);
            Migration {
                key: entry.key.clone(),
                path: path.trim_end_matches('/').to_owned(),
                window: Duration::from_hours(1).mul_f64(hours.clamp(0.5, 24.0)),
            }
        })
        .collect()
}
