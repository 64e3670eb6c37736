//! Lists that come in pages, and platforms that never end them.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Platform, entity, key};
use crate::{
    product::PaginationError,
    storage::{Cursor, IndexName, StorageError},
};

/// A platform whose page `n` holds the entry `n` and leads to where `cursor` says.
async fn leading(
    cursor: impl Fn(usize) -> Option<String> + Clone + Send + Sync + 'static,
) -> Platform {
    Platform::start(move |n, _| {
        let mut page = json!({"data": [{"key": format!("k{n}"), "value": n}]});
        if let Some(cursor) = cursor(n) {
            page["cursor"] = cursor.into();
        }
        page.to_string()
    })
    .await
}

fn pagination(error: StorageError) -> PaginationError {
    match error {
        StorageError::Pagination(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn all_pages_are_read_and_each_cursor_is_sent_back() {
    let platform = leading(|n| (n < 2).then(|| format!("c{n}"))).await;
    let query = platform.storage.query().prefix(&key("k")).limit(1);
    let entries = query.entries::<usize>().all().await.unwrap();
    let values: Vec<_> = entries.iter().map(|entry| entry.value).collect();
    assert_eq!(values, [0, 1, 2]);
    let asked = platform.asked();
    let after: Vec<_> = asked
        .iter()
        .map(|(_, body)| body["after"].clone())
        .collect();
    assert_eq!(after, [Value::Null, json!("c0"), json!("c1")]);
    assert!(
        asked
            .iter()
            .all(|(_, body)| body["limit"] == 1 && body["where"].is_array())
    );
}

#[tokio::test]
async fn an_index_has_another_name_for_its_cursor() {
    let platform = leading(|n| (n < 1).then(|| "c".to_owned())).await;
    let query = platform
        .storage
        .entity(&entity("seat"))
        .query(&IndexName::by_key());
    assert_eq!(query.entries::<usize>().all().await.unwrap().len(), 2);
    let (path, body) = &platform.asked()[1];
    assert_eq!(path, "/v1/entity/query");
    assert_eq!((&body["cursor"], body.get("after")), (&json!("c"), None));
}

#[tokio::test]
async fn an_empty_page_in_between_is_not_the_end() {
    let platform = Platform::start(|n, _| match n {
        0 => r#"{"data":[],"cursor":"c"}"#,
        1 => r#"{"data":[{"key":"k","value":1}],"cursor":""}"#,
        _ => "?",
    })
    .await;
    let entries = platform
        .storage
        .query()
        .entries::<u8>()
        .all()
        .await
        .unwrap();
    assert_eq!(entries.len(), 1);
}

#[tokio::test]
async fn a_cursor_that_comes_again_ends_the_list() {
    for (cycle, pages) in [(1, 2), (3, 4)] {
        let platform = leading(move |n| Some(format!("c{}", n % cycle))).await;
        let mut entries = platform.storage.query().entries::<usize>();
        for n in 0..pages {
            assert_eq!(entries.try_next().await.unwrap().unwrap().value, n);
        }
        let error = entries.try_next().await.unwrap_err();
        assert_eq!(pagination(error), PaginationError::Loop);
        assert_eq!(platform.asked().len(), pages);
    }
}

#[tokio::test]
async fn a_list_that_begins_at_a_cursor_does_not_come_back_to_it() {
    let platform = leading(|_| Some("start".to_owned())).await;
    let start: Cursor = serde_json::from_str("\"start\"").unwrap();
    let mut entries = platform.storage.query().after(&start).entries::<usize>();
    entries.try_next().await.unwrap().unwrap();
    let error = entries.try_next().await.unwrap_err();
    assert_eq!(pagination(error), PaginationError::Loop);
}

#[tokio::test]
async fn ever_new_cursors_end_at_the_limit_of_pages() {
    let platform = leading(|n| Some(format!("c{n}"))).await;
    let error = platform
        .storage
        .query()
        .max_pages(5)
        .entries::<usize>()
        .all()
        .await;
    assert_eq!(
        pagination(error.unwrap_err()),
        PaginationError::TooManyPages(5)
    );
    assert_eq!(platform.asked().len(), 5);
}

#[tokio::test]
async fn a_page_is_fetched_when_it_is_needed() {
    let platform = leading(|n| Some(format!("c{n}"))).await;
    let mut entries = platform.storage.query().entries::<usize>();
    assert_eq!(platform.asked().len(), 0);
    entries.try_next().await.unwrap();
    assert_eq!(platform.asked().len(), 1);
}

#[tokio::test]
async fn an_error_ends_the_list_behind_the_entries_that_were_right() {
    let platform = Platform::start(|n, _| match n {
        0 => (
            StatusCode::OK,
            r#"{"data":[{"key":"k","value":1}],"cursor":"c"}"#,
        ),
        _ => (StatusCode::FORBIDDEN, ""),
    })
    .await;
    let mut entries = platform.storage.query().entries::<u8>();
    assert_eq!(entries.try_next().await.unwrap().unwrap().value, 1);
    let error = entries.try_next().await.unwrap_err();
    assert!(matches!(error, StorageError::Forbidden(_)));
    assert!(entries.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_page_without_a_list_is_an_error() {
    for body in [
        "{}",
        "[]",
        "null",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        r#"{"data":[],"cursor":7}"#,
    ] {
        let platform = Platform::answering(200, body).await;
        let page = platform.storage.query().page::<u8>().await;
        assert!(matches!(page.unwrap_err(), StorageError::Call(_)), "{body}");
    }
}

#[tokio::test]
async fn a_cursor_without_end_is_an_error() {
    let platform = leading(|_| Some("c".repeat(8 * 1024 + 1))).await;
    platform.storage.query().page::<usize>().await.unwrap_err();
}

#[test]
fn a_cursor_goes_out_and_comes_back() {
    let cursor: Cursor = serde_json::from_str("\"eyJ2IjoxfQ\"").unwrap();
    assert_eq!(serde_json::to_string(&cursor).unwrap(), "\"eyJ2IjoxfQ\"");
    assert_eq!(format!("{cursor:?}"), "Cursor { .. }");
    serde_json::from_str::<Cursor>("\"\"").unwrap_err();
}
