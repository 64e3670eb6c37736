use axum::Json;
use futures_util::{StreamExt, future::try_join_all};
use serde_json::{Value, json};

use super::{
    Caller,
    upstream::{Arrived, Upstream},
};
use crate::product::{Listing, PaginationError, ProductError};

const SITE: &str = "/ex/confluence/site-1";

/// Answers the n-th request with the n-th page.
async fn serving(pages: Vec<Value>) -> (Upstream, String) {
    let upstream = Upstream::start(move |n, _| Json(pages[n].clone())).await;
    let base = format!("{}{SITE}", upstream.url);
    (upstream, base)
}

async fn read(items: Listing<u32>) -> Vec<u32> {
    items.all().await.unwrap()
}

#[tokio::test]
async fn confluence_v1_links_are_put_behind_wiki() {
    let (upstream, base) = serving(vec![
        json!({"results": [1, 2], "start": 0, "limit": 2, "size": 2, "_links": {
            "base": "https://quarry.atlassian.net/wiki", "context": "/wiki",
            "next": "/rest/api/content?next=true&limit=2&start=2", "self": "https://quarry.atlassian.net/x"}}),
        json!({"results": [3], "start": 2, "limit": 2, "size": 1, "_links": {"self": "https://quarry.atlassian.net/x"}}),
    ])
    .await;
    let confluence = Caller::new().confluence(&base);
    let items = confluence
        .get("/wiki/rest/api/content")
        .query(&[("limit", 2)])
        .items();
    assert_eq!(read(items).await, [1, 2, 3]);
    assert_eq!(
        upstream.uris(SITE),
        [
            "/wiki/rest/api/content?limit=2",
            "/wiki/rest/api/content?next=true&limit=2&start=2"
        ]
    );
}

#[tokio::test]
async fn confluence_v2_links_bring_wiki_themselves() {
    let (upstream, base) = serving(vec![
        json!({"results": [1], "_links": {"next": "/wiki/api/v2/pages?cursor=a%2Bb%3D%3D&limit=1", "base": "https://quarry.atlassian.net/wiki"}}),
        json!({"results": [], "_links": {"next": "/ex/confluence/site-1/wiki/api/v2/pages?cursor=c", "base": "x"}}),
        json!({"results": [2], "_links": {"base": "x", "next": null}}),
    ])
    .await;
    let items = Caller::new()
        .confluence(&base)
        .get("/wiki/api/v2/pages")
        .items();
    assert_eq!(read(items).await, [1, 2]);
    assert_eq!(
        upstream.uris(SITE),
        [
            "/wiki/api/v2/pages",
            "/wiki/api/v2/pages?cursor=a%2Bb%3D%3D&limit=1",
            "/wiki/api/v2/pages?cursor=c",
        ]
    );
}

#[tokio::test]
async fn a_link_header_is_enough() {
    let upstream = Upstream::start(|n, _| {
        let link = r#"</wiki/api/v2/x?a=1>; rel="prev", </wiki/api/v2/pages?cursor=b>; rel="next""#;
        let headers = [("link", if n == 0 { link } else { "<>; rel=\"self\"" })];
        (
            headers,
            Json(json!({"results": [n], "_links": {"base": "x"}})),
        )
    })
    .await;
    let base = format!("{}{SITE}", upstream.url);
    let items = Caller::new()
        .confluence(&base)
        .get("/wiki/api/v2/pages")
        .items();
    assert_eq!(read(items).await, [0, 1]);
    assert_eq!(
        upstream.uris(SITE),
        ["/wiki/api/v2/pages", "/wiki/api/v2/pages?cursor=b"]
    );
}

