//! The page for people: make something happen, and see everything that came of it.
//!
//! HTML from the server and plain forms, nothing from elsewhere. A script that is embedded
//! keeps pages up to date; without it they can be read all the same.

mod again;
mod ask;
mod assets;
mod calls;
mod delivery;
mod detail;
mod events;
mod faults;
mod firing;
mod form;
mod json;
mod layout;
mod live;
mod overview;
mod path;
mod remote;
mod storage;
mod timeline;
mod trace;

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{Path, Query, Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use maud::{Markup, html};

use super::{
    journal::Call,
    platform::{self, Invoke},
    stage::Stage,
};
use form::Filled;
use layout::{Places, Tab};

/// Pages that wait for news at once.
pub(super) const MAX_LISTENERS: usize = 32;

/// Scripts, styles and pictures from here and none in the page; forms and requests to here; no frame around it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
     style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The console's pages.
pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/", get(home))
        .route("/invocations/{id}", get(invocation))
        .route("/calls/{id}", get(call))
        .route("/invoke", post(invoke))
        .route("/storage", get(stored))
        .route("/remote", get(remote_page))
        .route("/site", get(site))
        .merge(again::routes())
        .merge(assets::routes())
        .merge(events::routes())
        .merge(faults::routes())
        .merge(live::routes())
        .fallback(nothing_here)
        .layer(from_fn(guard))
}

async fn home(State(stage): State<Arc<Stage>>, Query(asked): Query<timeline::Asked>) -> Response {
    let filled = Filled::first(&stage);
    let subject = html! {
        @if !stage.journal.has_invocations() { (overview::welcome()) }
        (timeline::section(&stage, &asked))
    };
    layout::page(&stage, Tab::Timeline, None, &filled, &subject).into_response()
}

async fn site(State(stage): State<Arc<Stage>>) -> Response {
    layout::plain(&stage, Tab::Site, "Site · ", &overview::section()).into_response()
}

async fn invocation(State(stage): State<Arc<Stage>>, Path(id): Path<u64>) -> Response {
    // Before the invocation: what changes in between is told again.
    let version = stage.journal.last_change(id).unwrap_or_default();
    match stage.journal.get(id) {
        Some(invocation) => {
            let filled = Filled::of(&stage, &invocation);
            let section = detail::section(&invocation, version);
            layout::page(&stage, Tab::Timeline, Some(id), &filled, &section).into_response()
        }
        None => nothing_here(State(stage)).await,
    }
}

async fn call(State(stage): State<Arc<Stage>>, Path(id): Path<u64>) -> Response {
    let Some(call) = stage.journal.stray(id) else {
        return nothing_here(State(stage)).await;
    };
    let places = Places {
        ask: &ask::invoke(&stage, &Filled::first(&stage)),
        subject: &stray(&call),
        past: &timeline::recent(&stage, &format!("/calls/{id}")),
    };
    layout::frame(&stage, Tab::Timeline, &format!("Call #{id} · "), &places).into_response()
}

fn stray(call: &Call) -> Markup {
    html! {
        section class="summary" {
            h1 { code { (call.method) " " (call.path) } }
            p class="quiet" { "A call outside of any invocation or delivery · " (layout::clock_time(call.at)) }
        }
        section class="card" { h2 { "Trace" } (trace::of_call(call)) }
    }
}

async fn stored(State(stage): State<Arc<Stage>>, Query(view): Query<storage::View>) -> Response {
    let section = storage::section(&stage, &view);
    layout::plain(&stage, Tab::Storage, "Storage · ", &section).into_response()
}

async fn remote_page(State(stage): State<Arc<Stage>>) -> Response {
    let section = remote::section(&stage).await;
    let filled = Filled::first(&stage);
    layout::page(&stage, Tab::Remote, None, &filled, &section).into_response()
}

async fn nothing_here(State(stage): State<Arc<Stage>>) -> Response {
    let section = layout::notice(
        "Nothing here",
        "It remembers the last hundred invocations, and none from before it was started.",
    );
    let page = layout::plain(&stage, Tab::Timeline, "", &section);
    (StatusCode::NOT_FOUND, page).into_response()
}

async fn invoke(State(stage): State<Arc<Stage>>, Form(filled): Form<Filled>) -> Response {
    let result = match Invoke::try_from(&filled) {
        Ok(invoke) => platform::invoke(&stage, invoke)
            .await
            .map_err(|error| layout::sentence(&error.to_string())),
        Err(message) => Err(message.to_owned()),
    };
    match result {
        // The page that a reload shows again is the answer, not the form.
        Ok(invocation) => Redirect::to(&format!("/invocations/{}", invocation.id)).into_response(),
        Err(message) => {
            let section = layout::notice("Not sent", &message);
            let page = layout::page(&stage, Tab::Timeline, None, &filled, &section);
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    }
}

/// Turns away what other sites send or load, and forbids every page what it does not need.
async fn guard(request: Request, next: Next) -> Response {
    if !is_from_here(&request) {
        let message = "Only the console's own pages may ask that.\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // `no-referrer` would make browsers send `Origin: null` with the form.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What is no page says itself how long it may be kept.
    let unkept = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(unkept);
    response
}

/// Whether somebody goes to a page, or one of these pages asks for more. Another site can do
/// neither: what it loads it cannot read, but it could take every place of those that wait.
pub(super) fn is_from_here(request: &Request) -> bool {
    goes_to_a_page(request) || same_site(request.headers())
}

/// In a window of its own: no page here is to be in a frame.
fn goes_to_a_page(request: &Request) -> bool {
    let is = |name: &'static str, wanted: &str| {
        let value = request.headers().get(HeaderName::from_static(name));
        value.is_none_or(|value| value == wanted)
    };
    request.method() == Method::GET
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
}

/// Browsers name the page's origin in every post; other clients name none.
fn same_site(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = text(header::HOST).unwrap_or_default();
    let origin_is_ours = text(header::ORIGIN)
        .is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|it| it == host));
    let site = text(HeaderName::from_static("sec-fetch-site"));
    origin_is_ours && site.is_none_or(|site| matches!(site, "same-origin" | "none"))
}
