//! The span of a call that goes out: one for each try.

use std::cell::Cell;

use http::{Method, StatusCode};
use tracing::{Span, field::Empty};
use url::Url;

use crate::{
    telemetry::{self, Attributes, Parent},
    trace::{SpanId, TraceId},
};

/// A call that is about to be sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    /// The path with `{names}` for what differs between calls.
    pub(crate) route: &'a str,
    /// How often it was sent before.
    pub(crate) resent: u32,
}

/// The span of one try, as OpenTelemetry's conventions for HTTP clients have it. The headers
/// that go out name it, so that what the other side exports is its child.
pub(crate) struct ClientSpan {
    span: Span,
    id: SpanId,
    has_failed: Cell<bool>,
}

impl ClientSpan {
    /// Begins it below the current span, or below `parent`.
    pub(crate) fn begin(outgoing: &Outgoing<'_>, trace: &TraceId, parent: Option<Parent>) -> Self {
        let id = SpanId::random();
        // Nobody logs at this level where it matters: without an exporter it is no span at all.
        let span = tracing::debug_span!(
            "call",
            trace_id = &*trace.padded(),
            span_id = id.hex().as_str(),
            http.request.method = outgoing.method.as_str(),
            url.template = outgoing.route,
            otel.kind = Empty,
            otel.name = Empty,
        );
        if telemetry::exported() && !span.is_disabled() {
            export(&span, outgoing, trace, id, parent);
        }
        Self {
            span,
            id,
            has_failed: Cell::new(false),
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(crate) const fn id(&self) -> SpanId {
        self.id
    }

    /// Which product is called, and as whom.
    pub(crate) fn of_product(&self, product: &'static str, identity: &'static str) {
        self.with(|span| {
            span.text("forge.product", product);
            span.text("forge.identity", identity);
        });
    }

    pub(crate) fn of_graphql(&self, kind: &'static str, name: &'static str) {
        self.with(|span| {
            span.text("graphql.operation.type", kind);
            span.text("graphql.operation.name", name);
        });
    }

    /// What the other side calls the trace.
    pub(crate) fn traced_as(&self, upstream: &str) {
        self.with(|span| span.text("forge.upstream_trace_id", upstream.to_owned()));
    }

    /// An answer came. For a client 4xx is an error too.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.with(|span| {
            span.number("http.response.status_code", status.as_u16().into());
            if status.is_client_error() || status.is_server_error() {
                self.has_failed.set(true);
                span.failed(status.as_str().to_owned());
            }
        });
    }

    /// No answer came, or none that can be used, or the other side said no in one that is none
    /// of HTTP's errors. A status that is one says it better.
    pub(crate) fn failed(&self, why: &'static str) {
        if !self.has_failed.get() {
            self.with(|span| span.failed(why));
        }
    }

    fn with(&self, say: impl FnOnce(&Span)) {
        if telemetry::exported() && !self.span.is_disabled() {
            say(&self.span);
        }
    }
}

fn export(
    span: &Span,
    outgoing: &Outgoing<'_>,
    trace: &TraceId,
    id: SpanId,
    parent: Option<Parent>,
) {
    let Outgoing {
        method,
        url,
        route,
        resent,
    } = outgoing;
    let name = format!("{method} {route}");
    tracing::record_all!(span, otel.kind = "client", otel.name = name.as_str());
    telemetry::begin(span, trace, id, parent);
    span.text("url.full", without_query(url));
    if let Some(host) = url.host_str() {
        span.text("server.address", host.to_owned());
    }
    if let Some(port) = url.port_or_known_default() {
        span.number("server.port", port.into());
    }
    if *resent > 0 {
        span.number("http.request.resend_count", (*resent).into());
    }
}

/// The query is left out: it may be about people. A URL of ours has no user in it.
fn without_query(url: &Url) -> String {
    let whole = url.as_str();
    let end = whole.find(['?', '#']).unwrap_or(whole.len());
    whole[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_query() {
        let url = |text: &str| without_query(&text.parse().unwrap());
        assert_eq!(
            url("https://a.example/b/c?account=7#d"),
            "https://a.example/b/c"
        );
        assert_eq!(url("https://a.example/b"), "https://a.example/b");
    }
}
