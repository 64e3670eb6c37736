//! What is counted and logged of a request once its answer is there.

use axum::{extract::MatchedPath, response::Response};
use http::{Method, StatusCode};
use tokio::time::Instant;

use crate::error::{ErrorCode, Failure};

/// Counts the request, and logs it once: failures for everybody, the rest for debugging.
pub(super) fn close(
    answer: &Response,
    method: &Method,
    route: Option<&MatchedPath>,
    started: Instant,
) {
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
    if error.code() == ErrorCode::Overloaded {
        // Counted and said where it was refused, once a second: a line for each would be one
        // more thing to do.
        tracing::debug!(
            "http.status" = status,
            cause,
            duration_ms,
            "{method} {route} turned away"
        );
    } else if status >= 500 {
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
