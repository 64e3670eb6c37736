//! All that is remembered in one list, the newest first, and what of it is looked for.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Entry, Journal, Pages, Stray, deliveries,
    delivery::{DeliveryState, Occasion},
    record::{Call, Identity, Settlement},
};
use crate::{clock::Timestamp, emulator::faults::Fault};

/// What a row tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) enum Kind {
    Invocation,
    Event,
    Tick,
    Lifecycle,
    Migration,
    /// A call of an API that belongs to nothing.
    Call,
}

impl Kind {
    pub(in crate::emulator) const ALL: [Self; 6] = [
        Self::Invocation,
        Self::Event,
        Self::Tick,
        Self::Lifecycle,
        Self::Migration,
        Self::Call,
    ];

    pub(in crate::emulator) const fn name(self) -> &'static str {
        match self {
            Self::Invocation => "invocation",
            Self::Event => "event",
            Self::Tick => "tick",
            Self::Lifecycle => "lifecycle",
            Self::Migration => "migration",
            Self::Call => "call",
        }
    }

    fn of(occasion: &Occasion) -> Self {
        match occasion {
            Occasion::Event(name) if name.starts_with("avi:forge:") => Self::Lifecycle,
            Occasion::Event(_) => Self::Event,
            Occasion::Schedule => Self::Tick,
            Occasion::PreUninstall => Self::Lifecycle,
            Occasion::Migration(_) => Self::Migration,
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) enum Outcome {
    Pending,
    /// The caller got what it wanted; the delivery was taken.
    Good,
    /// The caller was told of an error.
    Error,
    /// The caller was told nothing that the remote said; nothing took the delivery.
    Failed,
}

impl Outcome {
    pub(in crate::emulator) const ALL: [Self; 4] =
        [Self::Good, Self::Error, Self::Failed, Self::Pending];

    pub(in crate::emulator) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Good => "good",
            Self::Error => "error",
            Self::Failed => "failed",
        }
    }
}

/// What is looked for; what is not named may be anything.
#[derive(Debug, Clone, Default)]
pub(in crate::emulator) struct Filter {
    pub(in crate::emulator) installation: Option<String>,
    pub(in crate::emulator) module: Option<String>,
    /// None is any.
    pub(in crate::emulator) kinds: Vec<Kind>,
    pub(in crate::emulator) outcome: Option<Outcome>,
    /// Whether a rule must be broken.
    pub(in crate::emulator) broken: bool,
    /// Only what began before the row of that order.
    pub(in crate::emulator) before: Option<u64>,
}

/// A line of the list.
#[derive(Debug, Clone)]
pub(in crate::emulator) struct Row {
    /// Its place among all, counted from 1.
    pub(in crate::emulator) order: u64,
    pub(in crate::emulator) kind: Kind,
    /// Its number among its like.
    pub(in crate::emulator) id: u64,
    pub(in crate::emulator) at: Timestamp,
    /// Method and path, or the occasion.
    pub(in crate::emulator) what: String,
    pub(in crate::emulator) module: String,
    pub(in crate::emulator) user: Option<String>,
    pub(in crate::emulator) outcome: Outcome,
    /// The outcome in a word: `200`, `reject`, `taken`.
    pub(in crate::emulator) word: String,
    /// Whether the answer breaks a rule.
    pub(in crate::emulator) broken: bool,
    pub(in crate::emulator) duration: Duration,
    pub(in crate::emulator) attempts: usize,
    pub(in crate::emulator) calls: usize,
    /// Those that struck it or a call of it, each once.
    pub(in crate::emulator) faults: Vec<Fault>,
}

/// A part of the list.
#[derive(Debug)]
pub(in crate::emulator) struct Slice {
    pub(in crate::emulator) rows: Vec<Row>,
    /// How many there are that match, `before` left aside.
    pub(in crate::emulator) matching: usize,
    pub(in crate::emulator) total: usize,
    /// Whether older ones match too.
    pub(in crate::emulator) more: bool,
    /// The journal's version that this is.
    pub(in crate::emulator) version: u64,
}

