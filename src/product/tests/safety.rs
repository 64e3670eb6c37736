use std::sync::Arc;

use http::{Method, StatusCode};

use super::{Caller, NOW, Tokens, upstream::Upstream};
use crate::{
    clock::Clock,
    deadline::Deadline,
    error::{Error, ErrorCode},
    outbound::ApiHosts,
    product::{Confluence, Outbound, PathError, ProductError, RequestError},
    trace::TraceId,
};

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::answering(200, "{}").await;
    let target = elsewhere.url.clone();
    let upstream = Upstream::start(move |_, _| {
        let status = StatusCode::TEMPORARY_REDIRECT;
        (status, [("location", format!("{target}/stolen"))])
    })
    .await;
    let error = Caller::new().jira(&upstream.url).get("/x").send().await;
    let error = error.unwrap_err();
    assert!(matches!(error, ProductError::Status(_)));
    assert_eq!(error.status(), Some(StatusCode::TEMPORARY_REDIRECT));
    assert_eq!((upstream.hits(), elsewhere.hits()), (1, 0));
}

#[tokio::test]
async fn a_host_off_the_list_gets_no_client() {
    let upstream = Upstream::answering(200, "{}").await;
    let outbound = Outbound::new(
        crate::outbound::client().unwrap(),
        ApiHosts::new(["api.atlassian.com"], true),
        Clock::manual(NOW),
    );
    let client = |base: &str| {
        let (tokens, deadline) = (
            Tokens::new(&["t"]),
            Deadline::after(std::time::Duration::from_secs(5)),
        );
        Confluence::new(&outbound, base, tokens, deadline, TraceId::random())
    };
    for base in [
        &*upstream.url,
        "https://api.atlassian.com.evil.example/ex/confluence/1",
        "http://api.atlassian.com/ex/confluence/1",
        "https://t@api.atlassian.com/ex/confluence/1",
    ] {
        let error = client(base).unwrap_err();
        assert!(
            matches!(error, ProductError::HostNotAllowed { .. }),
            "{base}"
        );
        let error = Error::from(error);
        assert_eq!(error.code(), ErrorCode::UpstreamError);
        assert!(!error.message().contains("evil"), "{}", error.message());
        assert!(error.causes().contains("atlassian.api_hosts"));
    }
    for base in ["", "api.atlassian.com", "/ex/confluence/1"] {
        let error = client(base).unwrap_err();
        assert!(matches!(error, ProductError::InvalidBase { .. }), "{base}");
    }
    assert_eq!(upstream.hits(), 0);
}

#[tokio::test]
async fn a_path_that_could_leave_the_base_is_not_sent() {
    let upstream = Upstream::answering(200, "{}").await;
    let confluence = Caller::new().confluence(&format!("{}/ex/confluence/1", upstream.url));
    for path in [
        "",
        "wiki",
        "/../2/x",
        "//evil.example/x",
        "/a\\b",
        "/x?limit=1",
        "/%2e%2e/2",
        "/a\n",
    ] {
        let error = confluence.get(path).send().await.unwrap_err();
        assert!(
            matches!(
                error,
                ProductError::InvalidPath {
                    source: PathError::Malformed,
                    ..
                }
            ),
            "{path:?}: {error:?}"
        );
        assert_eq!(Error::from(error).code(), ErrorCode::InternalError);
    }
    let error = confluence
        .get("/pages/{id}")
        .segment("id", "..")
        .send()
        .await;
    assert_eq!(
        Error::from(error.unwrap_err()).code(),
        ErrorCode::BadRequest
    );
    assert_eq!(upstream.hits(), 0);
}

#[tokio::test]
async fn a_segment_stays_one_segment_on_the_wire() {
    let upstream = Upstream::answering(200, "{}").await;
    let base = format!("{}/ex/confluence/1", upstream.url);
    let request = Caller::new()
        .confluence(&base)
        .get("/wiki/api/v2/pages/{id}/x");
    let request = request.segment("id", "a/b?c#d ü").query(&[("q", "&=")]);
    request.send().await.unwrap();
    assert_eq!(
        upstream.arrived()[0].uri,
        "/ex/confluence/1/wiki/api/v2/pages/a%2Fb%3Fc%23d%20%C3%BC/x?q=%26%3D"
    );
}

