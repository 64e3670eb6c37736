//! One invocation, in the order in which it happened.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    calls, json,
    layout::{outcome, prose, span},
    live::{self, Part},
    overview,
    timeline::fault_mark,
    trace,
};
use crate::{
    conformance::answer::{Finding, Severity},
    emulator::{
        faults::Fault,
        journal::{Answer, Invocation, SentRequest, Settlement, Via},
    },
};

pub(super) fn section(invocation: &Invocation, version: u64) -> Markup {
    parts(invocation, Part::Standing, version)
}

/// What of the page changes with time: all of it until the invocation is settled, and then the trace.
pub(super) fn parts(invocation: &Invocation, part: Part, version: u64) -> Markup {
    let id = invocation.id;
    let settled = invocation.settlement != Settlement::Pending;
    html! {
        div id="happened" hx-swap-oob=[part.swap()] {
            (summary(invocation))
            (actions(&format!("/invocations/{id}"), invocation.via == Via::InvokeRemote))
            (pages(invocation))
            section class="card" {
                h2 { span class="step" { "1" } "Trace" }
                (trace::of_invocation(invocation))
                @if invocation.calls.is_empty() {
                    p class="quiet" { "No call: the remote answered from what the request brought." }
                }
            }
        }
        @if part == Part::Standing {
            section class="card" {
                h2 { span class="step" { "2" } "Request as Forge sends it" }
                (request(&invocation.request, &invocation.claims))
            }
        }
        @if part != Part::UpdateOfSettled {
            div id="answered" hx-swap-oob=[part.swap()] { (answered(invocation)) }
        }
        (live::pulse(&format!("/live/invocations/{id}?since={version}&settled={settled}")))
    }
}

fn answered(invocation: &Invocation) -> Markup {
    html! {
        section class="card" {
            h2 { span class="step" { "3" } "The remote's answer" }
            @match &invocation.answer {
                Some(answer) => (answer_part(answer)),
                None => p class="quiet" { "No whole answer came." },
            }
        }
        section class="card" {
            h2 { span class="step" { "4" } "How the bridge settles it" }
            (settlement(&invocation.settlement))
        }
        section class="card" id="verdict" {
            h2 { span class="step" { "5" } "Verdict" }
            (verdict(&invocation.verdict))
        }
    }
}

/// What can be done with a request that was sent.
pub(super) fn actions(address: &str, again: bool) -> Markup {
    html! {
        div class="actions" {
            @if again {
                form method="post" action={ (address) "/again" } { button type="submit" { "Fire again" } }
            }
            form method="post" action={ (address) "/curl" } {
                button type="submit" { "Show as a curl command, with tokens" }
            }
        }
    }
}

fn summary(invocation: &Invocation) -> Markup {
    let broken = invocation.verdict.iter().filter(|f| !f.passed).count();
    html! {
        section class="summary" {
            h1 {
                (outcome(invocation))
                code { (invocation.request.method) " " (super::path::path_of(&invocation.request.url)) }
            }
            p class="quiet" {
                (invocation.user) " in " code { (invocation.module_key) }
                " by " code { (invocation.via.name()) }
                " · " (span(invocation.duration))
                " · " (count(invocation.calls.len(), "call"))
                " · " @if broken == 0 { "no rule broken" } @else { a class="broken" href="#verdict" { (count(broken, "rule")) " broken" } }
                " · trace " code { (invocation.trace_id) }
            }
            @if !invocation.faults.is_empty() { (struck(&invocation.faults)) }
            @if let Settlement::Rejected { message } = &invocation.settlement {
                blockquote { (message) }
            }
        }
    }
}

/// The faults that made a request what it is.
pub(super) fn struck(faults: &[Fault]) -> Markup {
    html! {
        p {
            "Sent like this because of a fault that was switched on:"
            @for fault in faults { " " (fault_mark(&fault.describe())) }
        }
    }
}

pub(super) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Which of the site's pages the answer shows, so that two identities can be compared at a glance.
fn pages(invocation: &Invocation) -> Markup {
    let seen = invocation
        .answer
        .as_ref()
        .and_then(Answer::json)
        .map(|answer| overview::pages_in(&answer))
        .unwrap_or_default();
    if seen.is_empty() {
        return html! {};
    }
    let speaker = invocation
        .calls
        .iter()
        .rev()
        .find(|call| call.status.is_success());
    html! {
        section class="card" {
            h2 {
                "Pages seen "
                @if let Some(call) = speaker { (calls::badge(&call.identity)) }
                span class="quiet" { " " (seen.len()) " of " (overview::page_count()) }
            }
            (overview::seen_list(&seen))
        }
    }
}

pub(super) fn request(request: &SentRequest, claims: &Value) -> Markup {
    html! {
        p class="url" { code { strong { (request.method) } " " (request.url) } }
        div class="pair" {
            div {
                h3 { "Headers" }
                (headers(&request.headers))
                @if let Some(body) = &request.body {
                    h3 { "Body" }
                    (body_part(body))
                }
            }
            div {
                h3 { "Claims of the FIT" }
                p class="quiet" { (lifetime(claims)) }
                (json::pretty(claims))
            }
        }
    }
}

/// When the token lapses: sooner than people expect.
fn lifetime(claims: &Value) -> String {
    let lives = claims["exp"].as_i64().zip(claims["iat"].as_i64());
    lives.map_or_else(String::new, |(exp, iat)| {
        format!("Signed with RS256, valid for {} s.", exp - iat)
    })
}

fn headers(headers: &[(String, String)]) -> Markup {
    html! {
        dl class="headers" {
            @for (name, value) in headers { dt { (name) } dd { (value) } }
        }
    }
}

pub(super) fn answer_part(answer: &Answer) -> Markup {
    html! {
        p class="url" {
            code { strong { (answer.status) } } span class="quiet" { " " (answer.bytes) " bytes" }
        }
        div class="pair" {
            div { h3 { "Headers" } (headers(&answer.headers)) }
            div { h3 { "Body" } (body_part(&answer.body)) }
        }
    }
}

fn body_part(body: &str) -> Markup {
    if body.is_empty() {
        return html! { p class="quiet" { "None." } };
    }
    serde_json::from_str(body).map_or_else(
        |_| html! { pre tabindex="0" { (body) } },
        |value| json::pretty(&value),
    )
}

fn settlement(settlement: &Settlement) -> Markup {
    match settlement {
        Settlement::Pending => html! { p { "Still under way." } },
        Settlement::Resolved { status } => html! {
            p { span class="chip good" { "resolves" } " The caller gets status " strong { (status) } ", headers and body." }
        },
        Settlement::Rejected { message } => html! {
            p { span class="chip bad" { "rejects" } " The caller never sees the answer, only this message:" }
            blockquote { (message) }
        },
    }
}

pub(super) fn verdict(findings: &[Finding]) -> Markup {
    html! {
        ul class="verdict" {
            @for finding in findings {
                li class=(mark(finding)) {
                    span class="mark" aria-label=(mark(finding)) {}
                    div {
                        (prose(&finding.sentence)) " " code class="quiet" { (finding.rule) }
                        @if !finding.passed { p class="mend" { (prose(finding.mend)) } }
                    }
                }
            }
        }
    }
}

const fn mark(finding: &Finding) -> &'static str {
    match (finding.passed, finding.severity) {
        (true, _) => "passed",
        (false, Severity::Must) => "broken",
        (false, Severity::Should) => "frowned",
    }
}
