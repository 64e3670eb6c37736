use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tracing::{field::Empty, subscriber::with_default};
use tracing_subscriber::{layer::SubscriberExt, registry};

use super::JsonLines;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written while `logs` runs, line by line.
fn lines(logs: impl FnOnce()) -> Vec<Value> {
    let written = Written::default();
    let writer = written.clone();
    let layer = JsonLines::to(move || writer.clone());
    with_default(registry().with(layer), logs);
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

fn keys(line: &Value) -> Vec<&str> {
    line.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_line_has_what_its_event_and_the_spans_around_it_say_under_flat_keys() {
    let lines = lines(|| {
        let request = tracing::error_span!(
            "request",
            otel.kind = "server",
            trace_id = "0af7651916cd43dd8448eb211c80319c",
            span_id = "b7ad6b7169203331",
            http.request.method = "GET",
            http.route = "/api/me",
            forge.kind = "ui",
            forge.installation = Empty,
            forge.module = Empty,
        );
        let _request = request.enter();
        request.record("forge.installation", "9c7e1a52");
        request.record("forge.module", "panel");
        let inner = tracing::info_span!("mine", page = 7, warm = true, share = 0.5, span_id = "c");
        let _inner = inner.enter();
        tracing::info!(status = 200, code = "ok", "answered {}", 1);
    });
    let [line] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    let said = serde_json::json!({
        "timestamp": line["timestamp"],
        "level": "INFO",
        "target": "forge_remote::telemetry::json::tests",
        "message": "answered 1",
        "status": 200,
        "code": "ok",
        "page": 7,
        "warm": true,
        "share": 0.5,
        // The nearest.
        "span_id": "c",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "method": "GET",
        "route": "/api/me",
        "kind": "ui",
        "installation": "9c7e1a52",
        "module": "panel",
    });
    assert_eq!(*line, said);
    let time = line["timestamp"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.len() > 20, "{time}");
}

#[test]
fn an_event_has_the_last_word_on_a_key_and_a_span_its_last_value() {
    let lines = lines(|| {
        let span = tracing::info_span!("mine", state = "old", level = "mine", depth = Empty);
        let _span = span.enter();
        span.record("state", "new");
        span.record("depth", 3_u64);
        tracing::warn!(state = "said", "first");
        tracing::warn!("second");
    });
    assert_eq!(lines[0]["state"], "said");
    assert_eq!(lines[1]["state"], "new");
    assert_eq!(lines[1]["depth"], 3);
    assert_eq!(lines[1]["level"], "WARN");
    assert_eq!(keys(&lines[0]).len(), 6);
}

#[test]
fn whatever_is_logged_a_line_is_one_line_of_json() {
    let nasty = "a\n\"b\"\\\r\u{0}\u{2028}\u{7f}ü\u{1f600}";
    let logged = lines(|| tracing::info!(nasty, debug = ?nasty, "{nasty}"));
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0]["nasty"], nasty);
    assert_eq!(logged[0]["message"], nasty);
    let logged = lines(|| tracing::info!(nan = f64::NAN, far = f64::INFINITY, i = i64::MIN, "x"));
    assert_eq!(logged[0]["nan"], Value::Null);
    assert_eq!(logged[0]["far"], Value::Null);
    assert_eq!(logged[0]["i"], i64::MIN);
}

#[test]
fn a_value_is_cut_where_it_is_too_long() {
    let long = "ü".repeat(100_000);
    let lines = lines(|| tracing::info!(long, "x"));
    let kept = lines[0]["long"].as_str().unwrap();
    assert!(kept.len() < 9000 && kept.ends_with("ü…"), "{}", kept.len());
}

#[test]
fn what_logs_while_it_is_written_does_no_harm() {
    struct Talks;
    impl std::fmt::Debug for Talks {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::info!("inner");
            f.write_str("talked")
        }
    }
    let lines = lines(|| tracing::info!(talks = ?Talks, "outer"));
    let outer = lines.last().unwrap();
    assert_eq!(
        (&outer["message"], &outer["talks"]),
        (&"outer".into(), &"talked".into())
    );
}
