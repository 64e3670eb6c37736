//! What is in the file, and what happens when it cannot be written.

use super::*;
use crate::store::jobs::{Ending, JobState, Settled, Which};

const FIRST: &str = include_str!("../../../../../migrations/sqlite/0001_installations.sql");

/// Everything that lies in the database's folder, as one text.
fn on_disk(folder: &TempDir) -> String {
    let files = std::fs::read_dir(folder.path().join("data")).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

#[tokio::test]
async fn a_token_is_sealed_in_the_file_and_gone_when_its_job_has_ended() {
    let bench = Bench::new();
    let store = bench.open().await;
    let mut job = new_job(1, 1);
    job.app_token = Some(token("t0psecret", 60));
    job.payload = r#"{"marker":"p4yload"}"#.into();
    store.add(&[job]).await.unwrap();
    let text = on_disk(&bench.folder);
    assert!(text.contains("p4yload"));
    assert!(!text.contains("t0psecret"));

    let claim = claim();
    let run = store.turn(&[], Some(&claim)).await.unwrap().claimed[0].run;
    let settled = Settled {
        owner: claim.owner,
        run,
        how: Ending::Done,
    };
    store.turn(&[settled], None).await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM jobs WHERE payload IS NOT NULL OR sealed IS NOT NULL \
             OR token_expires_at IS NOT NULL",
    )
    .fetch_one(&store.readers)
    .await
    .unwrap();
    assert_eq!(left, 0);
}

/// Adds so many jobs as large as events are, and works them off, `rounds` times.
async fn work_off(store: &SqliteStore, rounds: u128, each: u128) {
    for round in 0..rounds {
        let jobs = (0..each).map(|number| {
            let mut job = new_job(1 + round * each + number, 1);
            job.payload = "x".repeat(1_500).into();
            job.app_token = Some(token(&"t".repeat(1_200), 60));
            job
        });
        store.add(&jobs.collect::<Vec<_>>()).await.unwrap();
        let claim = Claim {
            most: usize::MAX,
            ..claim()
        };
        let claimed = store.turn(&[], Some(&claim)).await.unwrap().claimed;
        let settled: Vec<_> = { claimed.iter() }
            .map(|it| Settled {
                owner: claim.owner,
                run: it.run,
                how: Ending::Done,
            })
            .collect();
        let left = store.turn(&settled, None).await.unwrap();
        assert_eq!((claimed.len() as u128, left.lost), (each, Vec::new()));
    }
}

#[tokio::test]
async fn a_job_that_is_done_keeps_no_page_of_the_file_to_itself() {
    let bench = Bench::new();
    let store = bench.open().await;
    work_off(&store, 20, 50).await;
    let pages: i64 = sqlx::query_scalar("SELECT page_count FROM pragma_page_count")
        .fetch_one(&store.writer)
        .await
        .unwrap();
    assert!(pages * 4096 / 1_000 < 1_600, "{pages} pages for 1,000 jobs");
}

