use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, SqliteConnection};
use tempfile::TempDir;

use super::*;
use crate::{
    clock::Timestamp,
    store::{
        Installation,
        tests::fixtures::{Logs, NOW, bare, cloud, id, installation, record, token, token_of},
    },
};

#[cfg(unix)]
mod copies;
mod failures;
mod jobs;
mod tokens;

mod keys {
    use super::*;

    fn bench() -> std::future::Ready<Bench> {
        std::future::ready(Bench::new())
    }

    async fn open(bench: &Bench, sealer: Sealer) -> SqliteStore {
        bench.try_open_with(sealer).await.unwrap()
    }

    async fn run(store: &SqliteStore, sql: &str) {
        let mut connection = store.writer.acquire().await.unwrap();
        super::run(&mut connection, sql).await;
    }

    crate::store::tests::keys::suite!();
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.unwrap()
}

/// Keeps every other writer out until it is released.
pub(in crate::store) async fn lock(path: &Path) -> SqliteConnection {
    let mut connection = connect(path).await;
    run(&mut connection, "BEGIN EXCLUSIVE").await;
    connection
}

pub(in crate::store) async fn release(lock: SqliteConnection) {
    lock.close().await.unwrap();
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap();
}

struct Bench {
    folder: TempDir,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            clock: Clock::manual(NOW),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data/remote.db")
    }

    async fn try_open(&self) -> Result<SqliteStore, OpenError> {
        self.try_open_with(sealer(1)).await
    }

    async fn try_open_with(&self, sealer: Sealer) -> Result<SqliteStore, OpenError> {
        SqliteStore::open(Place::File(self.path()), sealer, self.clock.clone()).await
    }

    async fn open(&self) -> SqliteStore {
        self.try_open().await.unwrap()
    }
}

fn sealer(byte: u8) -> Sealer {
    use base64::{Engine, engine::general_purpose::STANDARD};
    Sealer::with_key(&crate::secret::Secret::new(STANDARD.encode([byte; 32]))).unwrap()
}

async fn load(store: &SqliteStore, number: u128) -> Remembered {
    store.load(id(number)).await.unwrap().unwrap()
}

#[tokio::test]
async fn everything_comes_back_as_it_was() {
    let bench = Bench::new();
    let store = bench.open().await;
    let full = record(installation(1), Some(token("t0ken", 60)));
    let empty = record(bare(2), None);
    store.save(&[full, empty]).await.unwrap();
    for store in [store, bench.open().await] {
        let full = load(&store, 1).await;
        assert_eq!(full.installation, installation(1));
        assert_eq!(full.last_seen, NOW);
        let kept = full.app_token.unwrap();
        assert_eq!(kept.secret().expose(), "t0ken");
        assert_eq!(kept.expires_at(), token("t0ken", 60).expires_at());
        let empty = load(&store, 2).await;
        assert_eq!(empty.installation, bare(2));
        assert!(empty.app_token.is_none());
        assert!(store.load(id(3)).await.unwrap().is_none());
        store.ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_later_record_replaces_an_earlier_one_but_for_the_site_url() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.save(&[record(installation(1), None)]).await.unwrap();
    store.save(&[record(bare(1), None)]).await.unwrap();
    let expected = Installation {
        site_url: installation(1).site_url,
        ..bare(1)
    };
    assert_eq!(load(&store, 1).await.installation, expected);
}

#[tokio::test]
async fn an_older_record_does_not_replace_a_newer_one() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.save(&[record(installation(1), None)]).await.unwrap();
    let mut older = (*record(bare(1), Some(token("t", 60)))).clone();
    older.last_seen = Timestamp::from_unix(NOW.unix() - 1);
    store.save(&[Arc::new(older)]).await.unwrap();
    let kept = load(&store, 1).await;
    assert_eq!(kept.installation, installation(1));
    assert_eq!(kept.last_seen, NOW);
    assert_eq!(token_of(&kept), Some("t"));
}

