//! What is sent again, and what must not be.

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::StatusCode;

use super::{Platform, entity, key};
use crate::{
    error::{Error, ErrorCode},
    product::tests::{Caller, Tokens},
    storage::{Condition, Put, Storage, StorageError},
};

type Sent<'a> = BoxFuture<'a, Result<(), StorageError>>;

/// Everything that can be sent, and whether doing it twice is the same as doing it once.
fn operations(storage: &Storage) -> Vec<(&'static str, bool, Sent<'_>)> {
    let set = || storage.set(&key("k"), &1);
    let transaction = || storage.transaction().set(Put::new(key("k"), &1));
    let check = transaction().check(&entity("seat"), &key("e"), Condition::exists("a"));
    let set_if = storage
        .transaction()
        .set_if(Put::new(key("k"), &1), Condition::exists("a"));
    let delete_if = transaction().delete_if(key("d"), Condition::exists("a"));
    vec![
        (
            "get",
            true,
            Box::pin(async { storage.get::<()>(&key("k")).await.map(|_| ()) }),
        ),
        (
            "query",
            true,
            Box::pin(async { storage.query().page::<()>().await.map(|_| ()) }),
        ),
        ("set", true, Box::pin(async move { set().await })),
        ("create", false, Box::pin(set().create())),
        (
            "previous",
            false,
            Box::pin(async move { set().previous::<()>().await.map(|_| ()) }),
        ),
        (
            "latest",
            true,
            Box::pin(async move { set().latest::<()>().await.map(|_| ()) }),
        ),
        (
            "delete",
            true,
            Box::pin(async { storage.delete(&key("k")).await }),
        ),
        (
            "batch_get",
            true,
            Box::pin(async { storage.batch_get::<()>([key("k")]).await.map(|_| ()) }),
        ),
        (
            "batch_set",
            true,
            Box::pin(async {
                storage
                    .batch_set([Put::new(key("k"), &1)])
                    .await
                    .map(|_| ())
            }),
        ),
        (
            "batch_delete",
            true,
            Box::pin(async { storage.batch_delete([key("k")]).await.map(|_| ()) }),
        ),
        ("transaction", true, Box::pin(transaction().commit())),
        ("check", false, Box::pin(check.commit())),
        ("set_if", false, Box::pin(set_if.commit())),
        ("delete_if", false, Box::pin(delete_if.commit())),
    ]
}

async fn tries(status: u16) -> Vec<(&'static str, bool, usize)> {
    let mut tries = Vec::new();
    for index in 0.. {
        // A pause after a 429 is the installation's: each gets a platform of its own.
        let platform = Platform::answering(status, "").await;
        let Some((name, repeatable, sent)) = operations(&platform.storage).into_iter().nth(index)
        else {
            break;
        };
        sent.await.unwrap_err();
        tries.push((name, repeatable, platform.asked().len()));
    }
    assert_eq!(tries.len(), 14);
    tries
}

#[tokio::test]
async fn only_what_may_be_done_twice_is_repeated_after_a_503() {
    for (name, repeatable, tries) in tries(503).await {
        assert_eq!(tries, if repeatable { 3 } else { 1 }, "{name}");
    }
}

#[tokio::test]
async fn everything_is_repeated_after_a_429() {
    for (name, _, tries) in tries(429).await {
        assert_eq!(tries, 3, "{name}");
    }
}

#[tokio::test]
async fn nothing_is_repeated_after_a_500() {
    for (name, _, tries) in tries(500).await {
        assert_eq!(tries, 1, "{name}");
    }
}

#[tokio::test]
async fn a_limit_that_is_too_long_to_wait_is_told_and_pauses_the_installation() {
    let platform = Platform::start(|_, _| {
        let body = r#"{"code":"RATE_LIMIT_EXCEEDED","message":"Slow down"}"#;
        (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "30")], body)
    })
    .await;
    let error = platform.storage.get::<u8>(&key("k")).await.unwrap_err();
    assert!(matches!(error, StorageError::RateLimited(_)));
    assert_eq!(error.code(), Some("RATE_LIMIT_EXCEEDED"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    let public = Error::from(error);
    assert_eq!(public.code(), ErrorCode::RateLimited);
    assert_eq!(public.wait(), Some(Duration::from_secs(30)));

    let error = platform.storage.delete(&key("other")).await.unwrap_err();
    assert!(matches!(error, StorageError::RateLimited(_)));
    assert!(error.retry_after().unwrap() > Duration::from_secs(25));
    assert_eq!(platform.asked().len(), 1);
}

#[tokio::test]
async fn a_short_limit_is_waited_out() {
    let platform = Platform::start(|n, _| match n {
        0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]),
        _ => (StatusCode::NO_CONTENT, [("x-none", "")]),
    })
    .await;
    platform.storage.set(&key("k"), &1).create().await.unwrap();
    assert_eq!(platform.asked().len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let tokens = Tokens::new(&["stale", "fresh"]);
    let caller = Caller::new().with(tokens.clone());
    let platform = Platform::called_by(&caller, |_, request| {
        if request.headers["authorization"] == "Bearer fresh" {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::UNAUTHORIZED
        }
    })
    .await;
    platform.storage.set(&key("k"), &1).create().await.unwrap();
    assert_eq!(platform.asked().len(), 2);
    assert_eq!(tokens.refused.all(), ["Bearer stale"]);
}

#[tokio::test]
async fn a_token_without_successor_is_told() {
    let platform = Platform::answering(401, r#"{"code":"UNAUTHORIZED"}"#).await;
    let error = platform.storage.get::<u8>(&key("k")).await.unwrap_err();
    assert!(matches!(error, StorageError::Unauthorized(_)));
    assert_eq!(platform.asked().len(), 1);
}

#[tokio::test]
async fn the_callers_deadline_bounds_it_all() {
    let caller = Caller::new().for_ms(100);
    let platform = Platform::called_by(&caller, |_, _| {
        (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "5")])
    })
    .await;
    platform.storage.get::<u8>(&key("k")).await.unwrap_err();
    assert_eq!(platform.asked().len(), 1);
    let late = Platform::called_by(&Caller::new().for_ms(0), |_, _| StatusCode::OK).await;
    let error = late.storage.get::<u8>(&key("k")).await.unwrap_err();
    assert_eq!(Error::from(error).code(), ErrorCode::DeadlineExceeded);
    assert_eq!(late.asked(), []);
}
