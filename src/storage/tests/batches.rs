//! Many values in one request, and lists that need several.

use serde_json::{Value, json};

use super::{Platform, entity, key};
use crate::{
    error::{Error, ErrorCode},
    storage::{Item, Key, Put, StorageError, Ttl},
};

/// A platform that does all it is asked to; a get finds 1 under each key.
async fn obliging() -> Platform {
    Platform::start(|_, request| {
        let mut items: Vec<Value> = serde_json::from_slice(&request.body).unwrap();
        if request.uri.ends_with("/get") {
            for item in &mut items {
                item["value"] = 1.into();
            }
        }
        json!({"successfulKeys": items, "failedKeys": []}).to_string()
    })
    .await
}

fn keys(count: usize) -> Vec<Key> {
    (0..count).map(|n| key(&format!("k{n}"))).collect()
}

/// How many items each request had.
fn sizes(platform: &Platform) -> Vec<usize> {
    let asked = platform.asked();
    asked
        .iter()
        .map(|(_, body)| body.as_array().unwrap().len())
        .collect()
}

#[tokio::test]
async fn bodies_are_bare_lists() {
    let platform = obliging().await;
    let (storage, k) = (&platform.storage, key("k"));
    let item = storage.entity(&entity("seat")).item(&k);
    let put = Put::new(&item, &json!([1])).ttl(Ttl::minutes(5).unwrap());
    let got = storage
        .batch_get::<u8>([Item::from(&k), item.clone()])
        .await
        .unwrap();
    let set = storage.batch_set([Put::new(&k, &1), put]).await.unwrap();
    let deleted = storage.batch_delete([&item]).await.unwrap();
    let named = json!({"key": "k", "entityName": "seat"});
    let options = json!({"ttl": {"value": 5, "unit": "MINUTES"}});
    let expected = [
        ("/v1/batch/get", json!([{"key": "k"}, named])),
        (
            "/v1/batch/set",
            json!([
                {"key": "k", "value": 1},
                {"key": "k", "entityName": "seat", "value": [1], "options": options},
            ]),
        ),
        ("/v1/batch/delete", json!([named])),
    ];
    assert_eq!(
        platform.asked(),
        expected.map(|(path, body)| (path.to_owned(), body))
    );
    let items: Vec<_> = got.done.iter().map(crate::storage::Entry::item).collect();
    assert_eq!(items, [Item::from(&k), item.clone()]);
    assert_eq!(set.done, items);
    assert_eq!(deleted.complete().unwrap(), [item]);
}

const HALF: &str = r#"{
    "successfulKeys": [{"key": "a", "value": 1}],
    "failedKeys": [
        {"key": "b", "error": {"code": "KEY_NOT_FOUND", "message": "Key not found"}},
        {"key": "c", "entityName": "seat", "error": {"code": "RATE_LIMIT_EXCEEDED", "message": "Slow"}}
    ]
}"#;

#[tokio::test]
async fn each_item_fails_on_its_own() {
    let platform = Platform::answering(200, HALF).await;
    let batch = platform
        .storage
        .batch_get::<u8>(["a", "b", "c"].map(key))
        .await
        .unwrap();
    assert_eq!(batch.done[0].value, 1);
    let [missing, limited] = &batch.failed[..] else {
        panic!("{batch:?}")
    };
    assert!(missing.is_missing() && !limited.is_missing());
    assert_eq!(limited.item, Item::of(&entity("seat"), &key("c")));
    assert_eq!(limited.message, "Slow");

    let error = batch.complete().unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 items of a batch failed, one of them with `RATE_LIMIT_EXCEEDED`"
    );
    assert_eq!(Error::from(error).code(), ErrorCode::UpstreamError);
}

