//! What is looked for, as it stands in an address, and the form that makes such addresses.

use maud::{Markup, html};
use serde::Deserialize;

use crate::emulator::{
    journal::{Filter, Kind, Outcome},
    stage::Stage,
};

/// Everything but invocations and calls.
const FIRED: &str = "fired";
const BROKEN: &str = "broken";

/// The filters; an empty one lets everything through, as one does that is no such thing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::emulator::console) struct Asked {
    installation: String,
    module: String,
    kind: String,
    outcome: String,
    /// A number of a row: only older ones are shown.
    before: String,
}

impl Asked {
    /// What the platform fires by itself.
    pub(in crate::emulator::console) fn fired(self) -> Self {
        if self.kind.is_empty() {
            Self {
                kind: FIRED.to_owned(),
                ..self
            }
        } else {
            self
        }
    }

    pub(in crate::emulator::console) fn filter(&self) -> Filter {
        let chosen = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let outcome = Outcome::ALL.into_iter();
        Filter {
            installation: chosen(&self.installation),
            module: chosen(&self.module),
            kinds: self.kinds(),
            outcome: outcome.clone().find(|it| it.name() == self.outcome),
            broken: self.outcome == BROKEN,
            before: self.before.parse().ok(),
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        let named = |kind: &Kind| match self.kind.as_str() {
            FIRED => !matches!(kind, Kind::Invocation | Kind::Call),
            name => kind.name() == name,
        };
        Kind::ALL.into_iter().filter(named).collect()
    }

    /// Whether the list begins with the newest, so that it changes.
    pub(super) fn is_newest(&self) -> bool {
        self.before.parse::<u64>().is_err()
    }

    /// The page that has these filters.
    pub(super) fn page(&self) -> &'static str {
        if self.kind == FIRED { "/events" } else { "/" }
    }

    /// As the query of an address, without `before`, with more behind it.
    pub(super) fn query(&self, more: &[(&str, u64)]) -> String {
        let own = [
            ("installation", &self.installation),
            ("module", &self.module),
            ("kind", &self.kind),
            ("outcome", &self.outcome),
        ];
        let own = own.into_iter().filter(|(_, value)| !value.is_empty());
        let own = own.map(|(name, value)| (name, value.clone()));
        let more = more.iter().map(|(name, value)| (*name, value.to_string()));
        let pairs: Vec<_> = own.chain(more).collect();
        serde_urlencoded::to_string(pairs).unwrap_or_default()
    }

    fn is_anything(&self) -> bool {
        [&self.installation, &self.module, &self.kind, &self.outcome]
            .iter()
            .any(|it| !it.is_empty())
    }
}

/// A form whose address can be shared.
pub(super) fn form(stage: &Stage, asked: &Asked) -> Markup {
    let (mut installations, mut modules) = stage.journal.choices();
    installations.insert(stage.installed.last().id.to_string());
    modules.extend(stage.manifest.modules.iter().map(|it| it.key.clone()));
    for (chosen, choices) in [
        (&asked.installation, &mut installations),
        (&asked.module, &mut modules),
    ] {
        if !chosen.is_empty() {
            choices.insert(chosen.clone());
        }
    }
    let kinds = Kind::ALL.into_iter().map(Kind::name).chain([FIRED]);
    let outcomes = Outcome::ALL.into_iter().map(Outcome::name).chain([BROKEN]);
    let current = stage.installed.current().map(|it| it.id.to_string());
    html! {
        form class="filters" method="get" action="/" role="search" aria-label="Filter the timeline" {
            label { span { "Kind" } select name="kind" {
                option value="" { "any kind" }
                @for kind in kinds {
                    option value=(kind) selected[asked.kind == kind] { (kind_words(kind)) }
                }
            } }
            label { span { "Outcome" } select name="outcome" {
                option value="" { "any outcome" }
                @for outcome in outcomes {
                    option value=(outcome) selected[asked.outcome == outcome] { (outcome_words(outcome)) }
                }
            } }
            label { span { "Module" } select name="module" {
                option value="" { "any module" }
                @for module in &modules { option selected[asked.module == *module] { (module) } }
            } }
            label { span { "Installation" } select name="installation" {
                option value="" { "any installation" }
                @for id in &installations {
                    option value=(id) selected[asked.installation == *id] {
                        (short(id)) @if current.as_ref() == Some(id) { " (now)" }
                    }
                }
            } }
            button type="submit" { "Show" }
            @if asked.is_anything() { a href="/" { "All" } }
        }
    }
}

fn kind_words(kind: &str) -> &str {
    match kind {
        "invocation" => "invocations",
        "event" => "events",
        "tick" => "ticks of schedules",
        "lifecycle" => "the app's life",
        "migration" => "migrations",
        "call" => "calls outside of any",
        _ => "what the platform fires",
    }
}

fn outcome_words(outcome: &str) -> &str {
    match outcome {
        "good" => "good",
        "error" => "told of an error",
        "failed" => "rejected or dropped",
        "pending" => "under way",
        _ => "a rule broken",
    }
}

/// The end of an identifier tells it from others: `…5f20d8b9c647`.
fn short(id: &str) -> String {
    let end = id.rsplit(['/', '-']).next().unwrap_or(id);
    format!("…{end}")
}
