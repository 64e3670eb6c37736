//! What the app keeps in Forge storage, page by page.

use maud::{Markup, html};
use serde::Deserialize;

use super::json;
use crate::emulator::{
    platform::masked,
    stage::Stage,
    storage::{StoredIn, StoredItem, iso},
};

const PAGE: usize = 50;
/// Of a larger value only the beginning stands on the page.
const MAX_SHOWN: usize = 4 * 1024;

/// Which items are looked at.
#[derive(Debug, Default, Deserialize)]
pub(super) struct View {
    /// What their keys begin with.
    #[serde(default)]
    prefix: String,
    /// Counts from 1; what is no such number is the first page.
    #[serde(default)]
    page: String,
}

pub(super) fn section(stage: &Stage, view: &View) -> Markup {
    let prefix = view.prefix.as_str();
    let at = view.page.parse().unwrap_or(1_usize).max(1);
    let skip = (at - 1).saturating_mul(PAGE);
    let installation = stage.installed.last().id;
    let (total, items) = stage.storage.page(installation, prefix, skip, PAGE);
    html! {
        section class="summary" {
            h1 { "Forge storage" }
            p class="quiet" {
                "What the app keeps for this installation. It lives in memory and ends with the emulator. "
                "An item is deleted a minute after its time; until then it is still returned."
            }
        }
        section class="card" {
            (filter(prefix))
            @if items.is_empty() {
                p class="quiet" { (nothing(total, prefix)) }
            } @else {
                p class="quiet" { (range(skip, items.len(), total)) }
                (table(&items))
                (pages(prefix, at, total))
            }
        }
    }
}

fn filter(prefix: &str) -> Markup {
    html! {
        form class="filter" method="get" action="/storage" {
            label for="prefix" { "Keys that begin with" }
            input id="prefix" name="prefix" value=(prefix) spellcheck="false" autocomplete="off";
            button type="submit" { "Show" }
        }
    }
}

fn nothing(total: usize, prefix: &str) -> &'static str {
    if total > 0 {
        "There is no such page."
    } else if prefix.is_empty() {
        "Nothing is stored yet."
    } else {
        "No key begins like that."
    }
}

fn range(skip: usize, shown: usize, total: usize) -> String {
    match total {
        1 => "1 item".to_owned(),
        _ => format!("{} to {} of {total} items", skip + 1, skip + shown),
    }
}

fn table(items: &[StoredItem]) -> Markup {
    html! {
        table class="stored" {
            thead { tr { th { "Key" } th { "Value" } th { "Size" } th { "Written" } th { "Ends" } } }
            tbody {
                @for item in items {
                    tr {
                        th scope="row" {
                            code { (item.key) }
                            @match &item.space {
                                StoredIn::Keys => {}
                                StoredIn::Secrets => { " " span class="badge app" { "secret" } }
                                StoredIn::Entity(name) => { " " span class="badge user" { (name) } }
                            }
                        }
                        td { (value(item)) }
                        td class="time" { (size(item.bytes)) }
                        td class="time" { (moment(&iso(item.updated))) }
                        td class="time" {
                            @match item.expires {
                                Some(at) => (moment(&iso(at))),
                                None => "never",
                            }
                        }
                    }
                }
            }
        }
    }
}

fn value(item: &StoredItem) -> Markup {
    match &item.value {
        None => html! { span class="quiet" { "not shown" } },
        Some(value) if item.bytes <= MAX_SHOWN => json::pretty(value),
        Some(value) => {
            let text = masked(&value.to_string(), &[]);
            let text: String = text.chars().take(MAX_SHOWN).collect();
            html! { pre class="json" tabindex="0" { code { (text) "…" } } }
        }
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        _ => format!("{}.{} KiB", bytes / 1_024, bytes % 1_024 * 10 / 1_024),
    }
}

/// A moment in two lines: its day, and its time.
fn moment(iso: &str) -> Markup {
    let (day, time) = iso.split_once('T').unwrap_or((iso, ""));
    html! { (day) br; (time.get(..8).unwrap_or(time)) " UTC" }
}

fn pages(prefix: &str, at: usize, total: usize) -> Markup {
    let last = total.div_ceil(PAGE);
    let link = |page: usize| {
        let query = serde_urlencoded::to_string([("prefix", prefix), ("page", &page.to_string())]);
        format!("/storage?{}", query.unwrap_or_default())
    };
    html! {
        @if last > 1 {
            p class="turn" {
                @if at > 1 { a href=(link(at - 1)) rel="prev" { "← Previous" } }
                span class="quiet" { "Page " (at) " of " (last) }
                @if at < last { a href=(link(at + 1)) rel="next" { "Next →" } }
            }
        }
    }
}
