//! The host page: the product on the left, and beside it what only an emulator has.

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::{files, form, product};
use crate::emulator::{session::Session, stage::Stage, world};
use crate::manifest::{Frontend, UiModule};

/// What the platform lets an app's frame do.
const SANDBOX: &str =
    "allow-downloads allow-forms allow-modals allow-pointer-lock allow-same-origin allow-scripts";

/// `GET /host`: the UI modules of the manifest.
pub(super) fn index(stage: &Stage) -> Html<String> {
    let modules = html! {
        h1 { "Pages of the app" }
        p class="quiet" { "Each is shown in a frame that looks like its product and answers its bridge." }
        ul class="modules" {
            @for module in &stage.manifest.modules {
                li {
                    a href={ "/host/" (module.key) } { (module.title) }
                    span class="quiet" { " " (module.kind) " · " code { (module.key) } " · " (flavour(module)) }
                }
            }
        }
        @if stage.manifest.modules.is_empty() {
            p { "No UI module of the manifest has a " code { "resource" } " or a " code { "resolver.endpoint" } "." }
        }
    };
    alone(stage, "Pages", &modules)
}

/// A sentence in place of a page.
pub(super) fn notice(stage: &Stage, heading: &str, sentence: &str) -> Html<String> {
    let text = html! { h1 { (heading) } p role="alert" { (sentence) "." } p { a href="/host" { "Pages of the app" } } };
    alone(stage, heading, &text)
}

/// `GET /host/{module}`
pub(super) fn of(stage: &Stage, module: &UiModule) -> Html<String> {
    let session = stage.session.get();
    let app = app(stage, module, &session);
    let native = module.frontend.as_ref().is_some_and(|it| it.native);
    let body = html! {
        body class="host" data-module=(module.key) data-pages=(stage.pages_origin)
            data-site=(world::SITE_URL) data-theme=(session.theme.name())
            data-native[native] {
            (product::around(module, &session, &app))
            (beside(stage, module, &session))
            div id="flags" aria-live="polite" {}
            script type="module" src="/host-assets/host.js" {}
        }
    };
    document(stage, &module.title, &body)
}

fn flavour(module: &UiModule) -> &'static str {
    match &module.frontend {
        Some(frontend) if frontend.native => "UI Kit",
        Some(_) => "Custom UI",
        None => "no resource",
    }
}

/// What stands where the app's own page is in the product.
fn app(stage: &Stage, module: &UiModule, session: &Session) -> Markup {
    let Some(frontend) = &module.frontend else {
        return empty(&html! {
            "The manifest has no resource for this module: name one in its " code { "resource" } "."
        });
    };
    if let Some(hidden) = product::hidden_from(module, session) {
        return empty(&html! { (hidden) });
    }
    match files::build_of(stage, frontend) {
        files::Build::Ready { url } => frame(module, frontend, &url),
        files::Build::Missing { file, project } => missing(frontend, &file, &project),
    }
}

/// The script gives it its address, once it listens to what comes from there.
fn frame(module: &UiModule, frontend: &Frontend, url: &str) -> Markup {
    let title = &module.title;
    html! {
        @if frontend.native {
            p class="label" {
                "UI Kit, drawn by the emulator in plain HTML: the product's own components look and behave differently."
            }
            div id="native" aria-live="polite" {}
            iframe id="app" hidden title=(title) data-src=(url) sandbox=(SANDBOX) {}
        } @else {
            iframe id="app" title=(title) data-src=(url) sandbox=(SANDBOX)
                allow="clipboard-write; fullscreen" {}
        }
        noscript { p { "The product's part of the bridge is a script: allow it to see the app." } }
    }
}

fn missing(frontend: &Frontend, file: &str, project: &str) -> Markup {
    let what = if frontend.native {
        "UI Kit"
    } else {
        "Custom UI"
    };
    empty(&html! {
        strong { "This page has not been built." }
        p { (what) " of resource " code { (frontend.resource) } " needs " code { (file) } ", and there is none." }
        @if project.is_empty() {
            p { "Run, where the manifest is, and load this page again:" }
        } @else {
            p { "Run in " code { (project) } ", and load this page again:" }
        }
        pre { "npm ci && npm run build" }
    })
}

fn empty(text: &Markup) -> Markup {
    html! { div class="unbuilt" role="status" { (text) } }
}

/// Session and bridge.
fn beside(stage: &Stage, module: &UiModule, session: &Session) -> Markup {
    html! {
        aside class="emulator" aria-label="Emulator" {
            header {
                a href="/" { "Console" } a href="/host" { "Pages" }
                span { (stage.title) }
            }
            section {
                h2 { "Session" }
                (form::section(module, session))
            }
            details id="bridge" open {
                summary { "Bridge calls " span id="count" class="quiet" {} }
                p class="quiet" { "What the page asked of the product, the newest first." }
                ol id="calls" {}
            }
        }
    }
}

fn alone(stage: &Stage, title: &str, content: &Markup) -> Html<String> {
    let body = html! {
        body class="alone" {
            header { a href="/" { "Console" } span { (stage.title) } }
            main { (content) }
        }
    };
    document(stage, title, &body)
}

fn document(stage: &Stage, title: &str, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (stage.title) }
                link rel="icon" href="/icon.svg";
                link rel="stylesheet" href="/host-assets/host.css";
            }
            (body)
        }
    };
    Html(page.into_string())
}
