use futures_util::future::join_all;
use http::{Method, StatusCode};
use tokio::io::AsyncWriteExt;

use super::{Caller, upstream::Upstream};
use crate::product::{ProductError, TransportError};

/// How often a request is sent that always meets that status.
async fn tries(caller: &Caller, method: Method, status: u16) -> usize {
    let upstream = Upstream::start(move |_, _| {
        let status = StatusCode::from_u16(status).unwrap();
        (status, [("retry-after", "0")])
    })
    .await;
    let jira = caller.jira(&upstream.url);
    assert!(jira.request(method, "/x").send().await.is_err());
    upstream.hits()
}

#[tokio::test]
async fn what_is_repeated_depends_on_method_and_status() {
    let twice_is_once = [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
    ];
    let twice_is_twice = [Method::POST, Method::PATCH];
    let statuses = [
        301, 304, 400, 403, 404, 409, 422, 429, 500, 501, 502, 503, 504,
    ];
    let mut cases = Vec::new();
    for status in statuses {
        for method in &twice_is_once {
            let repeated = matches!(status, 429 | 502 | 503 | 504);
            cases.push((method.clone(), status, if repeated { 3 } else { 1 }));
        }
        for method in &twice_is_twice {
            cases.push((method.clone(), status, if status == 429 { 3 } else { 1 }));
        }
    }
    let caller = Caller::new();
    let counted = join_all(
        cases
            .iter()
            .map(|(method, status, _)| tries(&caller, method.clone(), *status)),
    );
    for ((method, status, expected), counted) in cases.iter().zip(counted.await) {
        assert_eq!(counted, *expected, "{method} {status}");
    }
}

#[tokio::test]
async fn a_post_that_is_idempotent_is_repeated() {
    let upstream = Upstream::answering(503, "").await;
    let jira = Caller::new().jira(&upstream.url);
    assert!(jira.post("/x").idempotent().send().await.is_err());
    assert_eq!(upstream.hits(), 3);
}

#[tokio::test]
async fn a_repeat_sends_the_same_body_and_can_succeed() {
    let upstream = Upstream::start(|n, _| match n {
        0 => (StatusCode::BAD_GATEWAY, "<html>"),
        1 => (StatusCode::TOO_MANY_REQUESTS, ""),
        _ => (StatusCode::OK, "\"done\""),
    })
    .await;
    let jira = Caller::new().jira(&upstream.url);
    let done: String = jira.put("/x").json_body(&[1]).json().await.unwrap();
    assert_eq!(done, "done");
    for request in upstream.arrived() {
        assert_eq!(request.body, "[1]");
        assert_eq!(request.headers["content-type"], "application/json");
    }
    assert_eq!(upstream.hits(), 3);
}

#[tokio::test]
async fn a_connection_that_fails_is_tried_again_where_twice_is_once() {
    let answers = [
        ("closed without an answer", ""),
        ("closed in the head", "HTTP/1.1 200 OK\r\ncontent-le"),
        (
            "closed in the body",
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\":",
        ),
        (
            "closed in a chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{\"half\":",
        ),
        ("no HTTP", "SSH-2.0-OpenSSH\r\n\r\n"),
        (
            "no gzip",
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        ),
    ];
    for (case, bytes) in answers {
        for (method, hits) in [(Method::GET, 3), (Method::POST, 1)] {
            let upstream = Upstream::saying(bytes).await;
            let jira = Caller::new().jira(&upstream.url);
            let error = jira.request(method, "/x").bytes().await.unwrap_err();
            assert!(
                matches!(
                    error,
                    ProductError::Transport {
                        source: TransportError::Connection(_),
                        ..
                    }
                ),
                "{case}: {error:?}"
            );
            assert_eq!(upstream.hits(), hits, "{case}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_body_is_a_failed_connection() {
    let upstream = Upstream::raw(async move |mut stream| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(head).await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    let error = Caller::new().jira(&upstream.url).post("/x").send().await;
    assert!(matches!(error, Err(ProductError::Transport { .. })));
}

#[tokio::test]
async fn a_refused_connection_is_told_without_the_url() {
    let url = Upstream::answering(200, "").await.url.clone();
    // The server is gone now; nobody listens there.
    tokio::task::yield_now().await;
    let jira = Caller::new().jira(&url);
    let request = jira.get("/x").query(&[("accountId", "712020:5d0b")]);
    let error = request.send().await.unwrap_err();
    assert!(matches!(error, ProductError::Transport { .. }), "{error:?}");
    let told = format!("{error:?}") + &crate::Error::from(error).causes();
    assert!(!told.contains("5d0b"), "{told}");
}
