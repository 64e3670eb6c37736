//! Something like Confluence and something like Jira, so that an app is seen in its place.

use maud::{Markup, PreEscaped, html};

use crate::manifest::UiModule;
use crate::{
    emulator::{
        session::Session,
        world::{self, Issue, Page, User},
    },
    ids::Product,
};

/// The product's page with the app's part in it.
pub(super) fn around(module: &UiModule, session: &Session, app: &Markup) -> Markup {
    let jira = module.product == Product::Jira;
    html! {
        div class={ "product " (if jira { "jira" } else { "confluence" }) } {
            (bar(jira, session))
            div class="below" {
                @if module.is_whole_page() { (apps_bar(module)) }
                @else if jira { (project_bar()) }
                @else { (space_bar(session.page)) }
                main {
                    @if module.is_whole_page() {
                        (crumbs(&["Apps", &module.title]))
                        h1 { (module.title) }
                        (app)
                    } @else if jira {
                        (issue(module, session.issue, app))
                    } @else {
                        (page(module, session.page, app))
                    }
                }
            }
        }
    }
}

/// Why this user sees neither the page or issue nor the app in it, if so.
pub(super) fn hidden_from(module: &UiModule, session: &Session) -> Option<String> {
    if module.is_whole_page() {
        return None;
    }
    let (audience, what) = if module.product == Product::Jira {
        (session.issue.audience, session.issue.key)
    } else {
        (session.page.audience, session.page.title)
    };
    let hidden = !audience.admits(session.user.account_id);
    hidden.then(|| {
        format!(
            "{} may not see “{what}”: the product shows neither it nor the app. Open another, or change the user.",
            session.user.name
        )
    })
}

fn bar(jira: bool, session: &Session) -> Markup {
    let (name, places) = if jira {
        ("Jira", ["Your work", "Projects", "Filters", "Apps"])
    } else {
        ("Confluence", ["Home", "Recent", "Spaces", "Apps"])
    };
    let host = world::SITE_URL.trim_start_matches("https://");
    html! {
        header class="bar" {
            span class="grid" aria-hidden="true" { @for _ in 0..9 { i {} } }
            span class="logo" aria-hidden="true" {}
            strong { (name) }
            nav aria-label=(name) { @for place in places { span { (place) } } }
            span class="site" title="the emulated site" { (host) }
            span class="search" aria-hidden="true" { "Search" }
            (avatar(session.user))
        }
    }
}

fn avatar(user: &User) -> Markup {
    html! { span class="avatar" role="img" title=(user.name) aria-label={ "Signed in as " (user.name) } { (initials(user.name)) } }
}

fn initials(name: &str) -> String {
    name.split(' ')
        .filter_map(|word| word.chars().next())
        .collect()
}

fn space_bar(open: &Page) -> Markup {
    html! {
        nav class="side" aria-label="Space" {
            strong { (open.space().map_or(open.space, |space| space.name)) }
            span { "Overview" } span { "Blog" }
            small { "Content" }
            @for page in world::PAGES.iter().filter(|page| page.space == open.space).take(4) {
                span { (page.title) }
            }
        }
    }
}

fn apps_bar(module: &UiModule) -> Markup {
    html! {
        nav class="side" aria-label="Product" {
            span { "For you" } span { "Recent" } span { "Starred" }
            small { "Apps" }
            span class="here" { (module.title) }
        }
    }
}

fn project_bar() -> Markup {
    html! {
        nav class="side" aria-label="Project" {
            strong { (world::PROJECT_NAME) }
            small { "Software project" }
            span { "Board" } span { "Backlog" } span { "Issues" } span { "Reports" }
        }
    }
}

fn crumbs(steps: &[&str]) -> Markup {
    html! { p class="crumbs" { @for (at, step) in steps.iter().enumerate() { @if at > 0 { " / " } span { (step) } } } }
}

fn page(module: &UiModule, page: &Page, app: &Markup) -> Markup {
    let space = page.space().map_or(page.space, |space| space.name);
    let author = world::user(page.author).map_or("", |user| user.name);
    html! {
        (crumbs(&[space, page.title]))
        h1 { (page.title) }
        p class="quiet" { "By " (author) " · version " (page.version) }
        // The site's pages are written in this crate.
        div class="content" { (PreEscaped(page.body)) }
        section class="panel" aria-label=(module.title) { (app) }
    }
}

fn issue(module: &UiModule, issue: &Issue, app: &Markup) -> Markup {
    let name = |account: &str| world::user(account).map_or("", |user| user.name);
    html! {
        (crumbs(&["Projects", world::PROJECT_NAME, issue.key]))
        div class="issue" {
            div {
                h1 { (issue.summary) }
                section class="panel" {
                    h2 { (module.title) }
                    (app)
                }
                h2 { "Activity" }
                p class="quiet" { "No comments yet." }
            }
            dl class="details" {
                dt { "Status" } dd { span class="status" { (issue.status) } }
                dt { "Type" } dd { (issue.kind.1) }
                dt { "Assignee" } dd { (name(issue.assignee)) }
                dt { "Reporter" } dd { (name(issue.reporter)) }
                dt { "Project" } dd { (world::PROJECT_NAME) }
            }
        }
    }
}
