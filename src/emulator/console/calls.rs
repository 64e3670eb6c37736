//! The calls that the remote made, as a waterfall: by whom, what, and for how long.

use std::time::Duration;

use maud::{Markup, html};

use super::layout::{prose, span};
use crate::emulator::journal::{Call, Identity, Purpose};

/// `total` is the width of the picture.
pub(super) fn waterfall(calls: &[Call], total: Duration) -> Markup {
    let end = calls.iter().map(|call| call.started + call.duration).max();
    let total = end.unwrap_or_default().max(total);
    html! {
        table class="calls" {
            thead {
                tr { th { "Identity" } th { "Call" } th { "Status" } th class="bars" { "When" } th { "Took" } }
            }
            tbody {
                @for call in calls {
                    tr {
                        td { (badge(&call.identity)) }
                        td class="what" { (what(call)) }
                        td { span class={ "chip " (status_class(call)) } { (call.status.as_u16()) } }
                        td class="bars" { (bar(call, total)) }
                        td class="time" { (span(call.duration)) }
                    }
                    @if let Some(note) = &call.note {
                        tr class="note" { td {} td colspan="4" { (prose(note)) } }
                    }
                }
            }
        }
    }
}

fn what(call: &Call) -> Markup {
    match &call.purpose {
        Purpose::Product => html! {
            code { (call.method) " " (short_path(&call.path)) }
        },
        Purpose::Exchange { account } => html! {
            span class="exchange" { "Exchange of the app token for that of " strong { (account) } }
            br;
            code class="quiet" { (call.method) " " (call.path) }
        },
        Purpose::Storage { subject } => html! {
            code {
                span class="quiet" title=(call.path) { "storage " }
                (call.path.rsplit_once("/v1/").map_or(call.path.as_str(), |(_, operation)| operation))
                " " strong { (subject) }
            }
        },
    }
}

/// The product's part of the path: the base is the same in every call.
fn short_path(path: &str) -> Markup {
    let mut rest = path.strip_prefix("/ex/").unwrap_or("").splitn(3, '/');
    match (rest.next(), rest.next(), rest.next()) {
        (Some(product), Some(_), Some(rest)) if !product.is_empty() => html! {
            span class="quiet" title=(path) { (product) } " /" (rest)
        },
        _ => html! { (path) },
    }
}

pub(super) fn badge(identity: &Identity) -> Markup {
    let (class, text) = match identity {
        Identity::App => ("app", "app".to_owned()),
        Identity::User { name, .. } => ("user", name.clone()),
        Identity::Impersonated { name, .. } => ("impersonated", format!("as {name}")),
        Identity::Nobody => ("nobody", "nobody".to_owned()),
    };
    html! { span class={ "badge " (class) } { (text) } }
}

fn status_class(call: &Call) -> &'static str {
    match call.status.as_u16() {
        200..300 => "good",
        400..500 => "warn",
        _ => "bad",
    }
}

/// Attributes instead of a style: the page's policy allows no inline styles.
fn bar(call: &Call, total: Duration) -> Markup {
    let share = |part: Duration| 100.0 * part.as_secs_f64() / total.as_secs_f64().max(1e-6);
    let x = share(call.started).min(99.0);
    let width = share(call.duration).clamp(1.0, 100.0 - x);
    let class = match call.identity {
        Identity::App => "app",
        Identity::User { .. } => "user",
        Identity::Impersonated { .. } => "impersonated",
        Identity::Nobody => "nobody",
    };
    let label = format!(
        "began after {}, took {}",
        span(call.started),
        span(call.duration)
    );
    html! {
        svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label=(label) {
            rect class="track" x="0" y="4" width="100" height="2" {}
            rect class=(class) x={ (format!("{x:.2}")) } y="1" width={ (format!("{width:.2}")) } height="8" rx="1" {}
        }
    }
}
