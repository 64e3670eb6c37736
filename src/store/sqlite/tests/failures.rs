use std::time::Instant;

use super::*;

async fn refused(bench: &Bench) -> OpenError {
    match bench.try_open().await {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

async fn close(store: SqliteStore) {
    store.readers.close().await;
    store.writer.close().await;
}

fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test]
async fn a_file_locked_by_somebody_else_is_unavailable_in_time_and_then_there_again() {
    let bench = Bench::new();
    let store = bench.open().await;
    let held = record(installation(1), Some(token("t", 60)));
    store.save(std::slice::from_ref(&held)).await.unwrap();
    let lock = lock(&bench.path()).await;

    let start = Instant::now();
    let refused = store.save(std::slice::from_ref(&held)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)));
    assert!(
        cause(&refused).contains("database is locked"),
        "{refused:?}"
    );
    let refused = store.forget_app_token(id(1), &token("t", 60)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert!(start.elapsed() < 2 * BUSY_TIMEOUT + Duration::from_secs(1));
    // WAL: who only reads does not wait for who writes.
    assert_eq!(token_of(&load(&store, 1).await), Some("t"));

    release(lock).await;
    store.save(&[record(bare(2), None)]).await.unwrap();
    assert_eq!(load(&store, 2).await.installation, bare(2));
}

#[tokio::test]
async fn a_file_that_is_locked_when_it_is_opened_is_a_clear_error() {
    let bench = Bench::new();
    close(bench.open().await).await;
    // Without shared memory even readers are kept out.
    let mut alone = connect(&bench.path()).await;
    run(
        &mut alone,
        "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
    )
    .await;
    let start = Instant::now();
    let error = refused(&bench).await;
    assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
    assert!(cause(&error).contains("database is locked"), "{error:?}");
    assert!(start.elapsed() < OPEN_LIMIT + BUSY_TIMEOUT + Duration::from_secs(1));
}

#[tokio::test]
async fn too_many_readers_at_once_are_unavailable_in_time() {
    let bench = Bench::new();
    let store = bench.open().await;
    let mut held = Vec::new();
    for _ in 0..READERS {
        held.push(store.readers.acquire().await.unwrap());
    }
    let start = Instant::now();
    let refused = store.load(id(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert!(start.elapsed() < ACQUIRE_TIMEOUT + Duration::from_secs(1));
    drop(held);
    assert!(store.load(id(1)).await.unwrap().is_none());
}

/// SQLite rolls back by itself when the disk is full.
#[tokio::test]
async fn a_full_disk_is_unavailable_and_leaves_the_store_usable() {
    let bench = Bench::new();
    let store = bench.open().await;
    let options = writing(SqliteConnectOptions::new().filename(bench.path()));
    let full = options.clone().pragma("max_page_count", "20");
    store.writer.set_connect_options(full);
    store.writer.acquire().await.unwrap().close().await.unwrap();

    let many: Vec<_> = (0..500)
        .map(|number| record(installation(number), Some(token("t", 60))))
        .collect();
    for _ in 0..3 {
        let refused = store.save(&many).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        assert!(cause(&refused).contains("full"), "{refused:?}");
        assert!(store.load(id(0)).await.unwrap().is_none());
    }
    store.save(&many[..1]).await.unwrap();

    store.writer.set_connect_options(options);
    store.writer.acquire().await.unwrap().close().await.unwrap();
    store.save(&many).await.unwrap();
    assert_eq!(load(&store, 499).await.installation, installation(499));
}

#[tokio::test]
async fn a_caller_who_goes_away_in_the_middle_does_no_harm() {
    let bench = Bench::new();
    let store = bench.open().await;
    let many: Vec<_> = (0..200).map(|number| record(bare(number), None)).collect();
    for micros in [0, 50, 500, 2000, 8000] {
        let save = store.save(&many);
        let _ = tokio::time::timeout(Duration::from_micros(micros), save).await;
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM installations")
            .fetch_one(&store.readers)
            .await
            .unwrap();
        assert!(rows == 0 || rows == 200, "{rows}");
    }
    store.save(&[record(bare(999), None)]).await.unwrap();
}

#[tokio::test]
async fn garbage_in_place_of_the_file_is_a_clear_error() {
    let bench = Bench::new();
    close(bench.open().await).await;
    std::fs::write(bench.path(), "garbage ".repeat(4096)).unwrap();
    let error = refused(&bench).await;
    let text = error.to_string();
    assert!(text.contains("remote.db") && text.contains("`store.url`"));
    assert!(
        cause(&error).contains("file is not a database"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_is_a_clear_error() {
    let bench = Bench::new();
    std::fs::write(bench.folder.path().join("data"), "a file, not a folder").unwrap();
    assert!(matches!(refused(&bench).await, OpenError::File { .. }));

    let bench = Bench::new();
    std::fs::create_dir_all(bench.path()).unwrap();
    let error = refused(&bench).await;
    assert!(error.to_string().contains("remote.db"), "{error:?}");
}

/// What a newer release does to the file.
const LATER: &str = "\
    INSERT INTO _sqlx_migrations VALUES (9999, 'later', 'now', true, x'00', 0); \
    ALTER TABLE installations ADD COLUMN novelty TEXT";

#[tokio::test]
async fn after_a_newer_release_an_older_one_goes_on() {
    let bench = Bench::new();
    bench.open().await;
    run(&mut connect(&bench.path()).await, LATER).await;
    let store = bench.open().await;
    store.save(&[record(installation(1), None)]).await.unwrap();
    assert_eq!(load(&store, 1).await.installation, installation(1));
}

#[tokio::test]
async fn a_file_that_is_none_for_this_release_is_left_alone() {
    let bench = Bench::new();
    bench.open().await;
    let sql = format!("{LATER}; UPDATE forge_schema SET floor = 9999");
    run(&mut connect(&bench.path()).await, &sql).await;
    let error = refused(&bench).await;
    assert!(
        matches!(error, OpenError::Newer { floor: 9999, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_damage_and_no_outage() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.save(&[record(installation(1), None)]).await.unwrap();
    let sql = "UPDATE installations SET app_id = 'nonsense'";
    run(&mut connect(&bench.path()).await, sql).await;
    let outcome = store.load(id(1)).await;
    assert!(matches!(outcome, Err(StoreError::Damaged(_))));
}

#[tokio::test]
async fn a_file_that_can_only_be_read_is_unavailable_and_not_damaged() {
    let bench = Bench::new();
    let _store = bench.open().await;
    let options = SqliteConnectOptions::new().filename(bench.path());
    let mut reader = options.read_only(true).connect().await.unwrap();
    let write = sqlx::query("DELETE FROM installations");
    let error = fault(write.execute(&mut reader).await.unwrap_err());
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(cause(&error).contains("readonly"), "{error:?}");
}
