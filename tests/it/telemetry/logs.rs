//! The lines of a remote's log, and the level they have.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    claims::INSTALLATION,
    load::updated,
    place::Place,
    remote::{Remote, Serve},
    site::Site,
};

const TRACE: &str = "463ac35c9f6413ad48485a3953bb6124";

fn answer_to<'a>(trace: &'a str, outcome: &'a str) -> impl FnMut(&Value) -> bool + use<'a> {
    move |line| line["trace_id"] == trace && line["outcome"] == outcome
}

#[track_caller]
fn assert_flat(line: &Value) {
    for (key, value) in line.as_object().unwrap() {
        assert!(!value.is_object() && !value.is_array(), "{key} in {line}");
    }
}

#[tokio::test]
async fn a_line_of_a_request_says_whose_it_is_and_how_it_ended_under_flat_keys() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__LEVEL", "info,forge_remote::access=debug")
        .start()
        .await;
    let forge = || {
        let forge = remote.anybody().with_fit().app_token().user_token();
        forge.header("x-b3-traceid", TRACE)
    };
    let _ = forge().get("/api/invocation").await.ok();
    let line = remote.line("says ok", answer_to(TRACE, "ok")).await;
    let span = line["span_id"].as_str().unwrap();
    assert!(span.len() == 16 && span.bytes().all(|it| it.is_ascii_hexdigit()));
    let expected = json!({
        "timestamp": line["timestamp"],
        "level": "DEBUG",
        "target": "forge_remote::access",
        "message": "GET /api/invocation answered",
        "status": 200,
        "outcome": "ok",
        "duration_ms": line["duration_ms"],
        "trace_id": TRACE,
        "span_id": span,
        "method": "GET",
        "route": "/api/invocation",
        "kind": "ui",
        "installation": INSTALLATION.rsplit('/').next().unwrap(),
        "module": "digest-page",
    });
    assert_eq!(line, expected);

    let _ = forge()
        .get("/api/issues/QRY-1")
        .await
        .refused(404, "not_found");
    let line = remote
        .line("says refused", answer_to(TRACE, "refused"))
        .await;
    assert_flat(&line);
    assert_eq!(
        (&line["status"], &line["code"]),
        (&json!(404), &json!("not_found"))
    );
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["module"], "digest-page");

    // Nobody knows whose it is.
    let short = "463ac35c9f6413ad";
    let anybody = remote.anybody().header("x-b3-traceid", short);
    let _ = anybody.get("/api/invocation").await;
    let padded = format!("0000000000000000{short}");
    let line = remote
        .line("says refused", answer_to(&padded, "refused"))
        .await;
    assert_eq!(line["code"], "missing_token");
    assert!(line.get("installation").is_none() && line.get("module").is_none());
}

#[tokio::test]
async fn a_line_of_an_attempt_says_which_event_it_is_and_how_it_ended() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__LEVEL", "info,forge_remote::access=debug")
        .start()
        .await;
    let event = remote.as_platform().json(&updated("4711"));
    let event = event.header("x-b3-traceid", TRACE);
    let taken = event.post("/forge/events").await;
    assert_eq!(taken.status, 202);
    let line = remote.line("says done", answer_to(TRACE, "done")).await;
    assert_flat(&line);
    assert_eq!(line["kind"], "event");
    assert_eq!(line["job"], taken.json()["id"]);
    assert_eq!(line["name"], "avi:confluence:updated:page");
    assert_eq!(line["attempt"], 1);
    assert_eq!(
        line["installation"],
        INSTALLATION.rsplit('/').next().unwrap()
    );
    let line = remote.line("says ok", answer_to(TRACE, "ok")).await;
    assert_eq!(
        (&line["status"], &line["kind"]),
        (&json!(202), &json!("event"))
    );
}

