//! Everything that happened in one list, the newest first, and what of it is looked for.

mod asked;

use maud::{Markup, html};

use super::{
    layout::{clock_time, first_name, span, with_names},
    live::{self, Part},
};
use crate::emulator::{
    journal::{Filter, Kind, Outcome, Row, Slice},
    stage::Stage,
};

pub(super) use asked::Asked;

/// Rows of a page.
const MAX_ROWS: usize = 50;
/// Rows beside a page of something else.
const MAX_RECENT: usize = 12;

/// The filters and the list, which stays up to date while the newest are looked at.
pub(super) fn section(stage: &Stage, asked: &Asked) -> Markup {
    let slice = stage.journal.slice(&asked.filter(), MAX_ROWS);
    html! {
        section class="card timeline" aria-labelledby="timeline" {
            div class="heading" {
                h2 id="timeline" { "Timeline" }
                (count(&slice, Part::Standing))
            }
            (asked::form(stage, asked))
            (rows(asked, &slice, Part::Standing))
            @if asked.is_newest() { (live::pulse(&address(asked, slice.version))) }
        }
    }
}

/// What of a page changes with time.
pub(super) fn parts(stage: &Stage, asked: &Asked) -> Markup {
    let slice = stage.journal.slice(&asked.filter(), MAX_ROWS);
    html! {
        (live::pulse(&address(asked, slice.version)))
        (count(&slice, Part::Update))
        (rows(asked, &slice, Part::Update))
    }
}

fn address(asked: &Asked, version: u64) -> String {
    let query = asked.query(&[("since", version)]);
    format!("/live/timeline?{query}")
}

fn count(slice: &Slice, part: Part) -> Markup {
    let (matching, total) = (slice.matching, slice.total);
    html! {
        // Its content alone changes: another element would not be read out.
        p class="quiet" id="count" role="status" hx-swap-oob=[part.swap().map(|_| "innerHTML")] {
            @if matching == total { (total) @if total == 1 { " entry" } @else { " entries" } }
            @else { (matching) " of " (total) " entries" }
        }
    }
}

fn rows(asked: &Asked, slice: &Slice, part: Part) -> Markup {
    html! {
        div id="rows" hx-swap-oob=[part.swap()] {
            @if slice.rows.is_empty() {
                p class="quiet nothing" { (nothing(slice, asked)) }
            } @else {
                (table(&slice.rows))
                (turn(asked, slice))
            }
        }
    }
}

fn nothing(slice: &Slice, asked: &Asked) -> &'static str {
    if slice.total == 0 {
        "Nothing has happened yet: invoke the remote or fire an event."
    } else if slice.matching == 0 {
        "Nothing of what is remembered is like that."
    } else if asked.is_newest() {
        "Nothing is remembered any more."
    } else {
        "Nothing older is remembered."
    }
}

fn table(rows: &[Row]) -> Markup {
    html! {
        table class="rows" {
            caption class="unseen" { "What happened, the newest first" }
            thead {
                tr {
                    th scope="col" { "Outcome" }
                    th scope="col" { "Kind" }
                    th scope="col" { "What" }
                    th scope="col" class="module" { "Module" }
                    th scope="col" { "Who" }
                    th scope="col" class="number" { "Calls" }
                    th scope="col" class="number" { "Took" }
                    th scope="col" class="number" { "At" }
                }
            }
            tbody { @for row in rows { (line(row)) } }
        }
    }
}

fn line(row: &Row) -> Markup {
    html! {
        tr {
            td { (chip(row)) }
            td { span class="kind" { (row.kind.name()) } }
            th scope="row" class="what" {
                a id={ "row-" (row.order) } href=(href(row)) { (with_names(&row.what)) }
                (marks(row))
            }
            td class="module" { code { (row.module) } }
            td class="who" { @if let Some(user) = &row.user { (who(user)) } }
            td class="number" { @if row.kind != Kind::Call { (row.calls) } }
            td class="number" { (took(row)) }
            td class="number" { (short_time(row)) }
        }
    }
}

/// Where the whole of it is shown.
fn href(row: &Row) -> String {
    let folder = match row.kind {
        Kind::Invocation => "invocations",
        Kind::Call => "calls",
        Kind::Event | Kind::Tick | Kind::Lifecycle | Kind::Migration => "events",
    };
    format!("/{folder}/{}", row.id)
}

fn who(user: &str) -> Markup {
    let name = user.strip_prefix("as ").unwrap_or(user);
    html! { span title=(user) { @if name.len() < user.len() { "as " } (first_name(name)) } }
}

/// What makes a row worth a look beside its outcome.
fn marks(row: &Row) -> Markup {
    html! {
        @if row.attempts > 1 { " " span class="mark-word" { (row.attempts) " attempts" } }
        @if row.broken { " " span class="mark-word broken" { "rule broken" } }
        @for fault in &row.faults { " " (fault_mark(&fault.describe())) }
    }
}

/// The name of a fault that was switched on, beside what it struck.
pub(super) fn fault_mark(text: &str) -> Markup {
    html! { span class="fault" title="a fault that was switched on" { (text) } }
}

fn chip(row: &Row) -> Markup {
    html! { span class={ "chip " (class(row.outcome)) } { (row.word) } }
}

const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "good",
        Outcome::Pending => "pending",
        Outcome::Error => "warn",
        Outcome::Failed => "bad",
    }
}

fn took(row: &Row) -> String {
    match row.outcome {
        Outcome::Pending => "…".to_owned(),
        _ => span(row.duration),
    }
}

/// The zone stands in the title: it is the same in every row.
fn short_time(row: &Row) -> Markup {
    let time = clock_time(row.at);
    html! { span title=(time) { (time.trim_end_matches(" UTC")) } }
}

fn turn(asked: &Asked, slice: &Slice) -> Markup {
    let last = slice.rows.last().map_or(0, |row| row.order);
    html! {
        @if slice.more || !asked.is_newest() {
            nav class="turn" aria-label="Parts of the timeline" {
                @if !asked.is_newest() { a href={ (asked.page()) "?" (asked.query(&[])) } { "← Newest" } }
                @if slice.more {
                    a rel="next" href={ (asked.page()) "?" (asked.query(&[("before", last)])) } { "Older →" }
                }
            }
        }
    }
}

/// The newest rows beside a page of one of them.
pub(super) fn recent(stage: &Stage, selected: &str) -> Markup {
    let slice = stage.journal.slice(&Filter::default(), MAX_RECENT);
    html! {
        nav aria-labelledby="history" {
            h2 id="history" { "Recently" }
            ol class="history" {
                @for row in &slice.rows {
                    @let address = href(row);
                    li {
                        a href=(address) aria-current=[(address == selected).then_some("page")] {
                            (chip(row))
                            span class="path" { (with_names(&row.what)) }
                            span class="quiet" {
                                @match &row.user {
                                    Some(user) => (who(user)),
                                    None => (row.kind.name()),
                                }
                                " · " (short_time(row))
                            }
                            span class="time" { (took(row)) }
                        }
                    }
                }
            }
            p { a href="/" { "All of it" } }
        }
    }
}
