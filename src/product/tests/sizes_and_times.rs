use std::{io::Write, time::Duration};

use axum::response::IntoResponse;
use flate2::{Compression, write::GzEncoder};
use http::StatusCode;
use serde_json::Value;
use tokio::{io::AsyncWriteExt, time::Instant};

use super::{Caller, upstream::Upstream};
use crate::product::{DecodeError, ProductError, TransportError};

fn gzip(zeros: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![b' '; zeros]).unwrap();
    packed.finish().unwrap()
}

fn too_large(result: Result<impl Sized, ProductError>) -> usize {
    match result {
        Err(ProductError::TooLarge { limit, .. }) => limit,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test]
async fn an_answer_is_taken_up_to_its_limit() {
    let upstream = Upstream::answering(200, "0123456789").await;
    let jira = Caller::new().jira(&upstream.url);
    assert_eq!(
        jira.get("/x").max_bytes(10).text().await.unwrap(),
        "0123456789"
    );
    assert_eq!(too_large(jira.get("/x").max_bytes(9).text().await), 9);
    assert_eq!(upstream.hits(), 2, "it is not tried again");
}

#[tokio::test]
async fn the_limit_counts_what_is_unpacked() {
    let bomb = gzip(20 * 1024 * 1024);
    assert!(bomb.len() < 32 * 1024);
    let upstream = Upstream::start(move |_, request| {
        assert_eq!(request.headers["accept-encoding"], "gzip");
        ([("content-encoding", "gzip")], bomb.clone()).into_response()
    })
    .await;
    let jira = Caller::new().jira(&upstream.url);
    assert_eq!(too_large(jira.get("/x").send().await), 16 * 1024 * 1024);
    let whole = jira.get("/x").max_bytes(20 * 1024 * 1024).bytes().await;
    assert_eq!(whole.unwrap().len(), 20 * 1024 * 1024);
}

#[tokio::test]
async fn an_answer_without_a_length_is_bounded_too() {
    let head = "HTTP/1.1 200 OK\r\n\r\n0123456789";
    let upstream = Upstream::trickling(head).await;
    let jira = Caller::new().jira(&upstream.url);
    assert_eq!(too_large(jira.get("/x").max_bytes(12).bytes().await), 12);
}

#[tokio::test]
async fn an_announced_length_over_the_limit_is_not_waited_for() {
    let upstream = Upstream::raw(async |mut stream| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n";
        stream.write_all(head).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let jira = Caller::new().for_ms(2_000).jira(&upstream.url);
    assert_eq!(too_large(jira.get("/x").max_bytes(10).bytes().await), 10);
}

#[tokio::test]
async fn an_answer_that_trickles_is_cut_at_the_deadline() {
    let upstream = Upstream::trickling("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{").await;
    let before = Instant::now();
    let sent = Caller::new()
        .for_ms(150)
        .jira(&upstream.url)
        .get("/x")
        .send()
        .await;
    assert!(matches!(sent, Err(ProductError::Deadline(_))), "{sent:?}");
    assert!(before.elapsed() < Duration::from_secs(5));
    assert_eq!(upstream.hits(), 1);
}

#[tokio::test]
async fn one_try_has_a_limit_of_its_own() {
    let upstream = Upstream::trickling("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{").await;
    let jira = Caller::new().jira(&upstream.url);
    let one_try = Duration::from_millis(50);
    for (request, hits) in [(jira.post("/x"), 1), (jira.get("/x"), 1 + 3)] {
        let sent = request.timeout(one_try).send().await;
        assert!(
            matches!(
                sent,
                Err(ProductError::Transport { source: TransportError::Slow(limit), .. }) if limit == one_try
            ),
            "{sent:?}"
        );
        assert_eq!(upstream.hits(), hits);
    }
}

#[tokio::test]
async fn an_error_whose_body_never_ends_keeps_its_status() {
    let head = "HTTP/1.1 404 Not Found\r\nx-b3-traceid: abc\r\ncontent-length: 100000\r\n\r\n{\"message\":\"no\"}";
    let upstream = Upstream::trickling(head).await;
    let sent = Caller::new()
        .for_ms(150)
        .jira(&upstream.url)
        .get("/x")
        .send()
        .await;
    let Err(error @ ProductError::NotFound(_)) = sent else {
        panic!("{sent:?}");
    };
    assert_eq!(error.message(), Some("no"));
    assert_eq!(error.upstream_trace_id(), Some("abc"));
}

#[tokio::test]
async fn a_huge_error_body_is_cut() {
    let upstream = Upstream::start(|_, _| {
        let body = "ü".repeat(1024 * 1024);
        (StatusCode::BAD_REQUEST, body)
    })
    .await;
    let sent = Caller::new().jira(&upstream.url).get("/x").send().await;
    let error = sent.unwrap_err();
    assert_eq!(error.refusal().unwrap().excerpt().len(), 2048);
}

#[derive(Debug, serde::Deserialize)]
struct Named {
    #[expect(dead_code, reason = "only its type matters")]
    name: u32,
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_says_where() {
    let upstream = Upstream::answering(200, "{\"name\":\n \"Mia Private\"}").await;
    let jira = Caller::new().jira(&upstream.url);
    let error = jira.get("/x").json::<Named>().await.unwrap_err();
    let ProductError::Decode {
        source: DecodeError::Shape { line: 2, .. },
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    let told = format!("{error:?}") + &crate::Error::from(error).causes();
    assert!(!told.contains("Mia"), "{told}");

    let upstream = Upstream::answering(200, "<html>").await;
    let jira = Caller::new().jira(&upstream.url);
    let error = jira.get("/x").json::<Value>().await.unwrap_err();
    assert!(matches!(
        error,
        ProductError::Decode {
            source: DecodeError::Syntax { .. },
            ..
        }
    ));
}

#[tokio::test]
async fn no_content_is_nothing() {
    let upstream = Upstream::answering(204, "").await;
    let jira = Caller::new().jira(&upstream.url);
    jira.delete("/x").json::<()>().await.unwrap();
    assert_eq!(jira.get("/x").json::<Option<u8>>().await.unwrap(), None);
}
