use super::*;
use crate::store::{
    backup::{BackupError, Leniency},
    jobs::Jobs,
    tests::jobs::job as new_job,
};

async fn back_up(bench: &Bench, to: &Path) -> Result<u64, BackupError> {
    super::super::back_up(&bench.path(), to, &|_| {}).await
}

async fn restore(bench: &Bench, from: &Path, leniency: Leniency) -> Result<(), BackupError> {
    let (store, clock) = (bench.path(), bench.clock.clone());
    let restored = super::super::restore(&store, from, sealer(1), leniency, clock);
    restored.await.map(drop)
}

async fn filled(bench: &Bench) {
    let store = bench.try_open().await.unwrap();
    store.save(&[record(bare(1), None)]).await.unwrap();
    store.close().await;
}

async fn installations(path: &Path) -> i64 {
    let mut connection = connect(path).await;
    let count = sqlx::query_scalar("SELECT count(*) FROM installations");
    let count = count.fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

#[tokio::test]
async fn the_file_that_is_copied_is_not_written_over() {
    let bench = Bench::new();
    filled(&bench).await;
    let (store, folder) = (bench.path(), bench.folder.path());
    // What a backup writes first is the store itself.
    let partial = folder.join("copy.partial");
    std::os::unix::fs::symlink(&store, &partial).unwrap();
    let refused = back_up(&bench, &folder.join("copy")).await;
    assert!(matches!(&refused, Err(BackupError::Exists(path)) if *path == partial));
    assert_eq!(installations(&store).await, 1);

    // What a restore writes first is the backup.
    let restoring = file::beside(&store, ".restoring");
    back_up(&bench, &restoring).await.unwrap();
    let refused = restore(&bench, &restoring, Leniency::default()).await;
    assert!(matches!(&refused, Err(BackupError::Exists(path)) if *path == restoring));
    assert_eq!(installations(&restoring).await, 1);
}

#[tokio::test]
async fn a_backup_that_still_has_its_first_name_too_is_kept() {
    let bench = Bench::new();
    filled(&bench).await;
    let to = bench.folder.path().join("copy");
    back_up(&bench, &to).await.unwrap();
    // As a kill leaves it between the two names; then somebody files it.
    let (partial, filed) = (file::beside(&to, ".partial"), file::beside(&to, ".1"));
    std::fs::hard_link(&to, &partial).unwrap();
    std::fs::rename(&to, &filed).unwrap();
    let store = bench.try_open().await.unwrap();
    store.save(&[record(bare(2), None)]).await.unwrap();
    store.close().await;
    back_up(&bench, &to).await.unwrap();
    assert_eq!(installations(&filed).await, 1);
    assert_eq!(installations(&to).await, 2);
    assert!(!partial.exists());
}

#[tokio::test]
async fn what_may_have_no_end_is_no_backup() {
    let bench = Bench::new();
    let pipe = bench.folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for from in [&pipe, bench.folder.path()] {
        let restored = restore(&bench, from, Leniency::default());
        let refused = tokio::time::timeout(Duration::from_secs(10), restored).await;
        // Whoever waits for the other end of the pipe is let go.
        let mut options = std::fs::OpenOptions::new();
        drop(options.read(true).write(true).open(&pipe));
        let refused = refused.expect("it waits for ever");
        assert!(
            matches!(&refused, Err(BackupError::File { path, .. }) if path == from),
            "{refused:?}"
        );
    }
    assert!(!file::beside(&bench.path(), ".restoring").exists());
}

#[tokio::test]
async fn a_store_behind_a_link_is_replaced_where_it_is() {
    let bench = Bench::new();
    filled(&bench).await;
    let copy = bench.folder.path().join("copy");
    back_up(&bench, &copy).await.unwrap();
    let (link, real) = (bench.path(), bench.folder.path().join("on-another-disk.db"));
    std::fs::rename(&link, &real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let store = bench.try_open().await.unwrap();
    store.save(&[record(bare(2), None)]).await.unwrap();
    store.close().await;
    restore(&bench, &copy, Leniency::default()).await.unwrap();
    assert_eq!(std::fs::read_link(&link).unwrap(), real);
    assert_eq!(installations(&real).await, 1);
}

#[tokio::test]
async fn a_backup_with_a_damaged_id_is_no_worse_than_one_with_a_damaged_token() {
    let bench = Bench::new();
    let store = bench.open().await;
    let records = [1, 2].map(|number| record(bare(number), Some(token("t0ken", 60))));
    store.save(&records).await.unwrap();
    store.add(&[new_job(1, 1)]).await.unwrap();
    for table in ["installation_contexts", "app_tokens"] {
        let damage = format!(
            "PRAGMA foreign_keys = off; \
            UPDATE {table} SET installation_id = 'x' WHERE installation_id = '{}'",
            id(1).uuid()
        );
        run(&mut connect(&bench.path()).await, &damage).await;
    }
    store.close().await;
    let copy = bench.folder.path().join("copy");
    back_up(&bench, &copy).await.unwrap();
    let refused = restore(&bench, &copy, Leniency::default()).await;
    assert!(
        matches!(
            &refused,
            Err(BackupError::Unreadable {
                count: 1,
                total: 2,
                ..
            })
        ),
        "{refused:?}"
    );
    let leniency = Leniency {
        accept_unreadable: true,
        ..Leniency::default()
    };
    restore(&bench, &copy, leniency).await.unwrap();
    let store = bench.try_open().await.unwrap();
    assert_eq!(token_of(&load(&store, 2).await), Some("t0ken"));
}
