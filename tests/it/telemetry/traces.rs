//! What a collector gets of an invocation and of an event, and what it does not get.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;

use crate::support::{
    atlassian::{denied, json_answer},
    caller::Caller,
    claims::{COLLEAGUE, INSTALLATION},
    collector::{Collector, Span},
    load::updated,
    place::Place,
    remote::{Remote, Serve},
    site::Site,
};

pub(super) const TRACE: &str = "463ac35c9f6413ad48485a3953bb6124";
const SHORT_TRACE: &str = "463ac35c9f6413ad";
const FORGES_SPAN: &str = "a2fb4a1d1a96d312";

const SERVER: &str = "GET /api/accounts/{account}/content";
const KEYS: &str = "GET /.well-known/jwks.json";
const PROCESS: &str = "process avi:confluence:updated:page";

pub(super) fn of_forge(remote: &Remote, trace: &str) -> Caller {
    let forge = remote.anybody().with_fit().app_token().user_token();
    forge
        .header("x-b3-traceid", trace)
        .header("x-b3-spanid", FORGES_SPAN)
}

#[track_caller]
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next();
    let span = span.unwrap_or_else(|| panic!("no {name} in {spans:#?}"));
    assert!(found.next().is_none(), "{name} twice in {spans:#?}");
    span
}

/// Without the fetches of key sets, which are no part of a request's trace.
fn of_requests(spans: Vec<Span>) -> Vec<Span> {
    let mut spans = spans;
    spans.retain(|span| span.name != KEYS);
    spans
}

pub(super) fn has(spans: &[Span], name: &str) -> bool {
    spans.iter().any(|span| span.name == name)
}

#[track_caller]
fn assert_says(span: &Span, said: &[(&str, &str)]) {
    for (key, value) in said {
        assert_eq!(span.has(key), *value, "{key} of {span:#?}");
    }
}

#[tokio::test]
async fn an_invocation_is_one_trace_from_forges_span_over_the_exchange_to_the_product() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let collector = Collector::start().await;
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url())
        .variable("OTEL_EXPORTER_OTLP_HEADERS", "x-team=quarry")
        .variable("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=quarry")
        .start()
        .await;
    let path = format!("/api/accounts/{COLLEAGUE}/content?limit=7");
    let _ = of_forge(&remote, TRACE).get(&path).await.ok();

    let spans = collector
        .until("the request's span", |spans| has(spans, SERVER))
        .await;
    let spans = of_requests(spans);
    assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:#?}");

    let server = named(&spans, SERVER);
    assert_eq!(server.parent, FORGES_SPAN);
    assert_eq!(server.kind, SpanKind::Server);
    assert!(!server.failed);
    let installation = INSTALLATION.rsplit('/').next().unwrap();
    let path = path.split('?').next().unwrap();
    assert_says(
        server,
        &[
            ("http.request.method", "GET"),
            ("http.route", "/api/accounts/{account}/content"),
            ("http.response.status_code", "200"),
            ("url.path", path),
            ("url.scheme", "http"),
            ("server.address", "127.0.0.1"),
            ("network.protocol.version", "1.1"),
            ("forge.kind", "ui"),
            ("forge.installation", installation),
            ("forge.module", "digest-page"),
            // They are the span's own, and the query is about people.
            ("trace_id", ""),
            ("span_id", ""),
            ("url.query", ""),
            ("otel.name", ""),
        ],
    );
    assert_eq!(server.resource["service.name"], "forge-remote");
    assert_eq!(
        server.resource["service.version"],
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(server.resource["deployment.environment.name"], "test");
    assert_eq!(server.resource["service.instance.id"].len(), 36);
    assert_eq!(server.resource["service.namespace"], "quarry");

    let port = site.atlassian.address.port().to_string();
    let exchange = named(&spans, "POST /graphql");
    assert_eq!(exchange.parent, server.id);
    assert_eq!(exchange.kind, SpanKind::Client);
    assert_says(
        exchange,
        &[
            ("http.request.method", "POST"),
            ("http.response.status_code", "200"),
            ("server.address", "127.0.0.1"),
            ("server.port", &port),
            ("url.full", &format!("{}/graphql", site.atlassian.url())),
            ("graphql.operation.type", "mutation"),
            (
                "graphql.operation.name",
                "forge_remote_offlineUserAuthToken",
            ),
        ],
    );

    let product = named(&spans, "GET /wiki/rest/api/content");
    assert_eq!(product.parent, server.id);
    assert_eq!(product.kind, SpanKind::Client);
    assert_says(
        product,
        &[
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("url.template", "/wiki/rest/api/content"),
            ("server.port", &port),
            ("forge.product", "confluence"),
            ("forge.identity", "account"),
            ("http.request.resend_count", ""),
        ],
    );
    let url = product.has("url.full");
    assert!(url.ends_with("/wiki/rest/api/content"), "{url}");

    // What Atlassian exports is a child of the call's span.
    let calls = site.atlassian.calls();
    for (path, span) in [("/graphql", exchange), ("/wiki/rest/api/content", product)] {
        let call = calls.iter().find(|it| it.path.ends_with(path)).unwrap();
        assert_eq!(call.headers["x-b3-traceid"], TRACE);
        assert_eq!(call.headers["x-b3-spanid"], span.id.as_str());
        assert!(!call.headers.contains_key("traceparent"));
    }

    for (path, headers) in collector.requests() {
        assert_eq!(path, "/v1/traces");
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(headers["x-team"], "quarry");
    }
}

