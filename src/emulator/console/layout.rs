//! The frame of every page: form and history on the left, the subject on the right.

use std::time::Duration;

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::{ask, form, live::Part, timeline};
use crate::{
    clock::Timestamp,
    emulator::{
        faults::Times,
        journal::{Invocation, Settlement},
        stage::Stage,
        world,
    },
};

/// htmx evaluates no code, loads nothing from elsewhere, and writes no styles into the page.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyEnabled":false}"#;

/// Which of the console's pages is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Timeline,
    Events,
    Storage,
    Faults,
    Site,
    Remote,
}

/// What stands in the three places of a page.
pub(super) struct Places<'a> {
    /// The forms.
    pub(super) ask: &'a Markup,
    pub(super) subject: &'a Markup,
    /// What was before.
    pub(super) past: &'a Markup,
}

/// A page with the form that invokes the remote, and what was invoked.
pub(super) fn page(
    stage: &Stage,
    tab: Tab,
    selected: Option<u64>,
    filled: &form::Filled,
    subject: &Markup,
) -> Html<String> {
    let title = selected.map_or_else(String::new, |id| format!("#{id} · "));
    let past = html! {
        @if let Some(id) = selected { (timeline::recent(stage, &format!("/invocations/{id}"))) }
    };
    let places = Places {
        ask: &ask::invoke(stage, filled),
        subject,
        past: &past,
    };
    frame(stage, tab, &title, &places)
}

/// A page without a form of its own.
pub(super) fn plain(stage: &Stage, tab: Tab, title: &str, subject: &Markup) -> Html<String> {
    let filled = form::Filled::first(stage);
    let places = Places {
        ask: &ask::invoke(stage, &filled),
        subject,
        past: &html! {},
    };
    frame(stage, tab, title, &places)
}

/// Any page.
pub(super) fn frame(stage: &Stage, tab: Tab, title: &str, places: &Places<'_>) -> Html<String> {
    let current = |here| (tab == here).then_some("page");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) (stage.title) " console" }
                link rel="icon" href="/icon.svg";
                link rel="stylesheet" href="/console.css";
                meta name="htmx-config" content=(HTMX);
                script src="/htmx.js" defer {}
                script src="/console.js" defer {}
            }
            body {
                header {
                    a class="brand" href="/" { img src="/icon.svg" alt="" width="24" height="24"; (stage.title) }
                    nav class="tabs" aria-label="Pages" {
                        a href="/" aria-current=[current(Tab::Timeline)] { "Timeline" }
                        a href="/events" aria-current=[current(Tab::Events)] { "Events" }
                        a href="/storage" aria-current=[current(Tab::Storage)] { "Storage" }
                        a href="/host" { "Pages" }
                        a href="/faults" aria-current=[current(Tab::Faults)] { "Faults" }
                        a href="/remote" aria-current=[current(Tab::Remote)] { "Remote" }
                        a href="/site" aria-current=[current(Tab::Site)] { "Site" }
                    }
                    span class="wheres" {
                        span class="where" { "invokes " code { (stage.remote.load()) } }
                        span class="where" { "app " code { (stage.manifest.app_id.uuid()) } }
                    }
                }
                (banner(stage, Part::Standing))
                p class="gone" role="alert" { "The emulator does not answer: what is shown may be old." }
                div class="columns" {
                    (places.ask)
                    main { (places.subject) }
                    (places.past)
                }
            }
        }
    };
    Html(page.into_string())
}

/// The faults that are on, on every page.
pub(super) fn banner(stage: &Stage, part: Part) -> Markup {
    let faults = stage.faults.all();
    let rotated = stage.mint.key_set().keys.len() > 1;
    let on = rotated || !faults.is_empty();
    html! {
        aside id="banner" class=[on.then_some("on")] aria-label="Faults that are on"
            hx-swap-oob=[part.swap()] {
            @if on {
                @if faults.is_empty() { strong { "Keys are rotating" } } @else { strong { "Faults are on" } }
                ul {
                    @if rotated {
                        li {
                            (timeline::fault_mark("signing key: rotated"))
                            span class="quiet" { " the old one is " a href="/faults" { "still in the key set" } }
                        }
                    }
                    @for (fault, times) in &faults {
                        li {
                            (timeline::fault_mark(&fault.describe()))
                            span class="quiet" {
                                @match times {
                                    Times::Next(1) => " the next time",
                                    Times::Next(count) => { " the next " (count) " times" }
                                    Times::Always => " until switched off",
                                }
                            }
                        }
                    }
                }
                @if !faults.is_empty() {
                    form method="post" action="/faults/off" {
                        button name="fault" value="all" { "Switch all off" }
                    }
                }
            }
        }
    }
}

/// A short message in place of a subject.
pub(super) fn notice(heading: &str, text: &str) -> Markup {
    html! {
        section class="card notice" role="alert" { h1 { (heading) } p { (prose(text)) } }
    }
}

/// An error's text, which continues a line by custom, as a sentence that stands alone.
pub(super) fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(rest).chain(['.']).collect()
}

/// The status as the caller sees it, or that the call rejected.
pub(super) fn outcome(invocation: &Invocation) -> Markup {
    let broken = invocation.verdict.iter().any(|finding| !finding.passed);
    let (class, text) = match &invocation.settlement {
        Settlement::Pending => ("pending", "…".to_owned()),
        Settlement::Rejected { .. } => ("bad", "reject".to_owned()),
        Settlement::Resolved { status } if *status >= 400 => ("warn", status.to_string()),
        Settlement::Resolved { status } => ("good", status.to_string()),
    };
    html! {
        span class={ "chip " (class) } { (text) @if broken && class != "bad" { " !" } }
    }
}

pub(super) fn first_name(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

/// Account ids as first names: a list of them tells nobody anything.
pub(super) fn with_names(path: &str) -> String {
    world::USERS.iter().fold(path.to_owned(), |path, user| {
        path.replace(user.account_id, &format!("‹{}›", first_name(user.name)))
    })
}

/// Text whose `marked` words are code.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// `5 s`, `1 s`, `100 ms`: a limit as people say it.
pub(super) fn limit(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        span(duration)
    }
}

/// `12 ms`, `1.25 s`.
pub(super) fn span(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..1_000 => "<1 ms".to_owned(),
        1_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

pub(super) fn clock_time(at: Timestamp) -> String {
    let day = at.unix().rem_euclid(86_400);
    let (hours, minutes, seconds) = (day / 3600, day / 60 % 60, day % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02} UTC")
}
