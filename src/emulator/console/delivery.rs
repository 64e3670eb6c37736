//! What the platform fired: what is installed, and one delivery with its attempts.

use std::time::Duration;

use maud::{Markup, html};

use super::{
    again, detail,
    layout::{clock_time, limit, prose, span},
    live::{self, Part},
    trace,
};
use crate::{
    conformance::answer::Finding,
    emulator::{
        journal::{Answer, Attempt, Delivery, DeliveryState},
        stage::Stage,
    },
};

/// What stands over the list of deliveries.
pub(super) fn overview(stage: &Stage) -> Markup {
    html! {
        section class="summary" {
            h1 { "What the platform fires by itself" }
            p {
                "Events, schedules and the app's own life reach the remote without a user. It has "
                (limit(stage.timing.event_limit)) " to take each with a 2xx; what it does not take comes again four times, "
                (limit(stage.timing.scaled(Duration::from_mins(1)))) " apart, and is dropped then."
            }
        }
        section class="card" {
            h2 { "Installation" }
            (installation(stage))
        }
    }
}

fn installation(stage: &Stage) -> Markup {
    match stage.installed.current() {
        None => html! { p { "The app is not installed. All its tokens are revoked." } },
        Some(installation) => html! {
            dl class="headers" {
                dt { "id" } dd { (installation.id) }
                dt { "version" } dd { (installation.app_version) }
                @if let Some(refused) = installation.refuses() {
                    dt { "settling" } dd { "products answer " (refused.status().as_u16()) " for now" }
                }
            }
        },
    }
}

pub(super) fn section(delivery: &Delivery, version: u64) -> Markup {
    parts(delivery, Part::Standing, version)
}

/// What of the page changes with time: all of it until the delivery is settled, and then the trace.
pub(super) fn parts(delivery: &Delivery, part: Part, version: u64) -> Markup {
    let id = delivery.id;
    let settled = delivery.state.is_settled();
    html! {
        div id="happened" hx-swap-oob=[part.swap()] {
            (summary(delivery))
            @if !delivery.attempts.is_empty() {
                (detail::actions(&format!("/events/{id}"), again::can_be_repeated(delivery)))
            }
            section class="card" {
                h2 { span class="step" { "1" } "Trace" }
                @if delivery.attempts.is_empty() {
                    p class="quiet" { "Nothing was sent yet." }
                } @else {
                    (trace::of_delivery(delivery))
                }
                @if delivery.calls.is_empty() {
                    p class="quiet" {
                        "No call of a product carries a trace of it. Calls may come long after the answer; "
                        "they are told by " code { "x-b3-traceid" } ", else by the token's last use."
                    }
                }
            }
        }
        @if part != Part::UpdateOfSettled {
            div id="answered" hx-swap-oob=[part.swap()] { (attempts(delivery)) }
        }
        (live::pulse(&format!("/live/events/{id}?since={version}&settled={settled}")))
    }
}

fn attempts(delivery: &Delivery) -> Markup {
    html! {
        section class="card" {
            h2 { span class="step" { "2" } "Attempts" }
            @if delivery.attempts.is_empty() { p class="quiet" { "None yet." } }
            @for (at, attempt) in delivery.attempts.iter().enumerate() {
                (one_attempt(attempt, at + 1, at + 1 == delivery.attempts.len()))
            }
        }
    }
}

fn summary(delivery: &Delivery) -> Markup {
    html! {
        section class="summary" {
            h1 { (state(delivery.state)) code { (delivery.occasion) } }
            p class="quiet" {
                code { (delivery.module_key) }
                " · fired " (clock_time(delivery.at))
                " · " (detail::count(delivery.attempts.len(), "attempt"))
                " · " (detail::count(delivery.calls.len(), "call"))
            }
            @if !delivery.faults.is_empty() { (detail::struck(&delivery.faults)) }
            p { (prose(meaning(delivery))) }
        }
    }
}

fn one_attempt(attempt: &Attempt, number: usize, open: bool) -> Markup {
    html! {
        details class="attempt" open[open] {
            summary {
                (outcome(attempt))
                "Attempt " (number) ", " (clock_time(attempt.at)) ", " (span(attempt.duration))
                @if let Some(retry) = &attempt.retry {
                    span class="quiet" { " because of " code { (retry.reason.as_str()) } }
                }
                span class="quiet" { " · trace " code { (attempt.trace_id) } }
            }
            @if !attempt.faults.is_empty() { (detail::struck(&attempt.faults)) }
            h3 { "Request as Forge sends it" }
            (detail::request(&attempt.request, &attempt.claims))
            h3 { "The remote's answer" }
            @match &attempt.answer {
                Some(answer) => (detail::answer_part(answer)),
                None => p class="quiet" { "No whole answer came." },
            }
            (verdict(&attempt.verdict))
        }
    }
}

/// Rules that were kept need no more than a line.
fn verdict(findings: &[Finding]) -> Markup {
    let all_kept = !findings.is_empty() && findings.iter().all(|finding| finding.passed);
    html! {
        @if all_kept {
            details class="kept" {
                summary { "✓ no rule broken" }
                (detail::verdict(findings))
            }
        } @else {
            (detail::verdict(findings))
        }
    }
}

/// The status, or why there is none.
pub(super) fn outcome(attempt: &Attempt) -> Markup {
    let text = attempt.answer.as_ref().map_or_else(
        || attempt.failure.map_or("…", |_| "none").to_owned(),
        |answer| answer.status.as_u16().to_string(),
    );
    let under_way = attempt.verdict.is_empty();
    let class = match attempt.failure {
        None if under_way => "pending",
        None => "good",
        Some(_) => "bad",
    };
    let reason = attempt
        .failure
        .map(crate::emulator::journal::RetryReason::as_str);
    html! { span class={ "chip " (class) } title=[reason] { (text) } }
}

/// Whether the remote says so: this crate's do.
fn is_duplicate(delivery: &Delivery) -> bool {
    let answer = delivery
        .attempts
        .last()
        .and_then(|last| last.answer.as_ref());
    let body = answer.and_then(Answer::json);
    body.is_some_and(|body| body["duplicate"] == true)
}

fn state(state: DeliveryState) -> Markup {
    let (class, text) = match state {
        DeliveryState::Waiting => ("pending", "waits"),
        DeliveryState::UnderWay => ("pending", "…"),
        DeliveryState::Delivered => ("good", "taken"),
        DeliveryState::Dropped => ("bad", "dropped"),
        DeliveryState::Abandoned => ("bad", "ended"),
    };
    html! { span class={ "chip " (class) } { (text) } }
}

fn meaning(delivery: &Delivery) -> &'static str {
    match delivery.state {
        DeliveryState::Delivered if is_duplicate(delivery) => {
            "The remote took it and says that it held it already: a `duplicate` of an earlier \
             delivery, whose job is the only one. Two ticks within an interval are one tick."
        }
        DeliveryState::Waiting => "It will be sent when its time has come.",
        DeliveryState::UnderWay => "The remote has not answered yet.",
        DeliveryState::Delivered => "The remote took it: nothing more is sent.",
        DeliveryState::Dropped => "The remote did not take it, and the platform gives up.",
        DeliveryState::Abandoned => {
            "The app was uninstalled or the emulator stopped before it was settled."
        }
    }
}
