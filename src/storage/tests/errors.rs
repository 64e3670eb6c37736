//! What the platform refuses, and what is made of it.

use http::StatusCode;

use super::{Platform, entity, key};
use crate::{
    error::{Error, ErrorCode},
    product::ProductError,
    storage::{Condition, Put, StorageError},
};

fn public(error: StorageError) -> (ErrorCode, String) {
    let error = Error::from(error);
    (error.code(), error.message().to_owned())
}

#[tokio::test]
async fn a_missing_key_is_none_and_deleting_it_no_error() {
    for body in [
        r#"{"code":"KEY_NOT_FOUND","message":"Key not found"}"#,
        r#"{"code":"NOT_FOUND","message":"Key not found"}"#,
    ] {
        let platform = Platform::answering(404, body).await;
        let (storage, k) = (&platform.storage, key("k"));
        assert_eq!(storage.get::<u8>(&k).await.unwrap(), None);
        assert_eq!(storage.secrets().get::<u8>(&k).entry().await.unwrap(), None);
        storage.delete(&k).await.unwrap();
        storage.entity(&entity("seat")).delete(&k).await.unwrap();
    }
}

#[tokio::test]
async fn any_other_404_is_not_taken_for_a_missing_key() {
    for body in [
        "",
        "<html>Not Found</html>",
        r#"{"code":404,"message":"No route"}"#,
        r#"{"code":"ROUTE_NOT_FOUND","message":"No route"}"#,
        r#"{"code":["KEY_NOT_FOUND"]}"#,
    ] {
        let platform = Platform::answering(404, body).await;
        let error = platform.storage.get::<u8>(&key("k")).await.unwrap_err();
        assert!(matches!(
            error,
            StorageError::Call(ProductError::NotFound(_))
        ));
        platform.storage.delete(&key("k")).await.unwrap_err();
    }
}