#[tokio::test]
async fn jira_goes_on_at_start_at() {
    let cases = [
        (
            "total",
            vec![
                json!({"startAt": 0, "maxResults": 2, "total": 3, "values": [1, 2], "nextPage": "https://quarry.atlassian.net/rest/x"}),
                json!({"startAt": 2, "maxResults": 2, "total": 3, "values": [3]}),
            ],
        ),
        (
            "is last",
            vec![
                json!({"startAt": 0, "maxResults": 2, "isLast": false, "values": [1, 2]}),
                json!({"startAt": 2, "maxResults": 2, "isLast": true, "values": [3]}),
            ],
        ),
        (
            "neither, and a short page before the last",
            vec![
                json!({"startAt": 0, "maxResults": 50, "values": [1, 2]}),
                json!({"startAt": 2, "maxResults": 50, "values": [3]}),
                json!({"startAt": 3, "maxResults": 50, "values": []}),
            ],
        ),
        (
            "issues",
            vec![
                json!({"startAt": 0, "maxResults": 2, "total": 3, "issues": [1, 2], "expand": "names"}),
                json!({"startAt": 2, "maxResults": 2, "total": 3, "issues": [3]}),
            ],
        ),
    ];
    for (case, pages) in cases {
        let count = pages.len();
        let (upstream, base) = serving(pages).await;
        let items = Caller::new()
            .jira(&base)
            .get("/rest/api/3/project/search")
            .query(&[("query", "a b"), ("startAt", "0")])
            .items();
        assert_eq!(read(items).await, [1, 2, 3], "{case}");
        let uris = upstream.uris(SITE);
        assert_eq!(uris.len(), count, "{case}");
        assert_eq!(
            uris[1], "/rest/api/3/project/search?query=a+b&startAt=2",
            "{case}"
        );
    }
}

#[tokio::test]
async fn jira_searches_go_on_at_the_token() {
    let pages = vec![
        json!({"issues": [1], "nextPageToken": "a+/=&b", "isLast": false}),
        json!({"issues": [2], "nextPageToken": "c", "isLast": true}),
    ];
    let path = "/rest/api/3/search/jql";

    let (upstream, base) = serving(pages.clone()).await;
    let by_get = Caller::new().jira(&base).get(path).query(&[("jql", "x=1")]);
    assert_eq!(read(by_get.items()).await, [1, 2]);
    assert_eq!(
        upstream.uris(SITE)[1],
        "/rest/api/3/search/jql?jql=x%3D1&nextPageToken=a%2B%2F%3D%26b"
    );

    let (upstream, base) = serving(pages).await;
    let by_post = Caller::new()
        .jira(&base)
        .post(path)
        .json_body(&json!({"jql": "x=1"}));
    assert_eq!(read(by_post.items()).await, [1, 2]);
    let bodies: Vec<Value> = upstream
        .arrived()
        .iter()
        .map(|Arrived { body, .. }| serde_json::from_slice(body).unwrap())
        .collect();
    assert_eq!(
        bodies,
        [
            json!({"jql": "x=1"}),
            json!({"jql": "x=1", "nextPageToken": "a+/=&b"})
        ]
    );
}

#[tokio::test]
async fn service_desk_pages_may_be_short_and_their_links_lead_elsewhere() {
    let links = json!({"next": "https://quarry.atlassian.net/rest/servicedeskapi/request?start=2"});
    let (upstream, base) = serving(vec![
        json!({"size": 1, "start": 0, "limit": 2, "isLastPage": false, "values": [1], "_links": links}),
        json!({"size": 0, "start": 2, "limit": 2, "isLastPage": false, "values": [], "_links": links}),
        json!({"size": 2, "start": 4, "limit": 2, "isLastPage": true, "values": [2, 3], "_links": links}),
    ])
    .await;
    let jira = Caller::new().jira(&base);
    assert_eq!(
        read(jira.get("/rest/servicedeskapi/request").items()).await,
        [1, 2, 3]
    );
    assert_eq!(
        upstream.uris(SITE)[1..],
        [
            "/rest/servicedeskapi/request?start=2",
            "/rest/servicedeskapi/request?start=4"
        ]
    );
}

