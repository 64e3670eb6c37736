//! What every request passes on its way to a handler, outermost first: CORS, then
//! [`guard`] (trace, deadline, room, error contract), panics, body size.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::{sync::Semaphore, time::Instant};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
    limit::RequestBodyLimitLayer,
};
use tracing::Instrument;

use crate::{
    config::Server,
    deadline::{Deadline, DeadlineExceeded},
    error::{Error, ErrorCode, Failure},
    forge::Forge,
    trace::TraceId,
};

/// How long a caller that was turned away should stay away.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);
/// How long a browser may remember that an origin is allowed.
const PREFLIGHT_AGE: Duration = Duration::from_hours(1);
/// The explanation that a framework's rejection gives is not longer.
const MAX_EXPLANATION: usize = 1024;
/// It is there already: this is for a body that only looks like one.
const EXPLANATION_PATIENCE: Duration = Duration::from_millis(100);

pub(super) fn around(ui: Router<Forge>, forge: &Forge) -> Router {
    let settings = &forge.config().server;
    let limits = Limits {
        room: Arc::new(Semaphore::new(settings.max_in_flight)),
        patience: settings.answer_within,
    };
    ui.method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state(forge.clone())
        .layer(DefaultBodyLimit::max(settings.max_body_bytes))
        .layer(RequestBodyLimitLayer::new(settings.max_body_bytes))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(limits, guard))
        .layer(cors(settings))
}

/// Preflights are answered here, without a FIT and without touching state.
fn cors(settings: &Server) -> CorsLayer {
    let patterns = settings.cors_origins.clone();
    let allowed = AllowOrigin::predicate(move |origin: &HeaderValue, _| {
        origin
            .to_str()
            .is_ok_and(|origin| patterns.iter().any(|pattern| pattern.matches(origin)))
    });
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        // An app sends headers of its own; no cookie is ever looked at.
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(PREFLIGHT_AGE)
}

/// Shared by all routes: a layer is cloned for each.
#[derive(Clone)]
struct Limits {
    room: Arc<Semaphore>,
    patience: Duration,
}

async fn guard(State(limits): State<Limits>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace = TraceId::of(request.headers());
    let deadline = Deadline::after(limits.patience);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(trace.clone());
    request.extensions_mut().insert(deadline);
    let span = tracing::error_span!(
        "request",
        "trace.id" = %trace,
        "http.method" = %method,
        "http.route" = route.as_ref().map_or("<unknown>", MatchedPath::as_str),
        "installation.id" = tracing::field::Empty,
    );
    async {
        let answer = match limits.room.try_acquire() {
            Ok(_place) => deadline
                .bound(next.run(request))
                .await
                .unwrap_or_else(|_| late()),
            Err(_) => overloaded(),
        };
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

fn overloaded() -> Response {
    let message = "The remote has more requests than it can serve. Try again in a moment.";
    Error::new(ErrorCode::Overloaded, message)
        .retry_after(OVERLOAD_PAUSE)
        .response(None)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that CatchPanicLayer asks for"
)]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    // What a panic says may hold anything; the panic hook has printed where it was.
    let _ = panic;
    Error::internal("a handler panicked").response(None)
}

/// Gives every error the public JSON shape, with the trace id: those of this crate,
/// and the plain-text ones that the framework makes.
async fn by_contract(answer: Response, trace: &TraceId, deadline: Deadline) -> Response {
    if !answer.status().is_client_error() && !answer.status().is_server_error() {
        return answer;
    }
    if let Some(failure) = answer.extensions().get::<Failure>() {
        let body = failure.body(trace);
        return with_body(answer, body);
    }
    if answer.status() == StatusCode::UNAUTHORIZED {
        // The platform would tell the user that the FIT could not be verified.
        tracing::warn!("a handler answered 401, which is the FIT's alone: sent as 403");
        let message = "The remote refused the request.";
        return Error::new(ErrorCode::Forbidden, message).response(Some(trace));
    }
    if is_json(answer.headers()) {
        return answer;
    }
    reshape(answer, trace, deadline).await
}