#[tokio::test]
async fn a_short_id_of_forges_is_the_same_trace_with_zeros_before_it() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let collector = Collector::start().await;
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url())
        .set("TELEMETRY__SERVICE_NAME", "digest")
        .start()
        .await;
    let forge = of_forge(&remote, SHORT_TRACE);
    let _ = forge.get("/api/me").await;
    // No span of Forge's: the trace is the same, and ours is its first span.
    let alone = remote.anybody().with_fit().user_token();
    let alone = alone.header("x-b3-traceid", TRACE);
    let _ = alone.get("/api/invocation").await.ok();
    // Nor a trace: the answer tells which one was made.
    let strange = remote
        .anybody()
        .get("/nowhere/eyJhbGciOiJSUzI1NiJ9.e30.sig");
    let strange = strange.await.refused(404, "not_found");
    let spans = collector
        .until("three spans of requests", |spans| {
            let servers = spans.iter().filter(|span| span.kind == SpanKind::Server);
            servers.count() == 3
        })
        .await;
    let spans = of_requests(spans);
    let padded = format!("0000000000000000{SHORT_TRACE}");
    let server = named(&spans, "GET /api/me");
    assert_eq!((&*server.trace, &*server.parent), (&*padded, FORGES_SPAN));
    assert_eq!(server.resource["service.name"], "digest");
    let product = spans.iter().find(|span| span.kind == SpanKind::Client);
    assert_eq!(product.unwrap().trace, padded);
    let call = &site.atlassian.calls()[0];
    assert_eq!(call.headers["x-b3-traceid"], SHORT_TRACE);

    let alone = named(&spans, "GET /api/invocation");
    assert_eq!((&*alone.trace, &*alone.parent), (TRACE, ""));

    let unknown = named(&spans, "GET");
    assert_eq!(unknown.trace, strange["traceId"].as_str().unwrap());
    assert_says(
        unknown,
        &[
            ("http.response.status_code", "404"),
            ("error.type", "not_found"),
            ("url.path", "/nowhere/REDACTED"),
            ("http.route", ""),
        ],
    );
    assert!(!unknown.failed, "an error of the caller's is none of ours");
}

#[tokio::test]
async fn an_event_is_one_trace_from_its_arrival_to_the_attempt_and_its_calls() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let collector = Collector::start().await;
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url())
        .start()
        .await;
    let event = remote.as_platform().json(&updated("4711"));
    let event = event
        .header("x-b3-traceid", TRACE)
        .header("x-b3-spanid", FORGES_SPAN);
    let taken = event.post("/forge/events").await;
    assert_eq!(taken.status, 202);

    let spans = collector
        .until("the attempt's span", |spans| has(spans, PROCESS))
        .await;
    let spans = of_requests(spans);
    assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:#?}");
    let server = named(&spans, "POST /forge/events");
    assert_eq!(server.parent, FORGES_SPAN);
    assert_says(
        server,
        &[
            ("forge.kind", "event"),
            ("http.response.status_code", "202"),
        ],
    );
    let kept = named(&spans, "send avi:confluence:updated:page");
    assert_eq!((&kept.parent, kept.kind), (&server.id, SpanKind::Producer));
    let attempt = named(&spans, PROCESS);
    assert_eq!(
        (&attempt.parent, attempt.kind),
        (&kept.id, SpanKind::Consumer)
    );
    assert!(!attempt.failed);
    let id = taken.json()["id"].as_str().unwrap().to_owned();
    assert_says(
        attempt,
        &[
            ("messaging.system", "forge_remote"),
            ("messaging.operation.type", "process"),
            ("messaging.message.id", &id),
            ("forge.job.attempt", "1"),
            ("forge.job.outcome", "done"),
        ],
    );
    let read = named(&spans, "GET /wiki/api/v2/pages/{id}");
    assert_eq!(read.parent, attempt.id);
    let written = named(&spans, "POST /v1/set");
    assert_eq!(written.parent, attempt.id);
    assert_says(
        written,
        &[("forge.product", "storage"), ("forge.identity", "app")],
    );
}