#[tokio::test]
async fn bitbucket_links_are_whole_urls() {
    let upstream = Upstream::start(|n, request| {
        let host = request.headers["host"].to_str().unwrap();
        let next = format!("http://{host}/2.0/repositories/ws?page={}&q=a%20b", n + 2);
        Json(match n {
            2 => json!({"pagelen": 1, "page": 3, "values": [n]}),
            _ => json!({"pagelen": 1, "size": 3, "page": n + 1, "next": next, "values": [n]}),
        })
    })
    .await;
    let bitbucket = Caller::new().bitbucket(&upstream.url);
    assert_eq!(
        read(bitbucket.get("/2.0/repositories/ws").items()).await,
        [0, 1, 2]
    );
    assert_eq!(
        upstream.uris("")[1..],
        [
            "/2.0/repositories/ws?page=2&q=a%20b",
            "/2.0/repositories/ws?page=3&q=a%20b"
        ]
    );
}

#[tokio::test]
async fn pages_come_whole() {
    let pages = vec![
        json!({"startAt": 0, "total": 2, "values": [1], "self": "a"}),
        json!({"startAt": 1, "total": 2, "values": [2], "self": "b"}),
    ];
    let (_upstream, base) = serving(pages.clone()).await;
    let jira = Caller::new().jira(&base);
    assert_eq!(jira.get("/x").pages::<Value>().all().await.unwrap(), pages);
}

#[tokio::test]
async fn a_page_is_fetched_when_it_is_needed() {
    let upstream = Upstream::start(|n, _| Json(json!({"startAt": n * 2, "values": [n, n]}))).await;
    let mut items = Caller::new().jira(&upstream.url).get("/x").items::<usize>();
    assert_eq!(upstream.hits(), 0);
    for (item, hits) in [(0, 1), (0, 1), (1, 2), (1, 2), (2, 3)] {
        assert_eq!(items.try_next().await.unwrap(), Some(item));
        assert_eq!(upstream.hits(), hits);
    }
}

#[tokio::test]
async fn a_list_under_another_key_is_named() {
    let page = json!({"startAt": 0, "total": 1, "comments": [1], "values": "none"});
    let (_upstream, base) = serving(vec![page.clone(), page]).await;
    let jira = Caller::new().jira(&base);
    assert_eq!(read(jira.get("/x").list_key("comments").items()).await, [1]);
    let unnamed = jira.get("/x").items::<u32>().all().await;
    assert!(matches!(
        unnamed,
        Err(ProductError::Pagination {
            source: PaginationError::NoList,
            ..
        })
    ));
}

#[tokio::test]
async fn a_bare_array_is_a_list_of_one_page() {
    let (_upstream, base) = serving(vec![json!([1, 2])]).await;
    let jira = Caller::new().jira(&base);
    assert_eq!(read(jira.get("/rest/api/3/field").items()).await, [1, 2]);
}

#[tokio::test]
async fn a_list_has_an_end() {
    let upstream = Upstream::start(|n, _| Json(json!({"startAt": n, "values": [n]}))).await;
    let items = Caller::new()
        .jira(&upstream.url)
        .get("/x")
        .max_pages(3)
        .items::<usize>();
    let read: Vec<_> = items.collect().await;
    assert_eq!(upstream.hits(), 3);
    assert_eq!(read.len(), 4);
    assert!(matches!(
        read[3],
        Err(ProductError::Pagination {
            source: PaginationError::TooManyPages(3),
            ..
        })
    ));
}

#[tokio::test]
async fn the_same_page_is_not_fetched_twice() {
    let pages = [
        json!({"results": [1], "_links": {"next": "/rest/api/content?cursor=a"}}),
        json!({"startAt": 0, "values": [1]}),
        json!({"issues": [1], "nextPageToken": "a"}),
        json!({"start": 0, "limit": 0, "isLastPage": false, "values": [1]}),
    ];
    let tried = pages.map(async |page| {
        let label = page.to_string();
        let upstream = Upstream::start(move |_, _| Json(page.clone())).await;
        let confluence = Caller::new().confluence(&upstream.url);
        let items = confluence.get("/wiki/rest/api/content").items::<u32>();
        let read: Vec<_> = items.collect().await;
        let ended = matches!(
            read.last(),
            Some(Err(ProductError::Pagination {
                source: PaginationError::Loop,
                ..
            }))
        );
        (ended && upstream.hits() == 2)
            .then_some(())
            .ok_or((label, upstream.hits()))
    });
    try_join_all(tried).await.unwrap();
}
