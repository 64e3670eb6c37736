use axum::Json;
use futures_util::StreamExt;
use serde_json::json;

use super::{Caller, upstream::Upstream};
use crate::product::{PaginationError, ProductError};

/// Reads a list whose first page has that link, and says how it ended.
async fn follow(link: String) -> (usize, PaginationError) {
    let page = json!({"results": [1, 2], "_links": {"next": link}});
    let upstream = Upstream::start(move |_, _| Json(page.clone())).await;
    let base = format!("{}/ex/confluence/site-1", upstream.url);
    let items = Caller::new()
        .confluence(&base)
        .get("/wiki/rest/api/content")
        .items::<u32>();
    let mut read: Vec<_> = items.collect().await;
    let Some(Err(ProductError::Pagination { source, .. })) = read.pop() else {
        panic!("{read:?}");
    };
    assert_eq!(read.len(), 2, "the first page is whole");
    (upstream.hits(), source)
}

#[tokio::test]
async fn no_link_takes_the_token_elsewhere() {
    let other = Upstream::answering(200, r#"{"results":[3]}"#).await;
    let port = other.url.rsplit(':').next().unwrap();
    for link in [
        format!("{}/ex/confluence/site-1/wiki/rest/api/content", other.url),
        format!("//127.0.0.1:{port}/ex/confluence/site-1/x"),
        format!("https://127.0.0.1:{port}/ex/confluence/site-1/x"),
        format!("http://127.0.0.1:1@127.0.0.1:{port}/ex/confluence/site-1/x"),
        "https://evil.example/wiki/x".to_owned(),
        "ftp://127.0.0.1/ex/confluence/site-1/x".to_owned(),
        "data:application/json,{}".to_owned(),
        "/ex/confluence/site-2/wiki/rest/api/content".to_owned(),
        "/ex/jira/site-1/rest/api/3/myself".to_owned(),
        "/../../site-2/x".to_owned(),
        "/wiki/%2e%2e/%2E%2e/site-2/x".to_owned(),
        "/wiki/..%2f..%2fsite-2".to_owned(),
        "/wiki//evil".to_owned(),
        // Whole paths of the gateway that only begin like the base URL's.
        "/ex/confluence/site-1/../site-2/wiki/x".to_owned(),
        "/ex/confluence/site-10/wiki/x".to_owned(),
    ] {
        assert_eq!(
            follow(link.clone()).await,
            (1, PaginationError::Elsewhere),
            "{link}"
        );
    }
    assert_eq!(other.hits(), 0);
}

#[tokio::test]
async fn what_is_no_link_is_not_followed() {
    for link in [
        "\\\\evil.example\\x".to_owned(),
        "/wiki/a b".to_owned(),
        "/wiki\n/x".to_owned(),
        "http://".to_owned(),
        "wiki/rest/api/content".to_owned(),
        "?cursor=a".to_owned(),
        format!("/wiki/{}", "a".repeat(8192)),
    ] {
        assert_eq!(
            follow(link.clone()).await,
            (1, PaginationError::UnreadableLink),
            "{link}"
        );
    }
}

#[tokio::test]
async fn a_link_that_is_no_text_is_an_error_and_not_the_end() {
    let upstream = Upstream::answering(200, r#"{"values":[1],"next":{"href":"/x"}}"#).await;
    let items = Caller::new()
        .bitbucket(&upstream.url)
        .get("/2.0/x")
        .items::<u32>();
    let read: Vec<_> = items.collect().await;
    assert!(matches!(
        read[..],
        [
            Ok(1),
            Err(ProductError::Pagination {
                source: PaginationError::UnreadableLink,
                ..
            })
        ]
    ));
}
