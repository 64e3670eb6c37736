//! What `tracing` has otherwise than OpenTelemetry's conventions, put right before it is sent.

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::SpanData;

/// Methods that may stand in an attribute as they are (RFC 9110, and PATCH).
const KNOWN_METHODS: [&str; 9] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
];
pub(super) const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
/// What the log says of a path that no route takes.
const NO_ROUTE: &str = "<unknown>";
/// No attribute says more.
const LONGEST: usize = 1024;

/// Takes out what stands in the log's fields only, and bounds the rest.
pub(super) fn scrub(span: &mut SpanData) {
    span.attributes.retain(|attribute| {
        let key = attribute.key.as_str();
        // They are the span's own.
        let of_log = matches!(key, "trace_id" | "span_id");
        let is_no_route = key == ROUTE && attribute.value.as_str() == NO_ROUTE;
        !of_log && !is_no_route
    });
    span.attributes.iter_mut().for_each(bound);
    for event in &mut span.events.events {
        event.attributes.iter_mut().for_each(bound);
    }
    let method = span
        .attributes
        .iter_mut()
        .find(|attribute| attribute.key.as_str() == METHOD);
    if let Some(method) = method
        && !KNOWN_METHODS.contains(&&*method.value.as_str())
    {
        method.value = "_OTHER".into();
    }
}

fn bound(attribute: &mut KeyValue) {
    let text = match &attribute.value {
        opentelemetry::Value::String(text) if text.as_str().len() > LONGEST => text.as_str(),
        _ => return,
    };
    let short: String = text.chars().take(LONGEST).collect();
    attribute.value = short.into();
}