/// A rejection of the framework keeps its status, its headers and its explanation.
async fn reshape(answer: Response, trace: &TraceId, deadline: Deadline) -> Response {
    let (mut parts, body) = answer.into_parts();
    let (code, message) = describe(parts.status);
    let message = match code {
        ErrorCode::BadRequest | ErrorCode::InvalidBody => {
            let explanation = explanation(body, deadline).await;
            format!("{message} {explanation}").trim_end().to_owned()
        }
        _ => message.to_owned(),
    };
    let error = Error::new(code, message).response(Some(trace));
    let (shape, body) = error.into_parts();
    remove_body_headers(&mut parts.headers);
    parts.headers.extend(shape.headers);
    parts.extensions.extend(shape.extensions);
    Response::from_parts(parts, body)
}

/// What a framework's rejection says, or nothing: a handler's own error may be a body
/// that never ends, or one that panics.
async fn explanation(body: Body, deadline: Deadline) -> String {
    let read = AssertUnwindSafe(to_bytes(body, MAX_EXPLANATION)).catch_unwind();
    let Ok(Ok(Ok(text))) = deadline.within(EXPLANATION_PATIENCE).bound(read).await else {
        return String::new();
    };
    std::str::from_utf8(&text)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn describe(status: StatusCode) -> (ErrorCode, &'static str) {
    match status {
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "There is nothing at this path."),
        StatusCode::METHOD_NOT_ALLOWED => (
            ErrorCode::MethodNotAllowed,
            "This path does not take this method: the `allow` header lists those it takes.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            ErrorCode::PayloadTooLarge,
            "The body is larger than the remote takes.",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            ErrorCode::UnsupportedMediaType,
            "The body's type is not the one this path takes: check `content-type`.",
        ),
        StatusCode::UNPROCESSABLE_ENTITY => (
            ErrorCode::InvalidBody,
            "The body is not what this path takes.",
        ),
        StatusCode::FORBIDDEN => (ErrorCode::Forbidden, "The remote refused the request."),
        StatusCode::TOO_MANY_REQUESTS => (
            ErrorCode::RateLimited,
            "There were too many requests. Try again later.",
        ),
        StatusCode::BAD_GATEWAY => (
            ErrorCode::UpstreamError,
            "A service that the remote depends on failed.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            ErrorCode::Overloaded,
            "The remote cannot serve this now. Try again later.",
        ),
        StatusCode::GATEWAY_TIMEOUT => (
            ErrorCode::DeadlineExceeded,
            "The answer took longer than the caller waits. Ask for less, or try again.",
        ),
        StatusCode::BAD_REQUEST => (ErrorCode::BadRequest, "The request cannot be read."),
        status if status.is_client_error() => {
            (ErrorCode::BadRequest, "The remote refused the request.")
        }
        _ => (
            ErrorCode::InternalError,
            "The remote failed. Its log has the cause under this trace id.",
        ),
    }
}

fn with_body(answer: Response, body: Vec<u8>) -> Response {
    let (mut parts, _) = answer.into_parts();
    remove_body_headers(&mut parts.headers);
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(parts, Body::from(body))
}

/// Takes away what speaks of the body that was: a layer of the app may have compressed it.
fn remove_body_headers(headers: &mut HeaderMap) {
    for name in [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONTENT_ENCODING,
        header::CONTENT_RANGE,
        header::ETAG,
        header::TRAILER,
    ] {
        headers.remove(name);
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        value
            .as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"application/json")
    })
}

/// Counts the request, and logs it once: failures for everybody, the rest for debugging.
fn close(answer: &Response, method: &Method, route: Option<&MatchedPath>, started: Instant) {
    let took = started.elapsed();
    let status = answer.status();
    let route = route.map_or("<unknown>", MatchedPath::as_str);
    metrics::counter!(
        "forge_requests_total",
        "route" => route.to_owned(),
        "class" => class(status),
    )
    .increment(1);
    metrics::histogram!("forge_request_seconds").record(took);
    let duration_ms = took.as_secs_f64() * 1000.0;
    let status = status.as_u16();
    match answer.extensions().get::<Failure>() {
        Some(Failure(error)) if status >= 500 => tracing::warn!(
            "http.status" = status, "error.code" = %error.code(), cause = error.causes(),
            "upstream.trace_id" = error.upstream_trace(), duration_ms, "{method} {route} failed"
        ),
        Some(Failure(error)) => tracing::info!(
            "http.status" = status, "error.code" = %error.code(), cause = error.causes(),
            "upstream.trace_id" = error.upstream_trace(), duration_ms, "{method} {route} refused"
        ),
        None => tracing::debug!("http.status" = status, duration_ms, "{method} {route}"),
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}
