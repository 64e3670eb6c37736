//! Who is who: installation and account come from the FIT, and from nothing else.

mod background;
mod said;
mod tenants;
mod users;

use crate::conformance::rule::{Group, Play, Rule, Severity, Turn};

/// The tables of this group.
pub(super) static TABLES: [&[Rule]; 4] =
    [said::RULES, background::RULES, tenants::RULES, users::RULES];

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
        group: Group::Identity,
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