#[tokio::test]
async fn who_begins_a_trace_decides_and_else_the_ratio_does() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let collector = Collector::start().await;
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url())
        .set("TELEMETRY__SAMPLE_RATIO", "0.0")
        .start()
        .await;
    let call = async |trace: &str, sampled: Option<&str>| {
        let mut caller = of_forge(&remote, trace);
        if let Some(sampled) = sampled {
            caller = caller.header("x-b3-sampled", sampled);
        }
        let _ = caller.get("/api/me").await;
    };
    call(&"a".repeat(32), None).await;
    call(&"b".repeat(32), Some("0")).await;
    call(&"c".repeat(32), Some("1")).await;
    let spans = collector
        .until("a span of the request", |spans| has(spans, "GET /api/me"))
        .await;
    let others = spans.iter().filter(|span| !span.trace.starts_with("cc"));
    assert_eq!(others.count(), 0, "{spans:#?}");
}

#[tokio::test]
async fn each_try_of_a_call_is_a_span_and_a_shared_exchange_is_one() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let collector = Collector::start().await;
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url())
        .start()
        .await;
    let tries = AtomicUsize::new(0);
    site.atlassian.answers(move |call| {
        let path = call.path.as_str();
        if path == "/graphql" {
            denied("this user has not agreed")
        } else if path.ends_with("/user/current") && tries.fetch_add(1, Ordering::Relaxed) == 0 {
            json_answer(503, json!({}))
        } else {
            let operations = json!([{"operation": "administer", "targetType": "application"}]);
            json_answer(
                200,
                json!({"accountId": COLLEAGUE, "operations": operations}),
            )
        }
    });
    let path = format!("/api/accounts/{COLLEAGUE}/content");
    let _ = of_forge(&remote, TRACE).get("/api/me").await.ok();
    let traces = ["a".repeat(32), "b".repeat(32)];
    let calls = traces
        .iter()
        .map(|trace| of_forge(&remote, trace).get(&path));
    for answer in futures_util::future::join_all(calls).await {
        let _ = answer.refused(403, "impersonation_denied");
    }
    let spans = collector
        .until("all three requests", |spans| {
            let servers = spans.iter().filter(|span| span.kind == SpanKind::Server);
            servers.count() == 3
        })
        .await;

    let me = named(&spans, "GET /api/me");
    let tries: Vec<_> = spans
        .iter()
        .filter(|span| span.parent == me.id && span.kind == SpanKind::Client)
        .collect();
    let [first, second] = tries.as_slice() else {
        panic!("two tries: {tries:#?}")
    };
    assert!(first.failed && !second.failed);
    assert_says(
        first,
        &[
            ("http.response.status_code", "503"),
            ("error.type", "503"),
            ("http.request.resend_count", ""),
        ],
    );
    assert_says(
        second,
        &[
            ("http.response.status_code", "200"),
            ("error.type", ""),
            ("http.request.resend_count", "1"),
        ],
    );

    // Whoever came second waited, or was told what is remembered.
    let exchange = named(&spans, "POST /graphql");
    let driver = spans
        .iter()
        .find(|span| span.id == exchange.parent)
        .unwrap();
    assert_eq!(driver.trace, exchange.trace);
    assert!(traces.contains(&exchange.trace));
    assert!(exchange.failed);
    assert_says(
        exchange,
        &[
            ("http.response.status_code", "200"),
            ("error.type", "denied"),
        ],
    );
    assert!(!driver.failed);
    assert_says(driver, &[("error.type", "impersonation_denied")]);
}

#[tokio::test]
async fn a_fetch_of_the_key_set_is_a_trace_of_its_own() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let collector = Collector::start().await;
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__OTLP_ENDPOINT", &collector.url())
        .start()
        .await;
    let _ = of_forge(&remote, TRACE).get("/api/invocation").await.ok();
    let spans = collector.until("the fetch", |spans| has(spans, KEYS)).await;
    let fetch = named(&spans, KEYS);
    assert_ne!(fetch.trace, TRACE);
    assert_eq!((&*fetch.parent, fetch.kind), ("", SpanKind::Client));
    assert!(!fetch.failed);
    let url = format!("{}/.well-known/jwks.json", site.atlassian.url());
    assert_says(
        fetch,
        &[("http.response.status_code", "200"), ("url.full", &url)],
    );
}
