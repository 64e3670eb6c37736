//! The forms: fire an event, run a schedule, install, upgrade, uninstall.

use std::time::Duration;

use maud::{Markup, html};
use serde::Deserialize;

use crate::emulator::{
    events::FireEvent,
    installation::{Refused, Settling},
    stage::Stage,
    world,
};

/// What stands in the form of an event. A box that is not ticked is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    event: String,
    subject: String,
    user: String,
    delay: String,
    burst: String,
    duplicate: Option<String>,
    wrapped: Option<String>,
    self_generated: Option<String>,
    body: String,
}

impl TryFrom<&Filled> for FireEvent {
    type Error = &'static str;

    fn try_from(filled: &Filled) -> Result<Self, Self::Error> {
        let chosen = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut event = Self::new(filled.event.trim());
        event.subject = chosen(&filled.subject);
        event.user = chosen(&filled.user);
        event.self_generated = filled.self_generated.is_some();
        event.duplicate = filled.duplicate.is_some();
        event.wrapped = filled.wrapped.is_some().then_some(true);
        if let Some(delay) = chosen(&filled.delay) {
            let seconds = delay.parse();
            event.delay =
                Duration::from_secs(seconds.map_err(|_| "the delay is a number of seconds")?);
        }
        if let Some(burst) = chosen(&filled.burst) {
            event.burst = burst
                .parse()
                .map_err(|_| "the burst is a number of events")?;
        }
        if let Some(body) = chosen(&filled.body) {
            let parsed = serde_json::from_str(&body);
            event.body = Some(parsed.map_err(|_| "the body is not JSON")?);
        }
        Ok(event)
    }
}

/// What stands in the form of an install.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Install {
    refused: String,
    lasts: String,
}

impl Install {
    pub(super) fn settling(&self) -> Result<Option<Settling>, &'static str> {
        let refused = match self.refused.as_str() {
            "401" => Refused::Unauthorized,
            "403" => Refused::Forbidden,
            _ => return Ok(None),
        };
        let seconds = self.lasts.trim().parse();
        let seconds = seconds.map_err(|_| "how long it takes is a number of seconds")?;
        Ok(Some(Settling {
            refused,
            lasts: Duration::from_secs(seconds),
        }))
    }
}

/// A button for each schedule.
pub(super) fn schedules(stage: &Stage) -> Markup {
    html! {
        div class="fields" {
            @for schedule in &stage.manifest.triggers.schedules {
                form class="invoke" method="post" action="/events/schedule" {
                    button class="plain" name="key" value=(schedule.key) {
                        (schedule.key) " — " (schedule.interval.describe())
                    }
                }
            }
        }
    }
}

/// The form that fires an event.
pub(super) fn event(stage: &Stage, filled: &Filled) -> Markup {
    let events = product_events(stage);
    if events.is_empty() {
        return html! { p class="quiet invoke" { "No trigger of the manifest has an event of a product and an endpoint." } };
    }
    html! {
        form class="invoke" method="post" action="/events/fire" {
            div class="fields" {
                div {
                    label for="event" { "Event that the app subscribes to" }
                    select id="event" name="event" {
                        @for name in &events { option selected[filled.event == *name] { (name) } }
                    }
                }
                div {
                    label for="subject" { "Page or issue" }
                    select id="subject" name="subject" { (subjects(filled)) }
                }
                div {
                    label for="cause" { "Caused by" }
                    select id="cause" name="user" {
                        @for user in world::USERS {
                            option value=(user.account_id) selected[filled.user == user.account_id] {
                                (user.name) " — " (user.role)
                            }
                        }
                    }
                }
            }
            (how(filled))
            details open[!filled.body.is_empty()] {
                summary { "A body of your own" }
                label class="unseen" for="body" { "Body, a JSON object" }
                textarea id="body" name="body" rows="5" spellcheck="false" placeholder="{ }" { (filled.body) }
            }
            button class="primary" type="submit" { "Fire" }
        }
    }
}

fn how(filled: &Filled) -> Markup {
    let or = |text: &str, first: &str| {
        if text.is_empty() {
            first.to_owned()
        } else {
            text.to_owned()
        }
    };
    html! {
        div class="line" {
            div class="half" {
                label for="burst" { "How many" }
                input id="burst" name="burst" type="number" min="1" max="100" value=(or(&filled.burst, "1"));
            }
            div class="half" {
                label for="delay" { "Delay in seconds" }
                input id="delay" name="delay" type="number" min="0" max="180" value=(or(&filled.delay, "0"));
            }
        }
        div class="choices" {
            label { input type="checkbox" name="duplicate" value="on" checked[filled.duplicate.is_some()]; "delivered twice" }
            label { input type="checkbox" name="self_generated" value="on" checked[filled.self_generated.is_some()]; "caused by the app itself" }
            label { input type="checkbox" name="wrapped" value="on" checked[filled.wrapped.is_some()]; span { "in a " code { "payload" } " object" } }
        }
    }
}

fn subjects(filled: &Filled) -> Markup {
    html! {
        option value="" { "the first of the site" }
        optgroup label="Pages" {
            @for page in world::PAGES {
                option value=(page.id) selected[filled.subject == page.id] { (page.space) " " (page.title) }
            }
        }
        optgroup label="Issues" {
            @for issue in world::ISSUES {
                option value=(issue.key) selected[filled.subject == issue.key] { (issue.key) " " (issue.summary) }
            }
        }
    }
}

/// Each event of a product that some trigger has; the app's own life has its buttons.
fn product_events(stage: &Stage) -> Vec<&str> {
    let mut names = Vec::new();
    for trigger in &stage.manifest.triggers.events {
        for subscription in &trigger.subscriptions {
            let name = subscription.event_type.as_str();
            if !name.starts_with("avi:forge:") && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// Install, upgrade, uninstall: what can be done now.
pub(super) fn lifecycle(stage: &Stage) -> Markup {
    let installed = stage.installed.current();
    html! {
        @if let Some(installation) = &installed {
            form class="invoke" method="post" action="/events/upgrade" {
                label for="version" { "Version " (installation.app_version) " is installed; upgrade it to" }
                div class="line" {
                    input id="version" name="version" value=(next(&installation.app_version)) required spellcheck="false" autocomplete="off";
                    button type="submit" { "Upgrade" }
                }
            }
            form class="invoke" method="post" action="/events/uninstall" {
                button class="plain" type="submit" { "Uninstall" }
            }
        }
        @if !stage.installed.is_announced() {
            form class="invoke" method="post" action="/events/install" {
                label for="refused" { "Products refuse the fresh app" }
                div class="line" {
                    select id="refused" name="refused" {
                        option value="" { "never" }
                        option value="401" { "with 401" }
                        option value="403" { "with 403" }
                    }
                    input name="lasts" type="number" min="1" max="86400" value="120" aria-label="for so many seconds";
                }
                button class="plain" type="submit" { "Install" }
            }
        }
    }
}

/// The next major version: only those have an event.
fn next(version: &str) -> String {
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u64>().ok());
    format!("{}.0.0", major.unwrap_or(1).saturating_add(1))
}
