//! What the platform sends by itself: acknowledged in time, handled once.

mod acknowledged;
mod handled;
mod once;

use crate::conformance::{
    check::{Door, Run},
    rule::{Group, Miss, Play, Rule, Severity, Turn},
};

/// The tables of this group.
pub(super) static TABLES: [&[Rule]; 3] = [acknowledged::RULES, handled::RULES, once::RULES];

/// A rule of this group that must hold.
const fn must(
    id: &'static str,
    sentence: &'static str,
    source: &'static str,
    mend: &'static str,
    play: Play,
) -> Rule {
    Rule {
        id,
        group: Group::Events,
        severity: Severity::Must,
        sentence,
        source,
        mend,
        turn: Turn::Beside,
        play,
    }
}

/// A rule of this group that should hold.
const fn should(
    id: &'static str,
    sentence: &'static str,
    source: &'static str,
    mend: &'static str,
    play: Play,
) -> Rule {
    let mut rule = must(id, sentence, source, mend, play);
    rule.severity = Severity::Should;
    rule
}

/// By itself: it is a load, or measures time.
const fn alone(mut rule: Rule) -> Rule {
    rule.turn = Turn::Alone;
    rule
}

/// The doors of events, at least one.
fn events(run: &Run) -> Result<Vec<&Door>, Miss> {
    some(
        run.event_doors(),
        "the manifest has no trigger with an endpoint",
    )
}

/// The doors of schedules, at least one.
fn schedules(run: &Run) -> Result<Vec<&Door>, Miss> {
    some(
        run.schedule_doors(),
        "the manifest has no scheduled trigger with an endpoint",
    )
}

fn some<'a>(doors: Vec<&'a Door>, why: &str) -> Result<Vec<&'a Door>, Miss> {
    if doors.is_empty() {
        return Err(Miss::not_exercised(why));
    }
    Ok(doors)
}
