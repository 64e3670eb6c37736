//! What the statements cost: they walk indexes, however much there is.

use sqlx::Row as _;

use super::*;
use crate::store::sqlite::jobs::sql;

/// The steps of a statement; what is bound does not matter to them.
async fn plan(store: &SqliteStore, statement: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let rows = sqlx::query(AssertSqlSafe(explain))
        .fetch_all(&store.writer)
        .await
        .unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

#[tokio::test]
async fn no_statement_scans_the_jobs() {
    let (store, _folder) = store_with_10_000_waiting().await;
    for (statement, indexes) in [
        (
            sql::HELD,
            &["sqlite_autoindex_jobs_1", "jobs_by_digest", "jobs_by_order"][..],
        ),
        (sql::INSERT, &[]),
        (sql::UNBLOCK, &["jobs_by_order"]),
        (sql::SETTLE, &["sqlite_autoindex_jobs_1"]),
        (sql::NEXT, &["jobs_ready"]),
        (sql::TAKE, &[]),
        (sql::RENEW, &["sqlite_autoindex_jobs_1"]),
        (sql::WAKE_DELAYED, &["jobs_delayed"]),
        (
            sql::WAKE_PARKED,
            &["jobs_parked", "sqlite_autoindex_app_tokens_1"],
        ),
        (sql::WAKE_HELD_UP, &["jobs_parked_by_age"]),
        (sql::LAPSE, &["jobs_running"]),
        (sql::DUE, &["jobs_delayed", "jobs_running"]),
        (sql::PRUNE_DONE, &["jobs_done"]),
        (sql::PRUNE_DEAD, &["jobs_dead_by_end"]),
        (sql::SHOW, &["sqlite_autoindex_jobs_1"]),
        (sql::LIST_DEAD, &["jobs_dead"]),
        (sql::REPLAY, &["jobs_dead"]),
        (sql::PURGE, &["jobs_dead"]),
        (
            "DELETE FROM jobs WHERE installation_id = ?1",
            &["jobs_by_installation"],
        ),
    ] {
        let plan = plan(&store, statement).await;
        for index in indexes {
            let name = format!("INDEX {index} ");
            let named = |step: &String| format!("{step} ").contains(&name);
            assert!(plan.iter().any(named), "{index}: {plan:#?}");
        }
        let scan = plan.iter().find(|step| {
            step.starts_with("SCAN jobs") && !step.contains("USING") || step.contains("AUTOMATIC")
        });
        assert_eq!(scan, None, "{statement}: {plan:#?}");
    }
}

#[tokio::test]
async fn counts_walk_what_they_count_and_nothing_else() {
    let (store, _folder) = store_with_10_000_waiting().await;
    let plan = plan(&store, sql::COUNT).await;
    let mut steps = plan.iter().filter(|step| step.contains(" jobs"));
    assert!(steps.all(|step| step.contains("USING")), "{plan:#?}");
}

#[tokio::test]
async fn a_claim_among_10_000_is_fair() {
    let (store, _folder) = store_with_10_000_waiting().await;
    let claim = Claim {
        owner: Owner::random(),
        most: 64,
        lease: LEASE,
        after: Some(id(40)),
        each: usize::MAX,
        except: Vec::new(),
    };
    let claimed = store.turn(&[], Some(&claim)).await.unwrap().claimed;
    let installations: Vec<_> = claimed.iter().map(|it| it.installation).collect();
    // 100 installations: each at most once, beginning with the next.
    let expected: Vec<_> = (41..100).chain(0..5).map(id).collect();
    assert_eq!(installations, expected);
}

async fn store_with_10_000_waiting() -> (SqliteStore, TempDir) {
    let bench = Bench::new();
    let store = bench.open().await;
    for batch in 0..40 {
        let jobs: Vec<_> = (0..250)
            .map(|number| {
                let number = batch * 250 + number;
                new_job(number, number % 100)
            })
            .collect();
        store.add(&jobs).await.unwrap();
    }
    (store, bench.folder)
}
