//! What every request passes on its way to a handler, outermost first: CORS, then
//! [`guard`] (trace, deadline, room, error contract), panics, body size.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use http::{HeaderValue, Method, StatusCode};
use tokio::{sync::Semaphore, time::Instant};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
    limit::RequestBodyLimitLayer,
};
use tracing::Instrument;

use super::contract::by_contract;
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
/// Forge waits 5 s for the answer to an event or a tick (Forge Remote essentials).
const PLATFORM_PATIENCE: Duration = Duration::from_millis(4500);
/// It waits 55 s for an uninstall (Forge events: "Uninstall").
const UNINSTALL_PATIENCE: Duration = Duration::from_secs(53);

pub(super) fn around(ui: Router<Forge>, forge: &Forge) -> Router {
    let settings = &forge.config().server;
    let limits = Limits::new(settings);
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
    ui: Lane,
    platform: Lane,
    uninstalls: Lane,
}

/// Room for requests of one kind, and what they have.
///
/// Each kind has as much room as the settings say for itself: people on a page do not keep
/// events out, a flood of events does not keep people out, and neither meets an uninstall,
/// which takes long and comes only once.
#[derive(Clone)]
struct Lane {
    room: Arc<Semaphore>,
    patience: Duration,
}

impl Limits {
    fn new(settings: &Server) -> Self {
        let lane = |patience| Lane {
            room: Arc::new(Semaphore::new(settings.max_in_flight)),
            patience,
        };
        Self {
            ui: lane(settings.answer_within),
            platform: lane(PLATFORM_PATIENCE),
            uninstalls: lane(UNINSTALL_PATIENCE),
        }
    }

    fn lane(&self, route: Option<&MatchedPath>) -> &Lane {
        match route.map(MatchedPath::as_str) {
            Some("/forge/uninstall") => &self.uninstalls,
            Some(route) if route.starts_with("/forge/") => &self.platform,
            _ => &self.ui,
        }
    }
}

async fn guard(State(limits): State<Limits>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace = TraceId::of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let lane = limits.lane(route.as_ref());
    let deadline = Deadline::after(lane.patience);
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
        let answer = match lane.room.try_acquire() {
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
    let Some(Failure(error)) = answer.extensions().get::<Failure>() else {
        return tracing::debug!("http.status" = status, duration_ms, "{method} {route}");
    };
    let causes = error.causes();
    let cause = (!causes.is_empty()).then_some(causes);
    if status >= 500 {
        tracing::warn!(
            "http.status" = status, "error.code" = %error.code(), cause,
            "upstream.trace_id" = error.upstream_trace(), duration_ms, "{method} {route} failed"
        );
    } else {
        tracing::info!(
            "http.status" = status, "error.code" = %error.code(), cause,
            "upstream.trace_id" = error.upstream_trace(), duration_ms, "{method} {route} refused"
        );
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