#[tokio::test]
async fn a_record_from_the_future_is_not_believed() {
    let bench = Bench::new();
    let store = bench.open().await;
    let mut future = (*record(installation(1), None)).clone();
    future.last_seen = NOW.plus(Duration::from_hours(9999));
    store.save(&[Arc::new(future)]).await.unwrap();
    store.save(&[record(bare(1), None)]).await.unwrap();
    assert_eq!(load(&store, 1).await.last_seen, NOW);
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let bench = Bench::new();
    let store = bench.open().await;
    for number in 0..50 {
        let record = record(installation(number), Some(token("t", 60)));
        store.save(&[record]).await.unwrap();
    }
    // What a kill leaves behind: file and log as they are, nothing closed.
    let after = Bench::new();
    std::fs::create_dir(after.folder.path().join("data")).unwrap();
    for name in ["remote.db", "remote.db-wal"] {
        let from = bench.path().with_file_name(name);
        std::fs::copy(from, after.path().with_file_name(name)).unwrap();
    }
    let recovered = after.open().await;
    for number in 0..50 {
        let found = load(&recovered, number).await;
        assert_eq!(found.installation, installation(number));
        assert_eq!(token_of(&found), Some("t"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    let bench = Bench::new();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let names = ["remote.db", "remote.db-wal", "remote.db-shm"];
    let path = |name| bench.path().with_file_name(name);
    let store = bench.open().await;
    store.save(&[record(installation(1), None)]).await.unwrap();
    assert_eq!(mode(bench.path().parent().unwrap()), 0o700);
    for name in names {
        assert_eq!(mode(&path(name)), 0o600, "{name}");
        std::fs::set_permissions(path(name), Permissions::from_mode(0o644)).unwrap();
    }
    let again = bench.open().await;
    for name in names {
        assert_eq!(mode(&path(name)), 0o600, "{name}");
    }
    assert_eq!(load(&again, 1).await.installation, installation(1));
}

#[tokio::test]
async fn a_second_open_changes_nothing() {
    let bench = Bench::new();
    let state = async || -> (i64, Vec<(i64, String)>) {
        let mut connection = connect(&bench.path()).await;
        let version = sqlx::query_scalar("PRAGMA schema_version");
        let migrations = "SELECT version, installed_on FROM _sqlx_migrations";
        (
            version.fetch_one(&mut connection).await.unwrap(),
            sqlx::query_as(migrations)
                .fetch_all(&mut connection)
                .await
                .unwrap(),
        )
    };
    bench.open().await;
    let before = state().await;
    assert_eq!(before.1.len(), 3);
    bench.open().await;
    assert_eq!(state().await, before);
}

#[tokio::test]
async fn stores_that_create_the_same_file_at_once_all_open() {
    for _ in 0..5 {
        let bench = Bench::new();
        let (a, b, c, d) = tokio::join!(
            bench.try_open(),
            bench.try_open(),
            bench.try_open(),
            bench.try_open()
        );
        for store in [a, b, c, d] {
            store.unwrap().ping().await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_commit_reaches_the_disk_and_only_the_writer_writes() {
    let bench = Bench::new();
    let store = bench.open().await;
    for (pool, pragma, value) in [
        (&store.writer, "synchronous", "2"),
        (&store.writer, "journal_mode", "wal"),
        (&store.writer, "foreign_keys", "1"),
        (&store.readers, "query_only", "1"),
    ] {
        let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        let set: String = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!(set, value, "{pragma}");
    }
}

#[tokio::test]
async fn a_site_finds_its_installations_the_last_seen_first() {
    let bench = Bench::new();
    let store = bench.open().await;
    let records: Vec<_> = (0..120_u32)
        .map(|number| {
            let mut record = (*record(installation(number.into()), None)).clone();
            record.last_seen = Timestamp::from_unix(NOW.unix() - i64::from(number));
            Arc::new(record)
        })
        .collect();
    store.save(&records).await.unwrap();
    store.save(&[record(bare(500), None)]).await.unwrap();
    let found = store.of_cloud(&cloud("quarry")).await.unwrap();
    let ids: Vec<_> = found.iter().map(|it| it.installation.id).collect();
    assert_eq!(ids, (0..100).map(id).collect::<Vec<_>>());
    assert!(found.iter().all(|it| it.installation.contexts.len() == 3));
    assert!(store.of_cloud(&cloud("other")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_site_is_found_by_its_index() {
    let bench = Bench::new();
    let store = bench.open().await;
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(AssertSqlSafe(format!(
        "EXPLAIN QUERY PLAN {}",
        rows::BY_CLOUD
    )))
    .bind("quarry")
    .bind(100)
    .fetch_all(&store.readers)
    .await
    .unwrap();
    let plan: Vec<_> = plan.into_iter().map(|(.., detail)| detail).collect();
    assert!(
        plan.iter()
            .any(|step| step.contains("installation_contexts_by_cloud")),
        "{plan:#?}"
    );
    assert!(
        !plan.iter().any(|step| step.starts_with("SCAN ")),
        "{plan:#?}"
    );
}
