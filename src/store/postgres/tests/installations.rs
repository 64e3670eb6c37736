use super::*;

#[tokio::test]
async fn everything_comes_back_as_it_was() {
    let bench = Bench::new().await;
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
    let bench = Bench::new().await;
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
    let bench = Bench::new().await;
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
    let bench = Bench::new().await;
    let store = bench.open().await;
    let mut future = (*record(installation(1), None)).clone();
    future.last_seen = NOW.plus(Duration::from_hours(9999));
    store.save(&[Arc::new(future)]).await.unwrap();
    store.save(&[record(bare(1), None)]).await.unwrap();
    assert_eq!(load(&store, 1).await.last_seen, NOW);
}

#[tokio::test]
async fn a_site_finds_its_installations_the_last_seen_first() {
    let bench = Bench::new().await;
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
    let bench = Bench::new().await;
    let store = bench.open().await;
    let mut connection = store.pool.acquire().await.unwrap();
    // A table of one page is scanned, whatever indexes there are.
    sqlx::query("SET enable_seqscan = off")
        .execute(&mut *connection)
        .await
        .unwrap();
    let plan: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("EXPLAIN {}", rows::BY_CLOUD)))
            .bind("quarry")
            .bind(100_i64)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("installation_contexts_by_cloud"), "{plan}");
}
