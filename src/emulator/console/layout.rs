//! The frame of every page: form and history on the left, the subject on the right.

use std::time::Duration;

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::{form, path::path_of};
use crate::{
    clock::Timestamp,
    emulator::{
        journal::{Invocation, Settlement},
        stage::Stage,
        world,
    },
};

/// Which of the console's pages is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Invocations,
    Events,
    Storage,
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
    let ask = html! {
        section class="ask" {
            h2 { "Invoke the remote" }
            @if stage.manifest.modules.is_empty() {
                p class="quiet" { "No UI module of the manifest has a " code { "resolver.endpoint" } "." }
            } @else {
                (form::section(stage, filled))
            }
        }
    };
    let places = Places {
        ask: &ask,
        subject,
        past: &history(&stage.journal.newest_first(), selected),
    };
    frame(stage, tab, &title, &places)
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
            }
            body {
                header {
                    a class="brand" href="/" { img src="/icon.svg" alt="" width="24" height="24"; (stage.title) }
                    nav class="tabs" aria-label="Pages" {
                        a href="/" aria-current=[current(Tab::Invocations)] { "Invocations" }
                        a href="/events" aria-current=[current(Tab::Events)] { "Events" }
                        a href="/storage" aria-current=[current(Tab::Storage)] { "Storage" }
                        a href="/remote" aria-current=[current(Tab::Remote)] { "Remote" }
                        a href="/host" { "Pages" }
                    }
                    span class="wheres" {
                        span class="where" { "invokes " code { (stage.remote.load()) } }
                        span class="where" { "app " code { (stage.manifest.app_id.uuid()) } }
                    }
                }
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

fn history(invocations: &[Invocation], selected: Option<u64>) -> Markup {
    html! {
        nav aria-labelledby="history" {
            h2 id="history" { "Recent invocations" }
            @if invocations.is_empty() {
                p class="quiet" { "None yet. Press one of the buttons above." }
            }
            ol class="history" {
                @for invocation in invocations {
                    li {
                        a href={ "/invocations/" (invocation.id) }
                            aria-current=[(selected == Some(invocation.id)).then_some("page")] {
                            (outcome(invocation))
                            span class="path" {
                                (invocation.request.method) " " (with_names(&path_of(&invocation.request.url)))
                            }
                            span class="quiet" {
                                (first_name(invocation.user)) " · " (clock_time(invocation.at))
                            }
                            span class="time" { (span(invocation.duration)) }
                        }
                    }
                }
            }
        }
    }
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
fn with_names(path: &str) -> String {
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