#[tokio::test]
async fn an_item_that_the_answer_does_not_mention_has_failed() {
    let platform = Platform::answering(200, HALF).await;
    let keys = ["a", "b", "c", "d"].map(key);
    let puts = keys.map(|key| Put::new(key, &1));
    let batch = platform.storage.batch_set(puts).await.unwrap();
    let codes: Vec<_> = batch.failed.iter().map(|failed| &*failed.code).collect();
    assert_eq!(
        codes,
        ["KEY_NOT_FOUND", "RATE_LIMIT_EXCEEDED", "UNKNOWN_ERROR"]
    );
    assert_eq!(batch.failed[2].item, Item::from(key("d")));
    batch.complete().unwrap_err();
}

#[tokio::test]
async fn missing_keys_alone_leave_a_batch_complete() {
    let platform = Platform::answering(
        200,
        r#"{"successfulKeys":[],"failedKeys":[{"key":"a","error":{"code":"NOT_FOUND"}}]}"#,
    )
    .await;
    let batch = platform.storage.batch_delete([key("a")]).await.unwrap();
    assert_eq!(batch.complete().unwrap(), []);
}

#[tokio::test]
async fn a_code_that_could_forge_a_log_line_is_not_kept() {
    let platform = Platform::answering(
        200,
        r#"{"successfulKeys":[],"failedKeys":[{"key":"a","error":{"code":"X\nINFO all is well"}}]}"#,
    )
    .await;
    let batch = platform.storage.batch_delete([key("a")]).await.unwrap();
    assert_eq!(batch.failed[0].code, "UNKNOWN_ERROR");
}

#[tokio::test]
async fn longer_lists_are_split_into_batches() {
    let platform = obliging().await;
    let storage = &platform.storage;
    assert_eq!(
        storage.get_many::<u8>(keys(51)).await.unwrap().done.len(),
        51
    );
    let puts = keys(30).into_iter().map(|key| Put::new(key, &1));
    assert_eq!(storage.set_many(puts).await.unwrap().done.len(), 30);
    assert_eq!(storage.delete_many(keys(25)).await.unwrap().done.len(), 25);
    assert_eq!(sizes(&platform), [25, 25, 1, 25, 5, 25]);
    assert_eq!(platform.asked()[2].1, json!([{"key": "k50"}]));
}

#[tokio::test]
async fn no_batch_is_larger_than_4_mb() {
    let platform = obliging().await;
    let largest = "x".repeat(240 * 1024 - 2);
    let puts = keys(25).into_iter().map(|key| Put::new(key, &largest));
    assert_eq!(
        platform.storage.set_many(puts).await.unwrap().done.len(),
        25
    );
    assert_eq!(sizes(&platform), [16, 9]);
    for arrived in platform.upstream.arrived() {
        assert!(arrived.body.len() <= 4_000_000, "{}", arrived.body.len());
    }
}

#[tokio::test]
async fn an_empty_list_asks_nothing() {
    let platform = obliging().await;
    let none: [Key; 0] = [];
    assert!(
        platform
            .storage
            .get_many::<u8>(none)
            .await
            .unwrap()
            .done
            .is_empty()
    );
    assert!(platform.storage.set_many([]).await.unwrap().done.is_empty());
    assert_eq!(platform.asked(), []);
}

#[tokio::test]
async fn an_error_of_one_batch_ends_the_list() {
    let platform = Platform::start(|n, _| match n {
        0 => (
            http::StatusCode::OK,
            r#"{"successfulKeys":[],"failedKeys":[]}"#,
        ),
        _ => (http::StatusCode::FORBIDDEN, ""),
    })
    .await;
    let error = platform.storage.delete_many(keys(80)).await.unwrap_err();
    assert!(matches!(error, StorageError::Forbidden(_)));
    assert_eq!(sizes(&platform), [25, 25]);
}

#[tokio::test]
async fn a_batch_that_is_no_batch_is_an_error() {
    for body in [
        "",
        "[]",
        "{}",
        r#"{"successfulKeys":[]}"#,
        r#"{"successfulKeys":[{}],"failedKeys":[]}"#,
    ] {
        let platform = Platform::answering(200, body).await;
        platform.storage.batch_delete([key("a")]).await.unwrap_err();
    }
}
