//! A call that the remote made: by whom, and what.

use maud::{Markup, html};

use crate::emulator::journal::{Call, Identity, Purpose};

/// What was asked for.
pub(super) fn what(call: &Call) -> Markup {
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
    let text = match identity {
        Identity::App => "app".to_owned(),
        Identity::User { name, .. } => name.clone(),
        Identity::Impersonated { name, .. } => format!("as {name}"),
        Identity::Nobody => "nobody".to_owned(),
    };
    html! { span class={ "badge " (class(identity)) } { (text) } }
}

/// The colour of its bar.
pub(super) const fn class(identity: &Identity) -> &'static str {
    match identity {
        Identity::App => "app",
        Identity::User { .. } => "user",
        Identity::Impersonated { .. } => "impersonated",
        Identity::Nobody => "nobody",
    }
}
