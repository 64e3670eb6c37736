//! What a request that was let in passes on its way to a handler: trace and span, deadline,
//! panics, the size of its body, the error contract.
//!
//! All of it is one layer. For every request the router clones each layer and boxes what it
//! returns, which costs more than what most of them do.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    RequestExt, Router,
    body::HttpBody,
    extract::{DefaultBodyLimit, Request},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::StatusCode;
use tower::{Layer, Service};
use tracing::Instrument;

use super::{
    closing::{Asked, Closing},
    contract::by_contract,
    span,
};
use crate::{
    deadline::{Deadline, DeadlineExceeded},
    error::Error,
    forge::Forge,
    invocation::hide_tokens,
    trace::TraceId,
};

pub(super) fn around(ui: Router<Forge>, forge: &Forge) -> Router {
    let settings = &forge.config().server;
    let guard = Guard {
        closing: Closing::new(),
        max_body_bytes: settings.max_body_bytes,
        answer_within: settings.answer_within,
    };
    ui.method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state(forge.clone())
        .layer(guard)
}

/// Puts [`Guarded`] around routes.
#[derive(Debug, Clone)]
struct Guard {
    closing: Closing,
    max_body_bytes: usize,
    /// For a request that comes without the gate's deadline.
    answer_within: Duration,
}

#[derive(Debug, Clone)]
struct Guarded<Route> {
    route: Route,
    guard: Guard,
}

/// The body is larger than the settings allow.
struct TooLarge;

impl<Route> Layer<Route> for Guard {
    type Service = Guarded<Route>;

    fn layer(&self, route: Route) -> Guarded<Route> {
        Guarded {
            route,
            guard: self.clone(),
        }
    }
}

impl<Route> Service<Request> for Guarded<Route>
where
    Route: Service<Request, Response = Response, Error = Infallible>,
    Route::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.route.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        hide_tokens(request.headers_mut());
        let trace = TraceId::of(request.headers());
        request.extensions_mut().insert(trace.clone());
        let deadline = self.guard.deadline(&request);
        let asked = Asked::now(&request);
        request.extensions_mut().insert(asked.recognised().clone());
        let span = span::open(&request, &asked, &trace);
        let bounded = self.guard.bounded(request);
        let answering = span.in_scope(|| bounded.map(|request| self.route.call(request)));
        let closing = self.guard.closing.clone();
        let answer = async move {
            let answer = match answering {
                Ok(answering) => in_time(answering, deadline).await,
                Err(TooLarge) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            };
            let answer = by_contract(answer, &trace, deadline).await;
            closing.close(&answer, &asked);
            Ok(answer)
        };
        Box::pin(answer.instrument(span))
    }
}

impl Guard {
    fn deadline(&self, request: &Request) -> Deadline {
        let deadline = request.extensions().get().copied();
        deadline.unwrap_or_else(|| Deadline::after(self.answer_within))
    }

    /// The request, with a body that ends where it becomes too large.
    fn bounded(&self, mut request: Request) -> Result<Request, TooLarge> {
        let size = request.body().size_hint();
        if size.lower() > self.max_body_bytes as u64 {
            return Err(TooLarge);
        }
        if size.upper() != Some(0) {
            // Else those who read it would keep to the framework's own limit.
            DefaultBodyLimit::max(self.max_body_bytes).apply(&mut request);
        }
        // The server reads no more than a length that was announced.
        Ok(match size.upper() {
            Some(_) => request,
            None => request.with_limited_body(),
        })
    }
}

/// The answer, or what is said for a handler that panics or takes too long.
async fn in_time(
    answering: impl Future<Output = Result<Response, Infallible>>,
    deadline: Deadline,
) -> Response {
    let answering = AssertUnwindSafe(answering).catch_unwind();
    match deadline.bound(answering).await {
        Ok(Ok(Ok(answer))) => answer,
        // What a panic says may hold anything; the panic hook has printed where it was.
        Ok(Err(_panic)) => Error::internal("a handler panicked").response(None),
        Err(DeadlineExceeded) => Error::from(DeadlineExceeded).response(None),
    }
}
