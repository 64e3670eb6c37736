//! The span of a request: what the log says with each of its lines, and what is exported.

use axum::extract::Request;
use http::{HeaderMap, StatusCode, Uri, header};
use tracing::{Span, field::Empty};

use super::closing::Asked;
use crate::{
    telemetry::{self, Attributes, Parent},
    trace::{Caller, SpanId, TraceId},
};

/// What of a path is exported. Longer ones come from strangers.
const LONGEST_PATH: usize = 256;
/// A segment of a path that is longer is no id of ours, and may be a token.
const LONGEST_SEGMENT: usize = 128;

/// Opens the span of a request. At the highest level: whatever is logged, a line says which
/// request it is about.
pub(super) fn open(request: &Request, asked: &Asked, trace: &TraceId) -> Span {
    let id = SpanId::random();
    let span = tracing::error_span!(
        "request",
        trace_id = &*trace.padded(),
        span_id = id.hex().as_str(),
        http.request.method = asked.method(),
        http.route = asked.route(),
        forge.kind = Empty,
        forge.installation = Empty,
        forge.module = Empty,
        otel.kind = Empty,
        otel.name = Empty,
    );
    if telemetry::exported() {
        export(&span, request, asked, trace, id);
    }
    span
}

/// As OpenTelemetry's conventions for HTTP servers have it. Neither the query nor the caller's
/// address is exported: both are about people.
fn export(span: &Span, request: &Request, asked: &Asked, trace: &TraceId, id: SpanId) {
    let method = asked.method();
    let name = if asked.has_route() {
        format!("{method} {}", asked.route())
    } else {
        method.to_owned()
    };
    tracing::record_all!(span, otel.kind = "server", otel.name = name.as_str());
    let caller = Caller::of(request.headers());
    let parent = caller
        .span
        .map(|span| Parent::of(trace, span, caller.sampled));
    telemetry::begin(span, trace, id, parent);
    span.text("url.path", path(request.uri()));
    span.text("url.scheme", scheme(request.headers()));
    span.text("network.protocol.version", "1.1");
    if let Some((host, port)) = host(request.headers()) {
        span.text("server.address", host);
        if let Some(port) = port {
            span.number("server.port", port.into());
        }
    }
}

/// Says how a request was answered. An error of the caller's is none of the server's.
pub(super) fn answered(status: StatusCode, code: Option<&'static str>) {
    if !telemetry::exported() {
        return;
    }
    let span = Span::current();
    span.number("http.response.status_code", status.as_u16().into());
    if status.is_server_error() {
        match code {
            Some(code) => span.failed(code),
            None => span.failed(status.as_str().to_owned()),
        }
    } else if let Some(code) = code {
        span.text("error.type", code);
    }
}

/// The path, without what may be a token: nobody should put one there, and somebody will.
fn path(uri: &Uri) -> String {
    let mut shown = String::new();
    for (at, segment) in uri.path().split('/').enumerate() {
        if at > 0 {
            shown.push('/');
        }
        let hides = segment.len() > LONGEST_SEGMENT || segment.starts_with("eyJ");
        shown.push_str(if hides { "REDACTED" } else { segment });
        if shown.len() > LONGEST_PATH {
            break;
        }
    }
    shown
}

/// A proxy in front of the remote speaks TLS, and says so.
fn scheme(headers: &HeaderMap) -> &'static str {
    match headers
        .get("x-forwarded-proto")
        .map(http::HeaderValue::as_bytes)
    {
        Some(b"https") => "https",
        _ => "http",
    }
}

/// What the caller takes the remote for: name and port.
fn host(headers: &HeaderMap) -> Option<(String, Option<u16>)> {
    let authority: http::uri::Authority = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
    // Longer than any name.
    let name = authority.host();
    (name.len() <= 253).then(|| (name.to_owned(), authority.port_u16()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_path_shows_no_token() {
        let long = format!("/api/{}/x", "a".repeat(129));
        for (given, shown) in [
            ("/", "/"),
            ("/api/me?account=7", "/api/me"),
            ("/api/eyJhbGciOiJSUzI1NiJ9.e30.x/y", "/api/REDACTED/y"),
            (&long, "/api/REDACTED/x"),
        ] {
            assert_eq!(path(&given.parse().unwrap()), shown);
        }
        let deep = "/a".repeat(10_000);
        assert!(path(&deep.parse().unwrap()).len() <= LONGEST_PATH + LONGEST_SEGMENT);
    }

    #[test]
    fn the_place_is_what_the_caller_took_it_for() {
        let of = |value: &'static str| {
            host(&HeaderMap::from_iter([(
                header::HOST,
                HeaderValue::from_static(value),
            )]))
        };
        assert_eq!(of("a.example"), Some(("a.example".to_owned(), None)));
        assert_eq!(of("a.example:81"), Some(("a.example".to_owned(), Some(81))));
        assert_eq!(of("[::1]:81"), Some(("[::1]".to_owned(), Some(81))));
        for nonsense in ["", "a b", "a:b:c", "@"] {
            assert_eq!(of(nonsense).filter(|(name, _)| name.contains(' ')), None);
        }
        assert_eq!(host(&HeaderMap::new()), None);
    }
}
