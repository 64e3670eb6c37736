use axum::Json;
use futures_util::StreamExt;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Caller, Tokens,
    upstream::{Arrived, Upstream},
};
use crate::product::{PaginationError, ProductError};

const QUERY: &str = "query list($after: String) { list { x } }";
const MUTATION: &str = "mutation change($x: Int) { change(x: $x) { done } }";

async fn serving(answers: Vec<Value>) -> (Upstream, String) {
    let upstream =
        Upstream::start(move |n, _| Json(answers[n.min(answers.len() - 1)].clone())).await;
    let url = format!("{}/graphql", upstream.url);
    (upstream, url)
}

fn failed(status: u16) -> Value {
    json!({"data": {"list": null}, "errors": [
        {"message": "No.", "path": ["list"], "extensions": {"statusCode": status, "errorType": "X"}}]})
}

fn variables(request: &Arrived) -> Value {
    let mut body: Value = serde_json::from_slice(&request.body).unwrap();
    body["variables"].take()
}

#[tokio::test]
async fn query_and_variables_are_posted_to_the_gateway() {
    let (upstream, url) = serving(vec![json!({"data": {"list": 7}})]).await;
    let graphql = Caller::new().graphql(&url);
    let query = graphql.query(QUERY).variables(&json!({"a": 1})).variables(
        &[("b", 2)]
            .into_iter()
            .collect::<std::collections::HashMap<_, _>>(),
    );
    let data: Value = query.header("x-experimentalapi", "y").data().await.unwrap();
    assert_eq!(data, json!({"list": 7}));
    let arrived = &upstream.arrived()[0];
    assert_eq!(arrived.uri, "/graphql");
    assert_eq!(arrived.headers["content-type"], "application/json");
    assert_eq!(arrived.headers["x-experimentalapi"], "y");
    let body: Value = serde_json::from_slice(&arrived.body).unwrap();
    assert_eq!(body, json!({"query": QUERY, "variables": {"a": 1, "b": 2}}));
}

#[tokio::test]
async fn an_error_with_a_status_is_an_answer_of_that_status() {
    for (status, text, hits) in [
        (400, QUERY, 1),
        (401, QUERY, 1),
        (403, QUERY, 1),
        (404, QUERY, 1),
        (429, QUERY, 3),
        (429, MUTATION, 3),
        (503, QUERY, 3),
        (503, MUTATION, 1),
    ] {
        let (upstream, url) = serving(vec![failed(status)]).await;
        let error = Caller::new()
            .graphql(&url)
            .query(text)
            .data::<Value>()
            .await
            .unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.message(), Some("No."), "{status}");
        assert_eq!(upstream.hits(), hits, "{status} {text}");
        let variant = match status {
            401 => matches!(error, ProductError::Unauthorized(_)),
            403 => matches!(error, ProductError::Forbidden(_)),
            404 => matches!(error, ProductError::NotFound(_)),
            429 => matches!(error, ProductError::RateLimited { .. }),
            _ => matches!(error, ProductError::Status(_)),
        };
        assert!(variant, "{status}: {error:?}");
    }
}

#[tokio::test]
async fn a_hidden_401_renews_the_token() {
    let (upstream, url) = serving(vec![failed(401), json!({"data": {"change": 1}})]).await;
    let caller = Caller::new().with(Tokens::new(&["stale", "fresh"]));
    caller
        .graphql(&url)
        .query(MUTATION)
        .data::<Value>()
        .await
        .unwrap();
    assert_eq!(
        upstream.arrived()[1].headers["authorization"],
        "Bearer fresh"
    );
}

#[tokio::test]
async fn an_error_without_a_status_is_an_error_all_the_same() {
    for answer in [
        json!({"errors": [{"message": "No."}]}),
        json!({"data": null, "errors": [{"message": "No."}]}),
        json!({"data": {"list": 1}, "errors": [{"message": "No.", "extensions": {"statusCode": 200}}]}),
        json!({"data": {"list": null}, "errors": [{"message": "No.", "extensions": {"statusCode": "404"}}]}),
    ] {
        let (_upstream, url) = serving(vec![answer.clone()]).await;
        let error = Caller::new()
            .graphql(&url)
            .query(QUERY)
            .data::<Value>()
            .await
            .unwrap_err();
        assert!(matches!(error, ProductError::Status(_)), "{answer}");
        assert_eq!(error.to_string(), "graphql POST /graphql answered 200: No.");
    }
}

