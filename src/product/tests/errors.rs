use std::time::Duration;

use axum::response::IntoResponse;
use http::{StatusCode, header};

use super::{Caller, upstream::Upstream};
use crate::{
    error::{Error, ErrorCode},
    product::ProductError,
};

async fn failing(status: u16, body: &'static str) -> ProductError {
    let upstream = Upstream::start(move |_, _| {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = [("atl-traceid", "7d1f"), ("retry-after", "60")];
        (status, headers, body)
    })
    .await;
    let jira = Caller::new().jira(&upstream.url);
    let sent = jira.get("/rest/api/3/issue/{key}").segment("key", "QUA-1");
    sent.send().await.unwrap_err()
}

#[tokio::test]
async fn an_error_says_in_one_line_who_answered_what() {
    let error = failing(
        404,
        r#"{"errorMessages":["Issue does not\nexist"],"errors":{}}"#,
    )
    .await;
    assert_eq!(
        error.to_string(),
        "jira GET /rest/api/3/issue/{key} answered 404: Issue does not exist"
    );
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(error.message(), Some("Issue does not exist"));
    assert_eq!(error.upstream_trace_id(), Some("7d1f"));
}

#[tokio::test]
async fn html_does_not_hide_the_status() {
    let error = failing(502, "<html><h1>502 Bad Gateway</h1></html>").await;
    assert!(matches!(error, ProductError::Status(_)));
    assert_eq!(
        error.to_string(),
        "jira GET /rest/api/3/issue/{key} answered 502"
    );
    assert_eq!(
        error.refusal().unwrap().excerpt(),
        "<html><h1>502 Bad Gateway</h1></html>"
    );
}

#[tokio::test]
async fn each_status_has_its_public_code() {
    for (status, code, wait) in [
        (400, ErrorCode::UpstreamError, Some(60)),
        (401, ErrorCode::UpstreamUnauthorized, Some(60)),
        (403, ErrorCode::Forbidden, Some(60)),
        (404, ErrorCode::NotFound, Some(60)),
        (409, ErrorCode::UpstreamError, Some(60)),
        (429, ErrorCode::RateLimited, Some(60)),
        (500, ErrorCode::UpstreamError, Some(60)),
        (503, ErrorCode::UpstreamError, Some(60)),
    ] {
        let error = Error::from(failing(status, r#"{"message":"inside"}"#).await);
        assert_eq!(error.code(), code, "{status}");
        assert_eq!(error.wait(), wait.map(Duration::from_secs), "{status}");
        assert_eq!(error.upstream_trace(), Some("7d1f"), "{status}");
        assert!(error.message().starts_with("Jira "), "{}", error.message());
        assert!(!error.message().contains("inside"), "{}", error.message());
        if status != 429 {
            assert!(error.causes().contains("inside"), "{}", error.causes());
        }
    }
}

#[tokio::test]
async fn a_limit_reaches_the_caller_with_its_wait() {
    let response = Error::from(failing(429, "").await).into_response();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "60");
}

#[tokio::test]
async fn atlassians_trace_id_is_found_under_each_name() {
    for (name, value, found) in [
        ("x-b3-traceid", "463ac35c9f6413ad", Some("463ac35c9f6413ad")),
        ("atl-traceid", "7d1f", Some("7d1f")),
        ("atl-request-id", "a-b_c", Some("a-b_c")),
        ("atl-request-id", "a b", None),
        ("x-other", "1", None),
    ] {
        let upstream = Upstream::start(move |_, _| (StatusCode::NOT_FOUND, [(name, value)])).await;
        let sent = Caller::new().jira(&upstream.url).get("/x").send().await;
        assert_eq!(
            sent.unwrap_err().upstream_trace_id(),
            found,
            "{name}: {value}"
        );
    }
}