impl Journal {
    /// The first `limit` rows that match.
    pub(in crate::emulator) fn slice(&self, filter: &Filter, limit: usize) -> Slice {
        let pages = self.pages();
        let mut all: Vec<_> = pages.all().collect();
        let total = all.len();
        all.retain(|any| any.matches(filter));
        let matching = all.len();
        all.retain(|any| filter.before.is_none_or(|before| any.order() < before));
        all.sort_unstable_by_key(|any| std::cmp::Reverse(any.order()));
        Slice {
            more: all.len() > limit,
            rows: all.into_iter().take(limit).map(Any::row).collect(),
            matching,
            total,
            version: pages.version,
        }
    }

    /// The installations and the modules that something is remembered of.
    pub(in crate::emulator) fn choices(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let pages = self.pages();
        let installations = pages.all().filter_map(Any::installation).collect();
        let modules = pages.all().map(|any| any.module().to_owned());
        let modules = modules.filter(|module| !module.is_empty()).collect();
        (installations, modules)
    }
}

impl Pages {
    fn all(&self) -> impl Iterator<Item = Any<'_>> {
        let invocations = self.entries.iter().map(Any::Invocation);
        let deliveries = self.deliveries.iter().map(Any::Delivery);
        let strays = self.strays.iter().map(Any::Stray);
        invocations.chain(deliveries).chain(strays)
    }
}