#[tokio::test]
async fn half_an_answer_is_taken_only_where_it_is_asked_for() {
    let half = json!({"data": {"a": 1, "b": null}, "errors": [{"message": "No b.", "extensions": {"statusCode": 503}}]});
    let (upstream, url) = serving(vec![half]).await;
    let graphql = Caller::new().graphql(&url);
    let partial = graphql.query(QUERY).partial::<Value>().await.unwrap();
    assert_eq!(partial.data, json!({"a": 1, "b": null}));
    assert_eq!(partial.errors, ["No b."]);
    let error = graphql.query(QUERY).data::<Value>().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(upstream.hits(), 2, "what came with data is not repeated");
}

#[tokio::test]
async fn what_is_no_answer_cannot_be_read() {
    for body in ["<html>", "[]", "{\"data\":", "{\"data\":{\"list\":1}}"] {
        let upstream = Upstream::answering(200, body).await;
        let sent = Caller::new()
            .graphql(&upstream.url)
            .query(QUERY)
            .data::<Vec<u8>>()
            .await;
        assert!(
            matches!(sent, Err(ProductError::Decode { .. })),
            "{body}: {sent:?}"
        );
    }
}

#[tokio::test]
async fn a_query_may_be_repeated_and_a_mutation_not() {
    for (text, hits) in [(QUERY, 3), (MUTATION, 1)] {
        let upstream = Upstream::answering(502, "<html>").await;
        let sent = Caller::new()
            .graphql(&upstream.url)
            .query(text)
            .data::<Value>()
            .await;
        assert_eq!(sent.unwrap_err().status(), Some(StatusCode::BAD_GATEWAY));
        assert_eq!(upstream.hits(), hits, "{text}");
    }
}

fn page(items: &Value, next: Option<&str>) -> Value {
    json!({"data": {"space": {"list": {"edges": items, "pageInfo": {"hasNextPage": next.is_some(), "endCursor": next}}}}})
}

#[tokio::test]
async fn a_connection_is_read_by_its_cursor() {
    let pages = vec![
        page(&json!([{"node": 1}, {"node": 2}]), Some("a")),
        page(&json!([]), Some("b")),
        page(&json!([{"node": 3}]), None),
    ];
    let (upstream, url) = serving(pages).await;
    let query = Caller::new()
        .graphql(&url)
        .query(QUERY)
        .variables(&json!({"first": 2}));
    let nodes = query.items::<u32>("/space/list").all().await.unwrap();
    assert_eq!(nodes, [1, 2, 3]);
    let sent: Vec<_> = upstream.arrived().iter().map(variables).collect();
    assert_eq!(
        sent,
        [
            json!({"first": 2}),
            json!({"first": 2, "after": "a"}),
            json!({"first": 2, "after": "b"})
        ]
    );
}

#[tokio::test]
async fn nodes_need_no_edges_and_pages_come_whole() {
    let answer =
        json!({"data": {"nodes": [1, 2], "pageInfo": {"hasNextPage": false, "endCursor": null}}});
    let (_upstream, url) = serving(vec![answer.clone()]).await;
    let graphql = Caller::new().graphql(&url);
    assert_eq!(
        graphql.query(QUERY).items::<u32>("").all().await.unwrap(),
        [1, 2]
    );
    let pages = graphql.query(QUERY).pages::<Value>("").all().await.unwrap();
    assert_eq!(pages, [answer["data"].clone()]);
}

#[tokio::test]
async fn a_connection_that_cannot_be_read_on_is_an_error() {
    let same = page(&json!([{"node": 1}]), Some("a"));
    let mut blind = same.clone();
    blind["data"]["space"]["list"]["pageInfo"] = json!({});
    let mut cursorless = same.clone();
    cursorless["data"]["space"]["list"]["pageInfo"] = json!({"hasNextPage": true});
    for (answer, read, why) in [
        (same.clone(), 2, PaginationError::Loop),
        (blind, 1, PaginationError::NoPageInfo),
        (cursorless, 1, PaginationError::NoPageInfo),
        (
            json!({"data": {"space": null, "other": 1}}),
            0,
            PaginationError::NoList,
        ),
        (
            json!({"data": {"space": {"list": {"pageInfo": {"hasNextPage": false}}}}}),
            0,
            PaginationError::NoList,
        ),
    ] {
        let (_upstream, url) = serving(vec![answer.clone()]).await;
        let query = Caller::new().graphql(&url).query(QUERY);
        let mut items: Vec<_> = query.items::<u32>("/space/list").collect().await;
        let Some(Err(ProductError::Pagination { source, .. })) = items.pop() else {
            panic!("{answer}: {items:?}");
        };
        assert_eq!(source, why, "{answer}");
        assert_eq!(items.len(), read, "{answer}");
    }
}
