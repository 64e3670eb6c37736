//! What a request that was let in passes on its way to a handler, outermost first:
//! [`guard`] (trace, deadline, error contract), panics, body size.

use std::any::Any;

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    middleware::{Next, from_fn},
    response::Response,
};
use http::StatusCode;
use tokio::time::Instant;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};
use tracing::Instrument;

use super::{closing::close, contract::by_contract};
use crate::{
    deadline::{Deadline, DeadlineExceeded},
    error::Error,
    forge::Forge,
    invocation::hide_tokens,
    trace::TraceId,
};

pub(super) fn around(ui: Router<Forge>, forge: &Forge) -> Router {
    let settings = &forge.config().server;
    ui.method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state(forge.clone())
        .layer(DefaultBodyLimit::max(settings.max_body_bytes))
        .layer(RequestBodyLimitLayer::new(settings.max_body_bytes))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(guard))
}

/// The gate in front of the router has set the deadline.
async fn guard(
    Extension(deadline): Extension<Deadline>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    hide_tokens(request.headers_mut());
    let trace = TraceId::of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(trace.clone());
    let span = tracing::error_span!(
        "request",
        "trace.id" = %trace,
        "http.method" = %method,
        "http.route" = route.as_ref().map_or("<unknown>", MatchedPath::as_str),
        "installation.id" = tracing::field::Empty,
    );
    async {
        let answer = deadline
            .bound(next.run(request))
            .await
            .unwrap_or_else(|_| late());
        let answer = by_contract(answer, &trace, deadline).await;
        close(&answer, &method, route.as_ref(), started);
        answer
    }
    .instrument(span)
    .await
}

fn late() -> Response {
    Error::from(DeadlineExceeded).response(None)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that CatchPanicLayer asks for"
)]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    // What a panic says may hold anything; the panic hook has printed where it was.
    let _ = panic;
    Error::internal("a handler panicked").response(None)
}