#[tokio::test]
async fn the_order_of_arrival_goes_on_when_all_that_came_before_is_done() {
    let bench = Bench::new();
    let store = bench.open().await;
    work_off(&store, 3, 4).await;
    store
        .add(&[new_job(100, 1), new_job(101, 1)])
        .await
        .unwrap();
    let orders: Vec<(i64, String)> =
        sqlx::query_as("SELECT seq, state FROM jobs ORDER BY seq DESC")
            .fetch_all(&store.readers)
            .await
            .unwrap();
    let (first, rest) = orders.split_at(2);
    assert_eq!(first, [(14, "ready".to_owned()), (13, "ready".to_owned())]);
    assert!(rest.iter().all(|(_, state)| state == "done"), "{rest:?}");
    let done = Which {
        state: Some(JobState::Done),
        ..Which::default()
    };
    let listed: Vec<_> = store.list(&done).await.unwrap();
    let newest_first = (1..=12).rev().map(|number| new_job(number, 1).id);
    assert_eq!(
        listed.iter().map(|job| job.id).collect::<Vec<_>>(),
        newest_first.collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_token_that_another_key_sealed_is_none_and_the_job_runs() {
    let bench = Bench::new();
    let mut job = new_job(1, 1);
    job.app_token = Some(token("t0psecret", 60));
    bench.open().await.add(&[job]).await.unwrap();
    let logs = Logs::capture();
    let store = bench.try_open_with(sealer(2)).await.unwrap();
    let claimed = store.turn(&[], Some(&claim())).await.unwrap().claimed;
    assert_eq!(claimed.len(), 1);
    assert!(claimed[0].app_token.is_none());
    assert_eq!(logs.count("WARN", "cannot be unsealed"), 1);
}

#[tokio::test]
async fn a_job_does_not_wake_for_a_token_that_another_key_sealed() {
    let bench = Bench::new();
    let store = bench.open().await;
    let held = record(installation(1), Some(token("t", 60)));
    store.save(std::slice::from_ref(&held)).await.unwrap();
    let store = bench.try_open_with(sealer(2)).await.unwrap();
    store.add(&[new_job(1, 1)]).await.unwrap();
    let claim = claim();
    let run = store.turn(&[], Some(&claim)).await.unwrap().claimed[0].run;
    let settled = Settled {
        owner: claim.owner,
        run,
        how: Ending::AwaitsToken { error: "x".into() },
    };
    store.turn(&[settled], None).await.unwrap();
    assert_eq!(store.sweep(3).await.unwrap().woken, 0);
    // The same token, sealed again.
    store.save(&[held]).await.unwrap();
    assert_eq!(store.sweep(3).await.unwrap().woken, 1);
}

#[tokio::test]
async fn a_kill_loses_no_job_that_was_acknowledged() {
    let bench = Bench::new();
    let store = bench.open().await;
    for number in 0..50 {
        store.add(&[new_job(number, 1)]).await.unwrap();
    }
    // What a kill leaves behind: file and log as they are, nothing closed.
    let after = Bench::new();
    std::fs::create_dir(after.folder.path().join("data")).unwrap();
    for name in ["remote.db", "remote.db-wal"] {
        let from = bench.path().with_file_name(name);
        std::fs::copy(from, after.path().with_file_name(name)).unwrap();
    }
    let counts = after.open().await.counts().await.unwrap();
    assert_eq!(counts.ready, 50);
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_leaves_jobs_and_store_usable() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.add(&[new_job(1, 1)]).await.unwrap();
    let options = writing(SqliteConnectOptions::new().filename(bench.path()));
    let full = options.clone().pragma("max_page_count", "40");
    store.writer.set_connect_options(full);
    store.writer.acquire().await.unwrap().close().await.unwrap();

    let many: Vec<_> = (0..256).map(|number| new_job(number, number)).collect();
    for _ in 0..3 {
        let refused = store.add(&many).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        assert_eq!(store.counts().await.unwrap().ready, 1);
    }
    // What is there can still be worked off.
    let claimed = store.turn(&[], Some(&claim())).await.unwrap().claimed;
    assert_eq!(claimed.len(), 1);

    store.writer.set_connect_options(options);
    store.writer.acquire().await.unwrap().close().await.unwrap();
    let added = store.add(&many).await.unwrap();
    assert_eq!(added.iter().filter(|it| it.duplicate).count(), 1);
}

#[tokio::test]
async fn a_file_locked_by_somebody_else_is_unavailable_in_time() {
    let bench = Bench::new();
    let store = bench.open().await;
    let lock = lock(&bench.path()).await;
    let refused = store.add(&[new_job(1, 1)]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    // Who only looks does not wait.
    assert_eq!(store.counts().await.unwrap().ready, 0);
    release(lock).await;
    store.add(&[new_job(1, 1)]).await.unwrap();
}

#[tokio::test]
async fn a_caller_who_goes_away_in_the_middle_leaves_all_jobs_or_none() {
    let bench = Bench::new();
    let store = bench.open().await;
    let many: Vec<_> = (0..200).map(|number| new_job(number, 1)).collect();
    for micros in [0, 50, 500, 2000, 8000, 20_000] {
        let add = store.add(&many);
        let _ = tokio::time::timeout(Duration::from_micros(micros), add).await;
        let ready = store.counts().await.unwrap().ready;
        assert!(ready == 0 || ready == 200, "{ready}");
    }
    store.add(&[new_job(999, 1)]).await.unwrap();
}

#[tokio::test]
async fn two_stores_on_one_file_claim_no_job_twice() {
    let bench = Bench::new();
    let stores = [bench.open().await, bench.open().await];
    let many: Vec<_> = (0..100).map(|number| new_job(number, number % 3)).collect();
    stores[0].add(&many).await.unwrap();
    let work = async |store: &SqliteStore| {
        let mut mine = Vec::new();
        let few = Claim { most: 7, ..claim() };
        loop {
            let claimed = store.turn(&[], Some(&few)).await.unwrap().claimed;
            if claimed.is_empty() {
                return mine;
            }
            mine.extend(claimed.into_iter().map(|it| it.run.job));
        }
    };
    let (mut all, others) = tokio::join!(work(&stores[0]), work(&stores[1]));
    all.extend(others);
    all.sort_unstable();
    assert_eq!(all, many.iter().map(|job| job.id).collect::<Vec<_>>());
}

/// A file as the first release left it: its migration recorded, an installation in it.
#[tokio::test]
async fn a_file_of_the_first_release_is_brought_up_to_date() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("0001_installations.sql"), FIRST).unwrap();
    std::fs::create_dir(bench.path().parent().unwrap()).unwrap();
    let options = SqliteConnectOptions::new().filename(bench.path());
    let options = options.create_if_missing(true);
    let mut old = options.connect().await.unwrap();
    let first = Migrator::new(folder.path()).await.unwrap();
    first.run(&mut old).await.unwrap();
    let insert = format!(
        "INSERT INTO installations (id, app_id, api_base_url, last_seen) VALUES ('{}', '{}', 'x', {})",
        id(1).uuid(),
        uuid::Uuid::from_u128(0xa),
        NOW.unix() - 7,
    );
    run(&mut old, &insert).await;
    old.close().await.unwrap();

    let store = bench.open().await;
    let known = load(&store, 1).await;
    assert_eq!(known.first_seen, Timestamp::from_unix(NOW.unix() - 7));
    store.add(&[new_job(1, 1)]).await.unwrap();
    let shown = store.show(new_job(1, 1).id).await.unwrap().unwrap();
    assert_eq!(shown.state, JobState::Ready);
}

#[tokio::test]
async fn a_run_that_died_before_the_clock_was_set_back_is_taken_up() {
    let clock = Clock::manual(NOW);
    let (database, _folder) = super::open(clock.clone()).await;
    let jobs = database.jobs;
    jobs.add(&[new_job(1, 1)]).await.unwrap();
    let run = jobs.turn(&[], Some(&claim())).await.unwrap().claimed[0].run;
    clock.set_back(Duration::from_mins(5));
    assert!(jobs.sweep(3).await.unwrap().lapsed.is_empty());
    clock.set_back(Duration::from_hours(5));
    let lapsed = jobs.sweep(3).await.unwrap().lapsed;
    assert_eq!(lapsed.iter().map(|it| it.run).collect::<Vec<_>>(), [run]);
}
