//! What is known to be refused is not sent.

use serde_json::json;

use super::{Platform, entity, key};
use crate::{
    error::{Error, ErrorCode},
    storage::{Condition, Filter, IndexName, Key, Put, Storage, StorageError},
};

fn keys(count: usize) -> Vec<Key> {
    (0..count).map(|n| key(&format!("k{n}"))).collect()
}

fn puts(count: usize) -> impl Iterator<Item = Put> {
    keys(count).into_iter().map(|key| Put::new(key, &1))
}

async fn refusals(storage: &Storage) -> Vec<(StorageError, ErrorCode)> {
    let (k, large) = (key("k"), "x".repeat(240 * 1024));
    let index = IndexName::by_key();
    let of = storage.entity(&entity("seat"));
    let conditions = |count| Filter::all(vec![Condition::exists("a"); count]);
    let wide = (0..25).map(|n| Put::new(key(&format!("k{n}")), &large[..200 * 1024]));
    let transaction = wide.fold(storage.transaction(), |all, put| all.set(put));
    let many = puts(26).fold(storage.transaction(), |all, put| all.set(put));
    let wide = (0..25).map(|n| Put::new(key(&format!("k{n}")), &large[..200 * 1024]));
    vec![
        (
            storage.set(&k, &large).await.unwrap_err(),
            ErrorCode::PayloadTooLarge,
        ),
        (
            storage.set(&k, &large).create().await.unwrap_err(),
            ErrorCode::PayloadTooLarge,
        ),
        (
            storage.set(&k, &()).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage
                .secrets()
                .set(&k, &())
                .latest::<()>()
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            of.set(&k, &()).previous::<()>().await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.query().limit(0).page::<()>().await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage
                .query()
                .limit(101)
                .entries::<()>()
                .all()
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            of.query(&index)
                .filter(conditions(0))
                .page::<()>()
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            of.query(&index)
                .filter(conditions(101))
                .page::<()>()
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.batch_get::<()>(keys(0)).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.batch_get::<()>(keys(26)).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.batch_set(puts(0)).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.batch_set(puts(26)).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.batch_set(wide).await.unwrap_err(),
            ErrorCode::PayloadTooLarge,
        ),
        (
            storage.batch_set([Put::new(&k, &())]).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage
                .set_many(puts(30).chain([Put::new(&k, &())]))
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.batch_delete(keys(26)).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.batch_delete([&k, &k]).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.get_many::<()>([&k, &k]).await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage
                .delete_many(keys(30).into_iter().chain(keys(1)))
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage.transaction().commit().await.unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (many.commit().await.unwrap_err(), ErrorCode::BadRequest),
        (
            transaction.commit().await.unwrap_err(),
            ErrorCode::PayloadTooLarge,
        ),
        (
            storage
                .transaction()
                .set(Put::new(&k, &1))
                .delete(&k)
                .commit()
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage
                .transaction()
                .set(Put::new(&k, &()))
                .commit()
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
        (
            storage
                .transaction()
                .check(of.name(), &k, conditions(0))
                .commit()
                .await
                .unwrap_err(),
            ErrorCode::BadRequest,
        ),
    ]
}

#[tokio::test]
async fn nothing_is_sent_that_is_known_to_be_refused() {
    let platform = Platform::content().await;
    for (index, (error, code)) in refusals(&platform.storage).await.into_iter().enumerate() {
        assert_eq!(error.code(), None, "{index}");
        assert_eq!(Error::from(error).code(), code, "{index}");
    }
    assert_eq!(platform.asked(), []);
}

#[tokio::test]
async fn the_first_mistake_is_the_error() {
    let platform = Platform::content().await;
    let error = platform
        .storage
        .query()
        .limit(0)
        .limit(5)
        .page::<()>()
        .await;
    assert!(matches!(
        error.unwrap_err(),
        StorageError::OutOfRange { most: 100, .. }
    ));
}

#[tokio::test]
async fn the_same_key_of_two_entities_is_not_the_same() {
    let platform = Platform::content().await;
    let k = key("k");
    let storage = &platform.storage;
    let transaction = storage
        .transaction()
        .set(Put::new(&k, &1))
        .set(Put::new(storage.entity(&entity("seat")).item(&k), &1))
        .delete(storage.entity(&entity("table")).item(&k));
    transaction.commit().await.unwrap();
    assert_eq!(
        platform.asked_once().1["set"][1]["entityName"],
        json!("seat")
    );
}