#[tokio::test]
async fn the_code_alone_makes_no_missing_key() {
    let platform = Platform::answering(400, r#"{"code":"KEY_NOT_FOUND","message":"?"}"#).await;
    let error = platform.storage.get::<u8>(&key("k")).await.unwrap_err();
    assert!(matches!(error, StorageError::Invalid(_)));
}

#[tokio::test]
async fn every_400_keeps_its_code() {
    for code in [
        "KEY_TOO_SHORT",
        "KEY_TOO_LONG",
        "INVALID_KEY",
        "EMPTY_KEY",
        "MAX_SIZE",
        "MAX_DEPTH",
        "ENTITY_TYPE_TOO_SHORT",
        "ENTITY_TYPE_TOO_LARGE",
        "INVALID_ENTITY_TYPE",
        "INVALID_ENTITY_VALUE",
        "INVALID_ENTITY_ATTRIBUTE",
        "INVALID_ENTITY_INDEX",
        "INVALID_FILTER_CONDITION",
        "INVALID_FILTER_VALUES",
        "INSUFFICIENT_FILTER_VALUES",
        "EMPTY_FILTER_OPERATOR",
        "INVALID_FILTER_OPERATORS_COMBINATION",
        "LIST_QUERY_LIMIT_EXCEEDED",
        "COMPLEX_QUERY_PAGE_LIMIT_NOT_IN_RANGE",
        "QUERY_WHERE_INVALID",
        "QUERY_WHERE_FIELD_INVALID",
        "BAD_REQUEST",
    ] {
        let body = format!(r#"{{"code":"{code}","message":"No.","context":{{"a":1}}}}"#);
        let platform = Platform::start(move |_, _| (StatusCode::BAD_REQUEST, body.clone())).await;
        let error = platform.storage.query().page::<u8>().await.unwrap_err();
        assert!(matches!(error, StorageError::Invalid(_)), "{code}");
        assert_eq!(error.code(), Some(code));
        assert_eq!(
            error.to_string(),
            "storage POST /v1/query answered 400: No."
        );
        assert_eq!(public(error).0, ErrorCode::UpstreamError);
    }
}

#[tokio::test]
async fn a_code_that_could_forge_a_log_line_is_not_kept() {
    for body in [
        r#"{"code":"X\nINFO all is well"}"#,
        r#"{"code":""}"#,
        r#"{"code":400}"#,
    ] {
        let platform = Platform::answering(400, body).await;
        let error = platform.storage.get::<u8>(&key("k")).await.unwrap_err();
        assert_eq!(error.code(), Some("UNKNOWN_ERROR"), "{body}");
    }
}

#[tokio::test]
async fn statuses_say_what_one_can_do() {
    for (status, code, message) in [
        (401, ErrorCode::UpstreamUnauthorized, "token"),
        (403, ErrorCode::Forbidden, "`storage:app`"),
        (422, ErrorCode::UpstreamError, "cannot do"),
        (409, ErrorCode::UpstreamError, "Forge storage"),
        (302, ErrorCode::UpstreamError, "Forge storage"),
        (500, ErrorCode::UpstreamError, "Forge storage"),
    ] {
        let platform = Platform::answering(status, "<html>?</html>").await;
        let error = platform.storage.set(&key("k"), &1).await.unwrap_err();
        assert_eq!(error.code(), Some("UNKNOWN_ERROR"), "{status}");
        assert_eq!(error.refusal().unwrap().status(), status);
        let (told, sentence) = public(error);
        assert_eq!(told, code, "{status}");
        assert!(sentence.contains(message), "{status}: {sentence}");
    }
}

#[tokio::test]
async fn only_a_create_finds_that_something_exists() {
    let platform = Platform::answering(409, r#"{"code":"KEY_ALREADY_EXISTS"}"#).await;
    let set = || platform.storage.set(&key("k"), &1);
    let error = set().create().await.unwrap_err();
    assert!(matches!(error, StorageError::AlreadyExists(_)));
    assert_eq!(error.code(), Some("KEY_ALREADY_EXISTS"));
    let error = set().await.unwrap_err();
    assert!(matches!(error, StorageError::Call(_)));
}

#[tokio::test]
async fn a_failed_condition_is_told_where_there_was_one() {
    for (status, body, failed) in [
        (409, "", true),
        (412, "", true),
        (400, r#"{"code":"CONDITION_FAILED"}"#, true),
        (400, r#"{"code":"CONDITIONAL_CHECK_FAILED"}"#, true),
        (400, r#"{"code":"INVALID_FILTER_CONDITION"}"#, false),
        (500, r#"{"code":"CONDITION_FAILED"}"#, false),
    ] {
        let platform = Platform::answering(status, body).await;
        let transaction = || platform.storage.transaction().set(Put::new(key("k"), &1));
        let checked = transaction().check(&entity("seat"), &key("e"), Condition::exists("a"));
        let error = checked.commit().await.unwrap_err();
        let is = matches!(error, StorageError::ConditionFailed(_));
        assert_eq!(is, failed, "{status} {body}");
        let error = transaction().commit().await.unwrap_err();
        assert!(!matches!(error, StorageError::ConditionFailed(_)));
    }
}

#[tokio::test]
async fn the_platforms_trace_id_is_kept() {
    for header in ["x-b3-traceid", "x-trace-id"] {
        let platform =
            Platform::start(move |_, _| (StatusCode::FORBIDDEN, [(header, "abc123")])).await;
        let error = platform.storage.get::<u8>(&key("k")).await.unwrap_err();
        assert_eq!(error.upstream_trace_id(), Some("abc123"));
        assert_eq!(Error::from(error).upstream_trace(), Some("abc123"));
    }
}

#[tokio::test]
async fn a_good_answer_that_is_no_entry_is_an_error_that_quotes_nothing() {
    for body in [
        "",
        "<html>s3cret</html>",
        "{\"key\":\"s3cret\"",
        r#"{"key":"k"}"#,
        r#"{"key":"k","value":"s3cret"}"#,
        r#"{"key":"k","value":null}"#,
        r#"{"key":"k","value":1,"expireTime":"s3cret"}"#,
        "[]",
    ] {
        let platform = Platform::answering(200, body).await;
        let error = platform.storage.get::<u8>(&key("k")).await.unwrap_err();
        assert!(
            matches!(error, StorageError::Call(ProductError::Decode { .. })),
            "{body}: {error:?}"
        );
        let shown = format!("{error:?}") + &Error::from(error).causes();
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let platform = Platform::start(|_, _| {
        let value = "x".repeat(3 * 1024 * 1024);
        format!(r#"{{"key":"k","value":"{value}"}}"#)
    })
    .await;
    let error = platform.storage.get::<String>(&key("k")).await.unwrap_err();
    assert!(matches!(
        error,
        StorageError::Call(ProductError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn a_huge_error_is_cut() {
    let platform = Platform::start(|_, _| {
        let text = "y".repeat(1024 * 1024);
        (
            StatusCode::BAD_REQUEST,
            format!(r#"{{"code":"MAX_SIZE","message":"{text}"}}"#),
        )
    })
    .await;
    let error = platform.storage.get::<u8>(&key("k")).await.unwrap_err();
    assert_eq!(error.code(), Some("UNKNOWN_ERROR"));
    assert!(error.to_string().len() < 1_000);
}

#[tokio::test]
async fn an_entry_shows_neither_key_nor_value() {
    let platform = Platform::answering(200, r#"{"key":"s3cret","value":"s3cret"}"#).await;
    let secrets = platform.storage.secrets();
    let entry = secrets.get::<String>(&key("s3cret")).entry().await.unwrap();
    assert!(!format!("{entry:?}").contains("s3cret"));
}

#[tokio::test]
async fn neither_key_nor_value_stands_in_an_error_or_a_debug() {
    let platform = Platform::answering(500, "").await;
    let secret = key("s3cret");
    let set = platform.storage.set(&secret, "s3cret");
    let shown = format!("{set:?} {:?}", platform.storage.get::<u8>(&secret));
    let error = set.await.unwrap_err();
    let shown = format!("{shown} {error:?} {error}") + &Error::from(error).causes();
    assert!(!shown.contains("s3cret"), "{shown}");
}
