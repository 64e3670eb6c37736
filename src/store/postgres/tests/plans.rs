use sqlx::{AssertSqlSafe, Postgres, Row, postgres::PgArguments, query::Query};

use super::*;
use crate::store::postgres::jobs::sql;

/// Thousands of jobs in each state.
const FILL: &str = "\
    INSERT INTO jobs (id, installation_id, kind, name, digest, received_at, forget_after, state, \
        order_key, run_at, owner, lease_until, payload, trace, ended_at) \
    SELECT gen_random_uuid(), gen_random_uuid(), 'event', 'e', sha256(n::text::bytea), n, n, \
        s.state, CASE WHEN s.state = 'blocked' THEN sha256((n / 100)::text::bytea) END, \
        CASE WHEN s.state = 'delayed' THEN n END, \
        CASE WHEN s.state = 'running' THEN gen_random_uuid() END, \
        CASE WHEN s.state = 'running' THEN n END, \
        '{}', 't', CASE WHEN s.state IN ('done', 'dead') THEN n END \
    FROM generate_series(1, 3000) n, \
        (VALUES ('ready'), ('blocked'), ('delayed'), ('parked'), ('running'), ('done'), ('dead')) \
            AS s(state)";

type Bound = Query<'static, Postgres, PgArguments>;

fn explained(statement: &str) -> Bound {
    sqlx::query(AssertSqlSafe(format!("EXPLAIN {statement}")))
}

async fn plan(store: &PostgresStore, statement: Bound) -> String {
    let rows = statement.fetch_all(&store.pool).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

#[tokio::test]
async fn no_statement_of_the_daily_work_reads_the_whole_table() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    let (none, keys) = (Option::<i64>::None, vec![vec![0_u8; 16]]);
    let ids = vec![uuid::Uuid::nil()];
    let texts = vec!["done"];
    let numbers = vec![1_i64];
    run(&store, FILL).await;
    // Before and after the server has counted what there is.
    for _ in 0..2 {
        let plans = [
            (
                "jobs_ready",
                explained(sql::CLAIM)
                    .bind(8_i64)
                    .bind(ids[0])
                    .bind(ids[0])
                    .bind(1_i64)
                    .bind(none)
                    .bind(6_i64)
                    .bind(ids.clone()),
            ),
            (
                "jobs_pkey",
                explained(sql::SETTLE)
                    .bind(ids.clone())
                    .bind(ids.clone())
                    .bind(numbers.clone())
                    .bind(texts.clone())
                    .bind(numbers.clone())
                    .bind(numbers.clone())
                    .bind(texts.clone())
                    .bind(none),
            ),
            (
                "jobs_by_digest",
                explained(sql::HELD)
                    .bind(ids.clone())
                    .bind(keys.clone())
                    .bind(numbers.clone())
                    .bind(keys.clone())
                    .bind(none),
            ),
            ("jobs_blocked", explained(sql::UNBLOCK).bind(keys.clone())),
            (
                "jobs_delayed",
                explained(sql::WAKE_DELAYED).bind(8_i64).bind(none),
            ),
            (
                "jobs_parked",
                explained(sql::WAKE_PARKED)
                    .bind(8_i64)
                    .bind(none)
                    .bind(60_i64)
                    .bind(vec![vec![0_u8; 9]]),
            ),
            (
                "jobs_parked_by_age",
                explained(sql::WAKE_HELD_UP)
                    .bind(8_i64)
                    .bind(none)
                    .bind(1_i64),
            ),
            (
                "jobs_running",
                explained(sql::LAPSE)
                    .bind(8_i64)
                    .bind(none)
                    .bind(3_i64)
                    .bind("lost"),
            ),
            ("jobs_delayed", explained(sql::DUE).bind(none)),
            (
                "jobs_done",
                explained(sql::PRUNE_DONE).bind(8_i64).bind(none),
            ),
        ];
        for (index, statement) in plans {
            let plan = plan(&store, statement).await;
            assert!(plan.contains(index), "{index}: {plan}");
            assert!(!plan.contains("Seq Scan on jobs"), "{index}: {plan}");
        }
        run(&store, "ANALYZE jobs").await;
    }
}

/// One installation with nearly all there is: the server may think that any way along the
/// jobs finds a ready one at once.
#[tokio::test]
async fn a_claim_does_not_walk_past_what_is_done() {
    const OF_ONE: &str = "\
        INSERT INTO jobs (id, installation_id, kind, name, digest, received_at, forget_after, \
            state, payload, trace, ended_at) \
        SELECT gen_random_uuid(), '11111111-1111-4111-8111-111111111111', 'event', 'e', \
            sha256(n::text::bytea), n, n, \
            CASE WHEN n <= 9000 THEN 'done' ELSE 'ready' END, '{}', 't', \
            CASE WHEN n <= 9000 THEN n END \
        FROM generate_series(1, 20000) n";
    let bench = Bench::new().await;
    let store = bench.open().await;
    let nobody = uuid::Uuid::nil();
    run(&store, OF_ONE).await;
    run(&store, "ANALYZE jobs").await;
    let claim = explained(sql::CLAIM)
        .bind(8_i64)
        .bind(nobody)
        .bind(nobody)
        .bind(1_i64)
        .bind(Option::<i64>::None)
        .bind(6_i64)
        .bind(vec![nobody]);
    let plan = plan(&store, claim).await;
    assert!(!plan.contains("jobs_elsewhere"), "{plan}");
    assert!(!plan.contains("Seq Scan on jobs"), "{plan}");
}