/// Every line of the process is looked at for secrets as it comes.
#[tokio::test]
async fn down_to_the_last_trace_of_any_crate_no_line_has_a_token() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let remote = Serve::new(&place, &site)
        .set("TELEMETRY__LEVEL", "trace")
        .set("TELEMETRY__OTLP_ENDPOINT", &site.atlassian.url())
        .variable("OTEL_EXPORTER_OTLP_HEADERS", "x-key=t0psecret-collector")
        .start()
        .await;
    let forge = || remote.anybody().with_fit().app_token().user_token();
    let colleague = crate::support::claims::COLLEAGUE;
    let path = format!("/api/accounts/{colleague}/content");
    let _ = forge().get(&path).await.ok();
    let _ = forge().get("/api/me").await;
    let taken = remote.as_platform().json(&updated("4711"));
    assert_eq!(taken.post("/forge/events").await.status, 202);
    site.until("the change is written", |seen| seen.written() == 1)
        .await;
    let said = |target: &'static str| {
        move |line: &Value| {
            line["level"] == "TRACE" && line["target"].as_str().unwrap_or("").starts_with(target)
        }
    };
    // It is that loud.
    let _ = remote.line("hyper traces", said("hyper")).await;
}

struct Operator<'a>(&'a Remote);

impl Operator<'_> {
    async fn ask(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let mut caller = self.0.operator();
        if !body.is_empty() {
            caller = caller.body("text/plain", body);
        }
        let answer = caller.send(method, path).await;
        let json = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status.as_u16(), json)
    }
}

#[tokio::test]
async fn the_level_can_be_changed_for_a_while() {
    let (place, site) = (Place::sqlite(), Site::start(Duration::ZERO).await);
    let remote = Serve::new(&place, &site).start().await;
    let operator = Operator(&remote);
    let (status, level) = operator.ask(Method::GET, "/log-level", "").await;
    assert_eq!(status, 200);
    let quiet = json!({"level": "info", "configured": "info", "passesInSeconds": null});
    assert_eq!(level, quiet);

    let call = async |trace: char| {
        let trace = trace.to_string().repeat(32);
        let forge = remote.anybody().with_fit().header("x-b3-traceid", &trace);
        let _ = forge.get("/api/invocation").await.ok();
        trace
    };
    let silent = call('a').await;
    let (status, level) = operator
        .ask(
            Method::PUT,
            "/log-level?for=10m",
            "info,forge_remote::access=debug\n",
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(level["level"], "info,forge_remote::access=debug");
    assert_eq!(level["configured"], "info");
    let left = level["passesInSeconds"].as_u64().unwrap();
    assert!((590..=600).contains(&left), "{left}");
    let asked = |line: &Value| {
        line["level_asked"] == "info,forge_remote::access=debug" && line["seconds"] == 600
    };
    let _ = remote.line("says what was asked for", asked).await;
    let loud = call('b').await;
    let _ = remote.line("says ok", answer_to(&loud, "ok")).await;

    for (path, body, refused) in [
        ("/log-level", "=", 400),
        ("/log-level?for=25h", "debug", 400),
        ("/log-level?for=x", "debug", 400),
        ("/log-level", &*"a".repeat(5000), 413),
    ] {
        let (status, _) = operator.ask(Method::PUT, path, body).await;
        assert_eq!(status, refused, "{path}");
    }
    let put = |caller: crate::support::caller::Caller| caller.send(Method::PUT, "/log-level");
    let page = remote.operator().body("text/plain", "off");
    let page = put(page.header("origin", "http://127.0.0.1:9090")).await;
    assert_eq!(page.status, 403);
    let form = remote.operator();
    let form = put(form.body("application/x-www-form-urlencoded", "off")).await;
    assert_eq!(form.status, 415);

    let (status, level) = operator.ask(Method::DELETE, "/log-level", "").await;
    assert_eq!((status, level), (200, quiet.clone()));
    let (status, _) = operator
        .ask(Method::PUT, "/log-level?for=1s", "trace")
        .await;
    assert_eq!(status, 200);
    let back = |line: &Value| line["message"] == "the log level is the configured one again";
    let _ = remote.line("says that it is over", back).await;
    assert_eq!(operator.ask(Method::GET, "/log-level", "").await.1, quiet);
    let mut lines = remote.log().into_iter();
    assert!(!lines.any(|line| answer_to(&silent, "ok")(&line)));
    // Nobody finds it where everybody can come.
    let public = remote.anybody().get("/log-level").await;
    assert_eq!(public.status, 404);
}
