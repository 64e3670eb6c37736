use futures_util::FutureExt;
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;

use super::{Caller, upstream::Upstream};
use crate::captured_log::Logs;

#[tokio::test]
async fn a_call_is_one_line_without_query_value_body_or_token() {
    let upstream = Upstream::start(|n, _| match n {
        0 => (StatusCode::BAD_GATEWAY, [("atl-traceid", "a")], ""),
        _ => (
            StatusCode::NOT_FOUND,
            [("atl-traceid", "7d1f")],
            r#"{"message":"b0dy"}"#,
        ),
    })
    .await;
    let logs = Logs::capture();
    let jira = Caller::new().jira(&upstream.url);
    let request = jira.put("/issue/{key}").segment("key", "va1ue");
    let request = request.query(&[("q", "que7y")]).json_body("b0dy");
    let sent = request.send().await;
    sent.unwrap_err();

    let all = logs.text();
    let called: Vec<_> = all
        .lines()
        .filter(|line| line.contains("PUT /issue/{key} called"))
        .collect();
    let [line] = called[..] else {
        panic!("{all}");
    };
    for field in [
        "product=\"jira\"",
        "identity=\"app\"",
        "status=404",
        "tries=2",
        "upstream_trace_id=\"7d1f\"",
        "duration_ms=",
    ] {
        assert!(line.contains(field), "{field} is not in {line}");
    }
    for hidden in ["va1ue", "que7y", "b0dy", "t0ken"] {
        assert!(!all.contains(hidden), "{hidden} is in {all}");
    }
}

#[tokio::test]
async fn calls_and_repeats_are_counted() {
    let upstream = Upstream::start(|n, request| match (request.uri.as_str(), n) {
        ("/flaky", 0) => StatusCode::BAD_GATEWAY,
        ("/gone", _) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    })
    .await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let recording = metrics::set_default_local_recorder(&recorder);
    let jira = Caller::new().jira(&upstream.url);
    jira.get("/flaky").send().await.unwrap();
    jira.get("/gone").send().await.unwrap_err();
    // A caller that goes away leaves a call behind that never ended.
    assert!(jira.get("/slow").send().now_or_never().is_none());
    drop(recording);

    let rendered = recorder.handle().render();
    for line in [
        r#"forge_product_requests_total{product="jira",class="2xx",identity="app"} 1"#,
        r#"forge_product_requests_total{product="jira",class="4xx",identity="app"} 1"#,
        r#"forge_product_requests_total{product="jira",class="cancelled",identity="app"} 1"#,
        r#"forge_product_retries_total{product="jira",reason="unavailable"} 1"#,
        r#"forge_product_seconds_count{product="jira"} 3"#,
    ] {
        assert!(rendered.contains(line), "{line} is not in\n{rendered}");
    }
}
