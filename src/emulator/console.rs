//! The page for people: choose who invokes what, press a button, see everything.
//!
//! HTML from the server and plain forms; no script, nothing from elsewhere.

mod calls;
mod delivery;
mod detail;
mod events;
mod firing;
mod form;
mod json;
mod layout;
mod overview;
mod path;
mod remote;
mod storage;

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{Path, Query, Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{
    platform::{self, Invoke},
    stage::Stage,
};
use form::Filled;
use layout::Tab;

/// No script at all; styles and pictures from here; forms to here; no frame around it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The console's pages.
pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/", get(home))
        .route("/invocations/{id}", get(invocation))
        .route("/invoke", post(invoke))
        .route("/storage", get(stored))
        .route("/remote", get(remote_page))
        .route("/console.css", get(style))
        .route("/icon.svg", get(icon))
        .merge(events::routes())
        .fallback(nothing_here)
        .layer(from_fn(guard))
}

async fn home(State(stage): State<Arc<Stage>>) -> Response {
    let filled = Filled::first(&stage);
    layout::page(
        &stage,
        Tab::Invocations,
        None,
        &filled,
        &overview::section(&stage),
    )
    .into_response()
}

async fn invocation(State(stage): State<Arc<Stage>>, Path(id): Path<u64>) -> Response {
    match stage.journal.get(id) {
        Some(invocation) => {
            let filled = Filled::of(&stage, &invocation);
            let section = detail::section(&invocation);
            layout::page(&stage, Tab::Invocations, Some(id), &filled, &section).into_response()
        }
        None => nothing_here(State(stage)).await,
    }
}

async fn stored(State(stage): State<Arc<Stage>>, Query(view): Query<storage::View>) -> Response {
    let filled = Filled::first(&stage);
    layout::page(
        &stage,
        Tab::Storage,
        None,
        &filled,
        &storage::section(&stage, &view),
    )
    .into_response()
}

async fn remote_page(State(stage): State<Arc<Stage>>) -> Response {
    let section = remote::section(&stage).await;
    let filled = Filled::first(&stage);
    layout::page(&stage, Tab::Remote, None, &filled, &section).into_response()
}

async fn nothing_here(State(stage): State<Arc<Stage>>) -> Response {
    let filled = Filled::first(&stage);
    let section = layout::notice(
        "Nothing here",
        "It remembers the last hundred invocations, and none from before it was started.",
    );
    let page = layout::page(&stage, Tab::Invocations, None, &filled, &section);
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
            let page = layout::page(&stage, Tab::Invocations, None, &filled, &section);
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    }
}

async fn style() -> impl IntoResponse {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    (
        [(header::CONTENT_TYPE, kind)],
        include_str!("console/style.css"),
    )
}

async fn icon() -> impl IntoResponse {
    let kind = HeaderValue::from_static("image/svg+xml");
    (
        [(header::CONTENT_TYPE, kind)],
        include_str!("console/icon.svg"),
    )
}

/// Turns away posts from other sites, and forbids every page what it does not need.
async fn guard(request: Request, next: Next) -> Response {
    if request.method() != Method::GET && !same_site(request.headers()) {
        let message = "This form can be sent from the console's own page only.\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // `no-referrer` would make browsers send `Origin: null` with the form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Browsers name the page's origin in every post; other clients name none.
pub(super) fn same_site(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = text(header::HOST).unwrap_or_default();
    let origin_is_ours = text(header::ORIGIN)
        .is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|it| it == host));
    let site = text(HeaderName::from_static("sec-fetch-site"));
    origin_is_ours && site.is_none_or(|site| matches!(site, "same-origin" | "none"))
}
