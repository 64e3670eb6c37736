//! One tree with times: what the platform sent, its attempts, and the calls that the remote made.

mod axis;

use std::time::Duration;

use http::StatusCode;
use maud::{Markup, html};

use super::{
    calls, delivery,
    layout::{outcome, prose, span, with_names},
    path::path_of,
    timeline::fault_mark,
};
use crate::emulator::{
    faults::Fault,
    journal::{Attempt, Call, Delivery, Invocation, Settlement},
};
use axis::{Axis, WIDTH};

/// The narrowest bar that can be seen.
const NARROWEST: f64 = 0.8;

/// A line of the tree.
struct Branch {
    depth: usize,
    badge: Option<Markup>,
    what: Markup,
    chip: Option<Markup>,
    class: &'static str,
    began: Duration,
    /// None while it is under way.
    took: Option<Duration>,
    note: Option<String>,
    faults: Vec<Fault>,
}

impl Branch {
    fn of_call(depth: usize, call: &Call) -> Self {
        Self {
            depth,
            badge: Some(calls::badge(&call.identity)),
            what: calls::what(call),
            chip: Some(status_chip(call.status)),
            class: calls::class(&call.identity),
            began: call.started,
            took: Some(call.duration),
            note: call.note.clone(),
            faults: call.faults.clone(),
        }
    }

    /// What stands over the calls of a job.
    fn of_job(depth: usize, calls: &[&Call]) -> Option<Self> {
        let began = calls.iter().map(|call| call.started).min()?;
        let end = calls
            .iter()
            .map(|call| call.started + call.duration)
            .max()?;
        Some(Self {
            depth,
            badge: None,
            what: html! { "The remote's work after its answer" },
            chip: None,
            class: "job",
            began,
            took: Some(end.saturating_sub(began)),
            note: None,
            faults: Vec::new(),
        })
    }

    fn end(&self) -> Duration {
        self.began + self.took.unwrap_or_default()
    }
}

/// The tree of an invocation: its request, and the calls in it and after it.
pub(super) fn of_invocation(invocation: &Invocation) -> Markup {
    let pending = invocation.settlement == Settlement::Pending;
    let request = &invocation.request;
    let root = Branch {
        depth: 0,
        badge: Some(html! { span class="badge forge" { "Forge" } }),
        what: html! { code { (request.method) " " (with_names(&path_of(&request.url))) } },
        chip: Some(outcome(invocation)),
        class: "forge",
        began: Duration::ZERO,
        took: (!pending).then_some(invocation.duration),
        note: None,
        faults: invocation.faults.clone(),
    };
    let end = if pending {
        Duration::MAX
    } else {
        invocation.duration
    };
    let (within, after): (Vec<_>, Vec<_>) = invocation
        .calls
        .iter()
        .partition(|call| call.started <= end);
    let mut branches = vec![root];
    branches.extend(within.iter().map(|call| Branch::of_call(1, call)));
    branches.extend(Branch::of_job(0, &after));
    branches.extend(after.iter().map(|call| Branch::of_call(1, call)));
    table(&branches)
}

/// The tree of a delivery: its attempts, the calls in each, and the job behind them.
pub(super) fn of_delivery(delivery: &Delivery) -> Markup {
    let mut branches = Vec::new();
    let mut rest: Vec<&Call> = delivery.calls.iter().collect();
    for (at, attempt) in delivery.attempts.iter().enumerate() {
        branches.push(of_attempt(attempt, at + 1));
        let end = if is_under_way(attempt) {
            Duration::MAX
        } else {
            attempt.started + attempt.duration
        };
        let (within, others): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|call| (attempt.started..=end).contains(&call.started));
        branches.extend(within.iter().map(|call| Branch::of_call(1, call)));
        rest = others;
    }
    branches.extend(Branch::of_job(0, &rest));
    branches.extend(rest.iter().map(|call| Branch::of_call(1, call)));
    table(&branches)
}

fn of_attempt(attempt: &Attempt, number: usize) -> Branch {
    let request = &attempt.request;
    Branch {
        depth: 0,
        badge: Some(html! { span class="badge forge" { "Forge" } }),
        what: html! {
            "Attempt " (number) " " code { (request.method) " " (path_of(&request.url)) }
        },
        chip: Some(delivery::outcome(attempt)),
        class: "forge",
        began: attempt.started,
        took: (!is_under_way(attempt)).then_some(attempt.duration),
        note: None,
        faults: attempt.faults.clone(),
    }
}

fn is_under_way(attempt: &Attempt) -> bool {
    attempt.verdict.is_empty()
}

/// The tree of a call that belongs to nothing: the call alone.
pub(super) fn of_call(call: &Call) -> Markup {
    table(&[Branch::of_call(0, call)])
}

fn table(branches: &[Branch]) -> Markup {
    let work = branches.iter().filter(|branch| branch.class != "job");
    let axis = Axis::of(work.map(|branch| (branch.began, branch.end())));
    html! {
        table class="trace" {
            thead {
                tr {
                    th scope="col" { "Who" }
                    th scope="col" { "What" }
                    th scope="col" { "Status" }
                    th scope="col" class="bars" { "When" }
                    th scope="col" class="number" { "Began" }
                    th scope="col" class="number" { "Took" }
                }
            }
            tbody { @for branch in branches { (line(branch, &axis)) } }
        }
    }
}

fn line(branch: &Branch, axis: &Axis) -> Markup {
    html! {
        tr class={ "depth-" (branch.depth) } {
            td class="speaker" { @if let Some(badge) = &branch.badge { (badge) } }
            th scope="row" class="what" {
                (branch.what)
                @for fault in &branch.faults { " " (fault_mark(&fault.describe())) }
                @if let Some(note) = &branch.note { p class="note" { (prose(note)) } }
            }
            td { @if let Some(chip) = &branch.chip { (chip) } }
            td class="bars" { (bar(branch, axis)) }
            td class="number" { (offset(branch.began)) }
            td class="number" { @match branch.took { Some(took) => (span(took)), None => "…" } }
        }
    }
}

/// How long after the beginning: `0`, `+3 ms`.
fn offset(began: Duration) -> String {
    if began.is_zero() {
        "0".to_owned()
    } else {
        format!("+{}", span(began))
    }
}

fn status_chip(status: StatusCode) -> Markup {
    let class = match status.as_u16() {
        0..400 => "good",
        400..500 => "warn",
        _ => "bad",
    };
    html! { span class={ "chip " (class) } { (status.as_u16()) } }
}

/// Attributes instead of a style: the page's policy allows no inline styles.
fn bar(branch: &Branch, axis: &Axis) -> Markup {
    let x = axis.at(branch.began).min(WIDTH - NARROWEST);
    let end = branch.took.map_or(WIDTH, |_| axis.at(branch.end()));
    let width = (end - x).max(NARROWEST).min(WIDTH - x);
    let took = branch.took.map_or_else(
        || "is under way".to_owned(),
        |took| format!("took {}", span(took)),
    );
    let label = format!("began at {}, {took}", offset(branch.began));
    html! {
        svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label=(label) {
            rect class="track" x="0" y="4.5" width="100" height="1" {}
            rect class=(branch.class) x=(format!("{x:.2}")) y="1" width=(format!("{width:.2}")) height="8" {}
        }
    }
}
