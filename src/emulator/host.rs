//! The product around an app's page: a frame that looks like Confluence or Jira, the page in
//! it, and answers to what the page asks of its bridge.
//!
//! The app's page comes from a listener of its own. On the platform it has another origin than
//! the product, and only so are its isolation and CORS those that it meets there: with a
//! sandboxed frame of an opaque origin neither `localStorage` nor module scripts would work
//! as they do on the platform, and the console's own origin would hand it the emulator's doors.

mod assets;
mod bridge;
mod context;
mod files;
mod fits;
mod form;
mod injection;
mod page;
mod policy;
mod preflight;
mod product;
mod relay;
mod report;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderValue, Method, StatusCode, header};

use super::{console::is_from_here, stage::Stage};

pub(super) use files::routes as pages;
pub(super) use fits::BrowserFits;

/// Larger than what the bridge takes, so that the platform's own limit is what is met.
const MAX_CALL_BYTES: usize = 8 * 1024 * 1024;

/// Host pages, and the doors that their script uses.
pub(super) fn routes(stage: &Arc<Stage>) -> Router<Arc<Stage>> {
    let doors = Router::new()
        .route("/host/{module}/context", get(context::answer))
        .route("/host/{module}/invoke", post(bridge::invoke))
        .route("/host/{module}/fit", post(bridge::fit))
        .route("/host/{module}/fetched", post(report::fetched))
        .route("/host/{module}/theme", post(form::theme))
        .layer(DefaultBodyLimit::max(MAX_CALL_BYTES));
    Router::new()
        .route("/host", get(index))
        .route("/host/{module}", get(module))
        .route("/host/{module}/session", post(form::session))
        .merge(doors)
        .route("/host-assets/{name}", get(assets::serve))
        .layer(from_fn(guard))
        .layer(from_fn_with_state(Arc::clone(stage), one_origin))
}

async fn index(State(stage): State<Arc<Stage>>) -> Response {
    policy::with(&stage, page::index(&stage))
}

async fn module(State(stage): State<Arc<Stage>>, Path(key): Path<String>) -> Response {
    if let Some(module) = stage.manifest.module(&key) {
        return policy::with(&stage, page::of(&stage, module));
    }
    let page = page::index(&stage);
    (StatusCode::NOT_FOUND, policy::with(&stage, page)).into_response()
}

/// Nobody but a host page's own script gets at the doors: not another site, and not the app's
/// page, which is one.
async fn guard(request: Request, next: Next) -> Response {
    if !is_from_here(&request) {
        let message = "Only a host page of this emulator may ask that.\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// `localhost` and `127.0.0.1` are two origins: remotes allow one of them, and pages are framed by one.
async fn one_origin(State(stage): State<Arc<Stage>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let ours = stage.origin.trim_start_matches("http://");
    if request.method() == Method::GET && host.is_some_and(|host| host != ours) {
        return Redirect::temporary(&format!("{}{}", stage.origin, request.uri())).into_response();
    }
    next.run(request).await
}
