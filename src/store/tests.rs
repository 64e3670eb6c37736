use std::time::Instant;

use tempfile::TempDir;

use self::fixtures::{Logs, NOW, id, installation, record, token, token_of};
use super::*;
use crate::{config::Environment, secret::Secret};

pub(super) mod fake;
pub(super) mod fixtures;
pub(super) mod jobs;
pub(super) mod keys;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn settings(folder: &TempDir, key: Option<&str>) -> config::Store {
    config::Store {
        url: format!(
            "sqlite://{}",
            folder.path().join("data/remote.db").display()
        ),
        encryption_key: key.map(|key| Secret::new(key.to_owned())),
        additional_encryption_keys: Vec::new(),
    }
}

async fn refused(url: &str, key: Option<&str>, environment: Environment) -> OpenError {
    let settings = config::Store {
        url: url.to_owned(),
        encryption_key: key.map(|key| Secret::new(key.to_owned())),
        additional_encryption_keys: Vec::new(),
    };
    match open(&settings, &environment, Clock::manual(NOW)).await {
        Ok(_) => panic!("opened {url}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn outside_a_local_environment_there_is_no_store_without_a_key() {
    let production = Environment::Other("production".into());
    let error = refused("sqlite::memory:", None, production).await;
    assert!(matches!(error, OpenError::MissingKey), "{error}");
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_without_repeating_it() {
    let error = refused("sqlite::memory:", Some("c2hvcnQ="), Environment::Test).await;
    assert!(matches!(error, OpenError::Key(KeyError::Length(5))));
    assert!(!format!("{error} {error:?}").contains("c2hvcnQ"));
}

#[tokio::test]
async fn a_url_of_no_built_in_store_is_refused_without_repeating_it() {
    for url in [
        "mysql://forge:hunter2@db/forge",
        "postgres://forge:hunter2@db/forge?ssl_mode=require",
    ] {
        let error = refused(url, Some(KEY), Environment::Test).await;
        assert!(matches!(error, OpenError::Url));
        assert!(error.to_string().contains("`store.url`"));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn replicas_without_a_key_they_have_in_common_do_not_start() {
    let url = "postgres://forge:hunter2@db/forge";
    let error = refused(url, None, Environment::Development).await;
    assert!(matches!(error, OpenError::MissingSharedKey), "{error}");
    assert!(error.to_string().contains("`store.encryption_key`"));
}

#[tokio::test]
async fn a_configured_key_opens_after_a_restart_what_it_sealed() {
    let folder = TempDir::new().unwrap();
    let settings = settings(&folder, Some(KEY));
    for attempt in 0..2 {
        let store = open(&settings, &Environment::Test, Clock::manual(NOW));
        let store = store.await.unwrap().installations;
        if attempt == 0 {
            let record = record(installation(1), Some(token("t0ken", 60)));
            store.save(&[record]).await.unwrap();
        } else {
            let found = store.load(id(1)).await.unwrap().unwrap();
            assert_eq!(token_of(&found), Some("t0ken"));
        }
    }
}

#[tokio::test]
async fn without_a_key_tokens_last_as_long_as_the_process() {
    let logs = Logs::capture();
    let folder = TempDir::new().unwrap();
    let settings = settings(&folder, None);
    let store = open(&settings, &Environment::Development, Clock::manual(NOW))
        .await
        .unwrap()
        .installations;
    let record = record(installation(1), Some(token("t0ken", 60)));
    store.save(&[record]).await.unwrap();
    let found = store.load(id(1)).await.unwrap().unwrap();
    assert_eq!(token_of(&found), Some("t0ken"));

    let restarted = open(&settings, &Environment::Development, Clock::manual(NOW))
        .await
        .unwrap()
        .installations;
    let found = restarted.load(id(1)).await.unwrap().unwrap();
    assert_eq!(found.installation, installation(1));
    assert_eq!(token_of(&found), None);
    assert_eq!(logs.count("INFO", "no store.encryption_key"), 2);
    assert_eq!(logs.count("WARN", ""), 0);
    assert!(!logs.text().contains("t0ken"));
}

#[tokio::test]
async fn a_store_in_memory_keeps_what_it_is_given() {
    let settings = config::Store {
        url: "sqlite::memory:".into(),
        encryption_key: None,
        additional_encryption_keys: Vec::new(),
    };
    let store = open(&settings, &Environment::Test, Clock::manual(NOW))
        .await
        .unwrap()
        .installations;
    store.ping().await.unwrap();
    let record = record(installation(1), Some(token("t0ken", 60)));
    store.save(&[record]).await.unwrap();
    let found = store.load(id(1)).await.unwrap().unwrap();
    assert_eq!(token_of(&found), Some("t0ken"));
}

/// The whole way: an invocation does not notice that the file is locked.
#[tokio::test]
async fn a_locked_file_delays_the_write_and_nothing_else() {
    let logs = Logs::capture();
    let folder = TempDir::new().unwrap();
    let settings = settings(&folder, Some(KEY));
    let store = open(&settings, &Environment::Test, Clock::manual(NOW))
        .await
        .unwrap()
        .installations;
    let installations = Installations::new(Arc::clone(&store), Clock::manual(NOW));
    let lock = sqlite::tests::lock(&folder.path().join("data/remote.db")).await;

    let start = Instant::now();
    installations.remember(installation(1), Some(token("t0ken", 60)));
    let known = installations.known(&id(1)).unwrap();
    assert_eq!(token_of(&known), Some("t0ken"));
    assert!(start.elapsed() < Duration::from_millis(500));
    // WAL: who only reads does not wait for who writes.
    assert!(installations.find(&id(2)).await.unwrap().is_none());

    installations.flush().await;
    assert!(start.elapsed() < Duration::from_secs(7));
    assert!(logs.count("WARN", "cannot be written for now") >= 1);
    assert!(logs.text().contains("database is locked"));
    assert!(store.load(id(1)).await.unwrap().is_none());

    sqlite::tests::release(lock).await;
    installations.flush().await;
    let found = store.load(id(1)).await.unwrap().unwrap();
    assert_eq!(token_of(&found), Some("t0ken"));
    assert_eq!(logs.count("INFO", "can be written again"), 1);
    assert!(!logs.text().contains("t0ken"));
}

#[test]
fn an_unavailable_store_is_503_with_a_time_to_come_again() {
    let error = Error::from(StoreError::unavailable("disk I/O error at /data/secret"));
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert_eq!(error.wait(), Some(RETRY_AFTER));
    assert!(!error.to_string().contains("secret"));
    assert_eq!(
        error.causes(),
        "the store does not answer: disk I/O error at /data/secret"
    );
}

#[test]
fn a_damaged_record_is_the_services_own_failure() {
    let error = Error::from(StoreError::damaged("x"));
    assert_eq!(error.code(), ErrorCode::InternalError);
    assert_eq!(error.wait(), None);
}
