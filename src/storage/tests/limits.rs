//! What is known to be refused is not sent.

use serde_json::json;

use super::{Platform, entity, key};
use crate::{
    error::{Error, ErrorCode},
    storage::{Condition, Filter, IndexName, Key, Put, StorageError, Transaction},
};

fn keys(count: usize) -> Vec<Key> {
    (0..count).map(|n| key(&format!("k{n}"))).collect()
}

fn puts(count: usize) -> impl Iterator<Item = Put> {
    keys(count).into_iter().map(|key| Put::new(key, &1))
}

/// Twenty-five values that each fit, and together do not.
fn too_wide() -> Vec<Put> {
    let large = "x".repeat(200 * 1024);
    let keys = keys(25).into_iter();
    keys.map(|key| Put::new(key, &large)).collect()
}

/// What was not sent, in the words of the service's callers.
#[track_caller]
fn told<T: std::fmt::Debug>(unsent: Result<T, StorageError>) -> ErrorCode {
    let error = unsent.unwrap_err();
    assert_eq!(error.code(), None, "{error:?}");
    Error::from(error).code()
}

const BAD: ErrorCode = ErrorCode::BadRequest;
const LARGE: ErrorCode = ErrorCode::PayloadTooLarge;

#[tokio::test]
async fn no_value_that_is_too_large_or_null_is_sent() {
    let platform = Platform::content().await;
    let (storage, k, large) = (&platform.storage, key("k"), "x".repeat(240 * 1024));
    assert_eq!(told(storage.set(&k, &large).await), LARGE);
    assert_eq!(told(storage.set(&k, &large).create().await), LARGE);
    assert_eq!(told(storage.set(&k, &()).await), BAD);
    let secret = storage.secrets().set(&k, &()).latest::<()>().await;
    assert_eq!(told(secret), BAD);
    let of = storage.entity(&entity("seat"));
    assert_eq!(told(of.set(&k, &()).previous::<()>().await), BAD);
    assert_eq!(platform.asked(), []);
}

#[tokio::test]
async fn no_query_beyond_its_limits_is_sent() {
    let platform = Platform::content().await;
    let query = || platform.storage.query();
    assert_eq!(told(query().limit(0).page::<()>().await), BAD);
    assert_eq!(told(query().limit(101).entries::<()>().all().await), BAD);
    let of = platform.storage.entity(&entity("seat"));
    for count in [0, 101] {
        let filter = Filter::all(vec![Condition::exists("a"); count]);
        let query = of.query(&IndexName::by_key()).filter(filter);
        assert_eq!(told(query.page::<()>().await), BAD);
    }
    assert_eq!(platform.asked(), []);
}

#[tokio::test]
async fn no_batch_beyond_its_limits_is_sent() {
    let platform = Platform::content().await;
    let (storage, k) = (&platform.storage, key("k"));
    for count in [0, 26] {
        assert_eq!(told(storage.batch_get::<()>(keys(count)).await), BAD);
        assert_eq!(told(storage.batch_set(puts(count)).await), BAD);
        assert_eq!(told(storage.batch_delete(keys(count)).await), BAD);
    }
    assert_eq!(told(storage.batch_set(too_wide()).await), LARGE);
    assert_eq!(told(storage.batch_set([Put::new(&k, &())]).await), BAD);
    assert_eq!(told(storage.batch_delete([&k, &k]).await), BAD);
    assert_eq!(platform.asked(), []);
}

#[tokio::test]
async fn a_long_list_is_checked_before_its_first_batch_is_sent() {
    let platform = Platform::content().await;
    let (storage, k) = (&platform.storage, key("k"));
    let with_null = puts(30).chain([Put::new(&k, &())]);
    assert_eq!(told(storage.set_many(with_null).await), BAD);
    assert_eq!(told(storage.set_many(puts(30).chain(puts(1))).await), BAD);
    let twice = || keys(30).into_iter().chain(keys(1));
    assert_eq!(told(storage.get_many::<()>(twice()).await), BAD);
    assert_eq!(told(storage.delete_many(twice()).await), BAD);
    assert_eq!(platform.asked(), []);
}

#[tokio::test]
async fn no_transaction_beyond_its_limits_is_committed() {
    let platform = Platform::content().await;
    let (k, seat) = (key("k"), entity("seat"));
    let transaction = || platform.storage.transaction();
    let one = || Put::new(&k, &1);
    let many = puts(26).fold(transaction(), Transaction::set);
    let wide = too_wide().into_iter();
    let wide = wide.fold(transaction(), Transaction::set);
    let nothing = Filter::any([]);
    assert_eq!(told(transaction().commit().await), BAD);
    assert_eq!(told(many.commit().await), BAD);
    assert_eq!(told(wide.commit().await), LARGE);
    assert_eq!(
        told(transaction().set(one()).delete(&k).commit().await),
        BAD
    );
    assert_eq!(
        told(transaction().set(Put::new(&k, &())).commit().await),
        BAD
    );
    let check = transaction().set(one()).check(&seat, &k, nothing);
    assert_eq!(told(check.commit().await), BAD);
    assert_eq!(platform.asked(), []);
}

#[tokio::test]
async fn the_first_mistake_is_the_error() {
    let platform = Platform::content().await;
    let query = platform.storage.query().limit(0).limit(5);
    let error = query.page::<()>().await.unwrap_err();
    assert!(matches!(error, StorageError::OutOfRange { most: 100, .. }));
}

#[tokio::test]
async fn the_same_key_of_two_entities_is_not_the_same() {
    let platform = Platform::content().await;
    let (storage, k) = (&platform.storage, key("k"));
    let of = |name: &str| storage.entity(&entity(name)).item(&k);
    let transaction = storage
        .transaction()
        .set(Put::new(&k, &1))
        .set(Put::new(of("seat"), &1))
        .delete(of("table"));
    transaction.commit().await.unwrap();
    let (_, body) = platform.asked_once();
    assert_eq!(body["set"][1]["entityName"], json!("seat"));
}
