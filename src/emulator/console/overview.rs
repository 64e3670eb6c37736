//! The emulated site: its pages and who may read them.

use maud::{Markup, html};
use serde_json::Value;

use super::layout::first_name;
use crate::emulator::world::{self, Page};

/// The first thing a newcomer sees.
pub(super) fn welcome() -> Markup {
    html! {
        section class="summary" {
            h1 { "A Forge platform on your machine" }
            p {
                "The forms do what an app's user interface and the platform do: they invoke the remote through Forge. "
                "You then see the request with its token, every call that the remote made and on whose behalf, "
                "and what the platform makes of the answer. " a href="/site" { "Who may see what on this site" } "."
            }
        }
    }
}

pub(super) fn section() -> Markup {
    html! {
        section class="summary" {
            h1 { "The emulated site" }
            p class="quiet" { (world::SITE_URL) " is played here, with three people, their pages and issues." }
        }
        section class="card" {
            h2 { "Who may see which page" }
            p class="quiet" {
                "The same list differs by who asks. Ask for it as the user, as the app, and as somebody else."
            }
            (matrix())
        }
    }
}

fn matrix() -> Markup {
    let people: Vec<_> = world::active_users().collect();
    html! {
        table class="matrix" {
            thead {
                tr {
                    th { "Page" }
                    @for user in &people { th title=(user.role) { (first_name(user.name)) } }
                    th { "App" }
                }
            }
            tbody {
                @for page in world::PAGES {
                    tr {
                        th scope="row" { (title(page)) }
                        @for user in &people { (cell(page, user.account_id)) }
                        (cell(page, world::BOT))
                    }
                }
            }
        }
    }
}

fn cell(page: &Page, account: &str) -> Markup {
    if page.audience.admits(account) {
        html! { td class="yes" { span aria-label="may see it" { "✓" } } }
    } else {
        html! { td class="no" { span aria-label="may not see it" { "–" } } }
    }
}

fn title(page: &Page) -> Markup {
    html! {
        span class="space" { (page.space) } (page.title)
        @if page.audience.is_restricted() {
            svg class="lock" viewBox="0 0 16 16" role="img" {
                title { "restricted: for " (page.audience.describe()) }
                path d="M5 7V5a3 3 0 0 1 6 0v2" {}
                rect x="3" y="7" width="10" height="7" rx="1.5" {}
            }
        }
    }
}

/// All pages, those that were not seen dimmed.
pub(super) fn seen_list(seen: &[&Page]) -> Markup {
    html! {
        ul class="pages" {
            @for page in world::PAGES {
                @let shown = seen.iter().any(|other| other.id == page.id);
                li class=(if shown { "seen" } else { "unseen-page" }) {
                    span class="tick" aria-label=(if shown { "seen" } else { "not seen" }) {
                        (if shown { "✓" } else { "–" })
                    }
                    (title(page))
                }
            }
        }
    }
}

pub(super) const fn page_count() -> usize {
    world::PAGES.len()
}

/// The site's pages that stand in an answer, whatever its shape: objects with a page's id and title.
pub(super) fn pages_in(answer: &Value) -> Vec<&'static Page> {
    let mut found = Vec::new();
    let mut rest = vec![answer];
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(map) => {
                let (id, title) = (map.get("id"), map.get("title"));
                let page = world::PAGES.iter().find(|page| {
                    id.and_then(Value::as_str) == Some(page.id)
                        && title.and_then(Value::as_str) == Some(page.title)
                });
                found.extend(page);
                rest.extend(map.values());
            }
            Value::Array(list) => rest.extend(list),
            _ => {}
        }
    }
    found
}
