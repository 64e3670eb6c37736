//! What the platform sends by itself: acknowledged in time, handled once.

mod acknowledged;
mod handled;
mod once;

use crate::conformance::{
    check::{Door, Run},
    rule::{Group, Miss, Rule},
};

const GROUP: Group = Group::Events;

/// The tables of this group.
pub(super) static TABLES: [&[Rule]; 3] = [acknowledged::RULES, handled::RULES, once::RULES];

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
