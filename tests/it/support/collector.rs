//! A collector: what it is sent over OTLP, and how it may behave.

use std::{
    collections::BTreeMap,
    fmt::Write,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value},
    trace::v1::span::SpanKind,
};
use prost::Message;

use super::log;

const PATIENCE: Duration = Duration::from_secs(30);

/// A span as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
    pub(crate) kind: SpanKind,
    pub(crate) failed: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) resource: BTreeMap<String, String>,
}

impl Span {
    pub(crate) fn has(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Inner {
    silent: AtomicBool,
    received: Mutex<Vec<Received>>,
}

struct Received {
    path: String,
    headers: HeaderMap,
    spans: Vec<Span>,
}

/// Dropped, it is forgotten; its port stays open until the test ends.
#[derive(Clone)]
pub(crate) struct Collector {
    address: SocketAddr,
    inner: Arc<Inner>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::<Inner>::default();
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inner }
    }

    /// Takes requests and answers none from now on.
    pub(crate) fn falls_silent(&self) {
        self.inner.silent.store(true, Ordering::Relaxed);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let received = self.inner.received.lock().unwrap();
        let spans = received.iter().flat_map(|it| it.spans.iter().cloned());
        spans.collect()
    }

    /// Path and headers of each request.
    pub(crate) fn requests(&self) -> Vec<(String, HeaderMap)> {
        let received = self.inner.received.lock().unwrap();
        let requests = received.iter();
        requests
            .map(|it| (it.path.clone(), it.headers.clone()))
            .collect()
    }

    /// Waits until the spans are those, and gives them.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let began = Instant::now();
        loop {
            let spans = self.spans();
            if is_so(&spans) {
                return spans;
            }
            assert!(began.elapsed() < PATIENCE, "not so: {what}: {spans:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn receive(State(inner): State<Arc<Inner>>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if inner.silent.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    log::watch("AN EXPORTED TRACE", &String::from_utf8_lossy(&body));
    let received = Received {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        spans: spans(body),
    };
    inner.received.lock().unwrap().push(received);
    StatusCode::OK
}

fn spans(body: Bytes) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.unwrap_or_default();
        let resource = texts(resource.attributes);
        for of_scope in of_resource.scope_spans {
            spans.extend(of_scope.spans.into_iter().map(|span| Span {
                kind: span.kind(),
                failed: span.status.is_some_and(|status| status.code == 2),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                attributes: texts(span.attributes),
                name: span.name,
                resource: resource.clone(),
            }));
        }
    }
    spans
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |attribute: KeyValue| {
        let value = attribute.value.and_then(|value| value.value);
        let text = match value {
            Some(any_value::Value::StringValue(text)) => text,
            Some(any_value::Value::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        };
        (attribute.key, text)
    };
    let count = attributes.len();
    let texts: BTreeMap<_, _> = attributes.into_iter().map(text).collect();
    assert_eq!(texts.len(), count, "a key twice: {texts:?}");
    texts
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