/// Whatever stands in the list.
#[derive(Debug, Clone, Copy)]
enum Any<'a> {
    Invocation(&'a Entry),
    Delivery(&'a deliveries::Entry),
    Stray(&'a Stray),
}

impl Any<'_> {
    const fn order(self) -> u64 {
        match self {
            Self::Invocation(entry) => entry.order,
            Self::Delivery(entry) => entry.order,
            Self::Stray(stray) => stray.order,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Invocation(_) => Kind::Invocation,
            Self::Delivery(entry) => Kind::of(&entry.delivery.occasion),
            Self::Stray(_) => Kind::Call,
        }
    }

    fn module(&self) -> &str {
        match self {
            Self::Invocation(entry) => &entry.invocation.module_key,
            Self::Delivery(entry) => &entry.delivery.module_key,
            Self::Stray(_) => "",
        }
    }

    fn installation(self) -> Option<String> {
        match self {
            Self::Invocation(entry) => entry.invocation.claims["app"]["installationId"]
                .as_str()
                .map(str::to_owned),
            Self::Delivery(entry) => Some(entry.delivery.installation.to_string()),
            Self::Stray(stray) => stray.call.installation.map(|id| id.to_string()),
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Invocation(entry) => match &entry.invocation.settlement {
                Settlement::Pending => Outcome::Pending,
                Settlement::Resolved { status } if *status < 400 => Outcome::Good,
                Settlement::Resolved { .. } => Outcome::Error,
                Settlement::Rejected { .. } => Outcome::Failed,
            },
            Self::Delivery(entry) => match entry.delivery.state {
                DeliveryState::Waiting | DeliveryState::UnderWay => Outcome::Pending,
                DeliveryState::Delivered => Outcome::Good,
                DeliveryState::Dropped | DeliveryState::Abandoned => Outcome::Failed,
            },
            Self::Stray(stray) => match stray.call.status.as_u16() {
                0..400 => Outcome::Good,
                400..500 => Outcome::Error,
                _ => Outcome::Failed,
            },
        }
    }

    fn broken(self) -> bool {
        match self {
            Self::Invocation(entry) => entry.invocation.verdict.iter().any(|it| !it.passed),
            Self::Delivery(entry) => {
                let mut attempts = entry.delivery.attempts.iter();
                attempts.any(|attempt| attempt.verdict.iter().any(|it| !it.passed))
            }
            Self::Stray(_) => false,
        }
    }

    fn calls(&self) -> &[Call] {
        match self {
            Self::Invocation(entry) => &entry.invocation.calls,
            Self::Delivery(entry) => &entry.delivery.calls,
            Self::Stray(stray) => std::slice::from_ref(&stray.call),
        }
    }

    fn matches(&self, filter: &Filter) -> bool {
        (filter.kinds.is_empty() || filter.kinds.contains(&self.kind()))
            && filter.outcome.is_none_or(|it| it == self.outcome())
            && (!filter.broken || self.broken())
            && (filter.module.as_deref()).is_none_or(|module| module == self.module())
            && (filter.installation.as_deref())
                .is_none_or(|id| self.installation().as_deref() == Some(id))
    }

    fn faults(&self) -> Vec<Fault> {
        let mut all: Vec<Fault> = match self {
            Self::Invocation(entry) => entry.invocation.faults.clone(),
            Self::Delivery(entry) => {
                let attempts = entry.delivery.attempts.iter();
                let sent = attempts.flat_map(|attempt| &attempt.faults);
                entry.delivery.faults.iter().chain(sent).copied().collect()
            }
            Self::Stray(_) => Vec::new(),
        };
        all.extend(self.calls().iter().flat_map(|call| &call.faults));
        let mut each: Vec<Fault> = Vec::new();
        for fault in all {
            if !each.contains(&fault) {
                each.push(fault);
            }
        }
        each
    }

    fn row(self) -> Row {
        let (id, at, duration) = match self {
            Self::Invocation(entry) => {
                let invocation = &entry.invocation;
                (invocation.id, invocation.at, invocation.duration)
            }
            Self::Delivery(entry) => {
                let delivery = &entry.delivery;
                let last = delivery.attempts.last();
                let duration = last.map(|last| last.started + last.duration);
                (delivery.id, delivery.at, duration.unwrap_or_default())
            }
            Self::Stray(stray) => (stray.id, stray.call.at, stray.call.duration),
        };
        Row {
            order: self.order(),
            kind: self.kind(),
            id,
            at,
            what: self.what(),
            module: self.module().to_owned(),
            user: self.user(),
            outcome: self.outcome(),
            word: self.word(),
            broken: self.broken(),
            duration,
            attempts: match self {
                Self::Delivery(entry) => entry.delivery.attempts.len(),
                _ => 1,
            },
            calls: self.calls().len(),
            faults: self.faults(),
        }
    }

    fn what(self) -> String {
        match self {
            Self::Invocation(entry) => {
                let request = &entry.invocation.request;
                let path = request.url.path();
                let query = request.url.query().map(|query| format!("?{query}"));
                format!("{} {path}{}", request.method, query.unwrap_or_default())
            }
            Self::Delivery(entry) => entry.delivery.occasion.to_string(),
            Self::Stray(stray) => format!("{} {}", stray.call.method, stray.call.path),
        }
    }

    fn user(self) -> Option<String> {
        match self {
            Self::Invocation(entry) => Some(entry.invocation.user.to_owned()),
            Self::Delivery(_) => None,
            Self::Stray(stray) => match &stray.call.identity {
                Identity::App => Some("app".to_owned()),
                Identity::User { name, .. } => Some(name.clone()),
                Identity::Impersonated { name, .. } => Some(format!("as {name}")),
                Identity::Nobody => Some("nobody".to_owned()),
            },
        }
    }

    fn word(self) -> String {
        match self {
            Self::Invocation(entry) => match &entry.invocation.settlement {
                Settlement::Pending => "…".to_owned(),
                Settlement::Resolved { status } => status.to_string(),
                Settlement::Rejected { .. } => "reject".to_owned(),
            },
            Self::Delivery(entry) => match entry.delivery.state {
                DeliveryState::Waiting => "waits",
                DeliveryState::UnderWay => "…",
                DeliveryState::Delivered => "taken",
                DeliveryState::Dropped => "dropped",
                DeliveryState::Abandoned => "ended",
            }
            .to_owned(),
            Self::Stray(stray) => stray.call.status.as_u16().to_string(),
        }
    }
}
