//! The page about the remote: where it is, whether it listens, and the settings it needs.

use maud::{Markup, html};

use super::layout::prose;
use crate::emulator::{reach, stage::Stage, trust::Trust};

pub(super) async fn section(stage: &Stage) -> Markup {
    let remote = stage.remote.load_full();
    let standing = Standing {
        listens: reach::listens(&remote).await,
        told: stage.installed.is_announced(),
    };
    let trust = Trust::in_the(stage);
    html! {
        section class="summary" {
            h1 { "The remote" }
            p {
                "Everything that the platform sends goes to " code { (remote) } ". "
                "To have another one invoked, in any language, run "
                code { "forge-remote dev --remote URL --manifest PATH" } "."
            }
        }
        section class="card" {
            p { span class={ "chip " (standing.class()) } { (standing.word()) } " " (prose(standing.sentence())) }
            @for remark in reach::remarks(&remote, &stage.origin) {
                p { (prose(&remark)) }
            }
        }
        (settings(&trust))
        (variables(&trust))
    }
}

fn settings(trust: &Trust) -> Markup {
    html! {
        section class="card" {
            h2 { "Two settings, in any language" }
            p {
                "The bearer token of each request is verified with the key set: a JWT signed with RS256, issued by "
                code { "forge/invocation-token" } ", whose audience is the app "
                code { (trust.app_id) } ", and not expired. The API host is where "
                code { "app.apiBaseUrl" } " of that token leads: tokens go there and nowhere else."
            }
            dl class="headers" {
                dt { "key set" } dd { (trust.jwks_url) }
                dt { "API host" } dd { (trust.api_origin) }
            }
        }
        section class="card" {
            h2 { "Two addresses that are fixed on the platform" }
            dl class="headers" {
                dt { "GraphQL" } dd { (trust.graphql_url) }
                dt { "storage" } dd { (trust.storage_url) }
            }
        }
    }
}

fn variables(trust: &Trust) -> Markup {
    let lines = trust
        .variables()
        .map(|(name, value)| format!("export {name}={value}\n"));
    html! {
        section class="card" {
            h2 { "The same for a remote on this library, for the shell that starts it" }
            pre tabindex="0" { (lines.concat()) }
        }
    }
}

/// Whether the remote can be reached, and whether it ever could.
struct Standing {
    listens: bool,
    /// It was told that it is installed, which waits until it listens.
    told: bool,
}

impl Standing {
    const fn class(&self) -> &'static str {
        match (self.listens, self.told) {
            (true, _) => "good",
            (false, false) => "pending",
            (false, true) => "bad",
        }
    }

    const fn word(&self) -> &'static str {
        match (self.listens, self.told) {
            (true, _) => "listens",
            (false, false) => "not up yet",
            (false, true) => "unreachable",
        }
    }

    const fn sentence(&self) -> &'static str {
        match (self.listens, self.told) {
            (true, _) => "It takes connections.",
            (false, false) => {
                "Nothing listens there yet. Start it with the settings below: it is told of its installation as soon as it listens."
            }
            (false, true) => {
                "Nothing listens there any more. Look into its log, start it again, and see that it listens on that port. What the platform fires meanwhile comes again four times, a minute apart."
            }
        }
    }
}