#[tokio::test]
async fn the_clients_own_headers_cannot_be_set() {
    let upstream = Upstream::answering(200, "{}").await;
    let jira = Caller::new().jira(&upstream.url);
    for name in [
        "Authorization",
        "proxy-authorization",
        "host",
        "cookie",
        "X-B3-TraceId",
        "x-b3-sampled",
        "content-length",
        "transfer-encoding",
        "connection",
    ] {
        let error = jira.get("/x").header(name, "1").send().await.unwrap_err();
        assert!(
            matches!(
                error,
                ProductError::InvalidRequest {
                    source: RequestError::ReservedHeader(_),
                    ..
                }
            ),
            "{name}: {error:?}"
        );
    }
    for (name, value) in [("a b", "1"), ("x-a", "1\r\nx-b: 2"), ("", "")] {
        let error = jira.get("/x").header(name, value).send().await.unwrap_err();
        assert!(
            matches!(
                error,
                ProductError::InvalidRequest {
                    source: RequestError::InvalidHeader,
                    ..
                }
            ),
            "{name}: {error:?}"
        );
    }
    assert_eq!(upstream.hits(), 0);
}

#[tokio::test]
async fn what_cannot_be_written_is_not_sent() {
    let upstream = Upstream::answering(200, "{}").await;
    let jira = Caller::new().jira(&upstream.url);
    let nested = [("a", vec![1, 2])];
    let error = jira.get("/x").query(&nested).send().await.unwrap_err();
    assert!(matches!(
        error,
        ProductError::InvalidRequest {
            source: RequestError::Query(_),
            ..
        }
    ));
    let no_json = std::collections::HashMap::from([((1, 2), 3)]);
    let error = jira
        .post("/x")
        .json_body(&no_json)
        .send()
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        ProductError::InvalidRequest {
            source: RequestError::Body(_),
            ..
        }
    ));
    assert_eq!(upstream.hits(), 0);
}

#[tokio::test]
async fn each_try_carries_token_trace_and_a_span_of_its_own() {
    let upstream = Upstream::start(|n, _| match n {
        0 => StatusCode::BAD_GATEWAY,
        _ => StatusCode::NO_CONTENT,
    })
    .await;
    let caller = Caller::new();
    let trace = TraceId::random();
    let credentials = Arc::clone(&caller.credentials);
    let jira = crate::product::Jira::new(
        &caller.outbound,
        &upstream.url,
        credentials,
        caller.deadline,
        trace.clone(),
    );
    jira.unwrap().delete("/x").send().await.unwrap();
    let arrived = upstream.arrived();
    for request in &arrived {
        assert_eq!(request.method, Method::DELETE);
        assert_eq!(request.headers["authorization"], "Bearer t0ken");
        assert_eq!(request.headers["accept"], "application/json");
        assert_eq!(request.headers["x-b3-traceid"], trace.as_str());
        assert_eq!(request.headers["x-b3-spanid"].len(), 16);
    }
    assert_ne!(
        arrived[0].headers["x-b3-spanid"],
        arrived[1].headers["x-b3-spanid"]
    );
}

#[tokio::test]
async fn an_echoed_token_is_not_kept() {
    let body = r#"{"message":"bad token t0ken","debug":"Bearer t0ken"}"#;
    let upstream = Upstream::answering(400, body).await;
    let error = Caller::new().jira(&upstream.url).get("/x").send().await;
    let error = error.unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.message(), Some("bad token [redacted]"));
    let shown = format!(
        "{error} {error:?} {} {:?}",
        refusal.excerpt(),
        refusal.errors()
    );
    assert!(!shown.contains("t0ken"), "{shown}");
}

#[tokio::test]
async fn nothing_that_prints_shows_what_is_sent() {
    let caller = Caller::new();
    let request = caller
        .jira("http://127.0.0.1:1/x")
        .post("/{id}")
        .segment("id", "hidden")
        .query(&[("a", "hidden")])
        .header("x-a", "hidden")
        .json_body("hidden");
    assert_eq!(
        format!("{request:?}").matches("hidden").count(),
        0,
        "{request:?}"
    );
}
