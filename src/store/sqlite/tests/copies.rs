use super::*;
use crate::store::backup::{BackupError, Leniency};

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
