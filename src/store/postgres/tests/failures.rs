use std::io;

use super::{server::Private, *};
use crate::store::jobs::Jobs;

fn place(url: &str) -> Place {
    Place::of_url(url).unwrap()
}

async fn refused(url: &str) -> OpenError {
    match PostgresStore::open(place(url), sealer(1), Clock::manual(NOW)).await {
        Ok(_) => panic!("opened {url}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_named_by_its_setting_and_not_by_its_url() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = refused(&format!("postgres://forge:hunter2@127.0.0.1:{port}/forge")).await;
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains("`store.url`"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_database_or_a_user_that_is_not_there_stops_the_start() {
    let bench = Bench::new().await;
    let mut url = url::Url::parse(&bench.database.url()).unwrap();
    url.set_path("nowhere");
    let error = refused(url.as_str()).await;
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    url.set_username("somebody-else").unwrap();
    url.set_password(Some("hunter2")).unwrap();
    let error = refused(url.as_str()).await;
    let said = format!("{error} {error:?}");
    assert!(matches!(error, OpenError::Unreachable(_)), "{said}");
    assert!(
        !said.contains("somebody-else") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn what_the_values_are_to_blame_for_is_damage() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    let mut odd = bare(1);
    odd.app_version = Some("a\0b".into());
    let error = store.save(&[record(odd, None)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    // The connection is as good as before.
    store.save(&[record(bare(1), None)]).await.unwrap();
}

#[tokio::test]
async fn a_missing_table_may_come_back() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    run(&store, "ALTER TABLE installations RENAME TO gone").await;
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    run(&store, "ALTER TABLE gone RENAME TO installations").await;
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_not_let_go_ends_in_time() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    store.save(&[record(bare(1), None)]).await.unwrap();
    let mut other = store.pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM installations FOR UPDATE")
        .execute(&mut *other)
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    let error = store.save(&[record(bare(1), None)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    // Three seconds by the store's own limit; the rest is for a machine with other things to do.
    assert!(begun.elapsed() < Duration::from_secs(30));
    other.rollback().await.unwrap();
    store.save(&[record(bare(1), None)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_and_comes_back_is_found_again() {
    let private = tokio::task::spawn_blocking(Private::start).await.unwrap();
    let url = private.cluster.url();
    let store = PostgresStore::open(place(&url), sealer(1), Clock::manual(NOW)).await;
    let store = store.unwrap();
    store
        .save(&[record(installation(1), Some(token("t0ken", 60)))])
        .await
        .unwrap();
    let port = private.cluster.kill();
    // Whether the old connection breaks or no new one can be made.
    for _ in 0..3 {
        let error = store.ping().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        let error = store.counts().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    private.cluster.start(port);
    store.ping().await.unwrap();
    let found = load(&store, 1).await;
    assert_eq!(found.installation, installation(1));
    assert_eq!(token_of(&found), Some("t0ken"));
}

#[test]
fn a_broken_connection_is_no_damage() {
    let broken = sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionReset));
    assert!(matches!(fault(broken), StoreError::Unavailable(_)));
    assert!(matches!(
        fault(sqlx::Error::PoolTimedOut),
        StoreError::Unavailable(_)
    ));
    assert!(matches!(
        fault(sqlx::Error::RowNotFound),
        StoreError::Damaged(_)
    ));
}
