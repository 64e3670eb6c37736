//! All that is remembered in one list, the newest first, and what of it is looked for.

mod any;

use std::{collections::BTreeSet, time::Duration};

use super::{Journal, Pages, delivery::Occasion};
use crate::{clock::Timestamp, emulator::faults::Fault};
use any::Any;

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
