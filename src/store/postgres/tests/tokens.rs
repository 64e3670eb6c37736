use super::*;

async fn save_token(store: &PostgresStore, token: AppToken) {
    let record = record(installation(1), Some(token));
    store.save(&[record]).await.unwrap();
}

#[tokio::test]
async fn a_token_is_replaced_by_a_longer_lived_one_only() {
    let bench = Bench::new().await;
    let (ours, theirs) = (bench.open().await, bench.open().await);
    save_token(&ours, token("first", 60)).await;
    for (text, minutes, kept) in [
        ("shorter", 59, "first"),
        ("equal", 60, "first"),
        ("longer", 61, "longer"),
    ] {
        save_token(&theirs, token(text, minutes)).await;
        assert_eq!(token_of(&load(&ours, 1).await), Some(kept), "{text}");
    }
    let without = record(installation(1), None);
    theirs.save(&[without]).await.unwrap();
    assert_eq!(token_of(&load(&ours, 1).await), Some("longer"));
}

#[tokio::test]
async fn exactly_that_token_is_forgotten() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    save_token(&store, token("held", 60)).await;
    let other = record(installation(2), Some(token("held", 60)));
    store.save(&[other]).await.unwrap();
    store
        .forget_app_token(id(1), &token("another", 60))
        .await
        .unwrap();
    assert_eq!(token_of(&load(&store, 1).await), Some("held"));
    store
        .forget_app_token(id(1), &token("held", 60))
        .await
        .unwrap();
    assert_eq!(token_of(&load(&store, 1).await), None);
    assert_eq!(load(&store, 1).await.installation, installation(1));
    assert_eq!(token_of(&load(&store, 2).await), Some("held"));
    store
        .forget_app_token(id(3), &token("held", 60))
        .await
        .unwrap();
}

#[tokio::test]
async fn another_key_reads_no_token_and_says_so() {
    let logs = Logs::capture();
    let bench = Bench::new().await;
    save_token(&bench.open().await, token("t0ken", 60)).await;
    let rotated = bench.open_with(sealer(2)).await;
    let found = load(&rotated, 1).await;
    assert_eq!(found.installation, installation(1));
    assert_eq!(token_of(&found), None);
    assert_eq!(logs.count("WARN", "sealed with another key"), 1);
    assert!(!logs.text().contains("t0ken"));
}

#[tokio::test]
async fn under_a_new_key_the_same_token_is_kept_again() {
    let bench = Bench::new().await;
    save_token(&bench.open().await, token("t0ken", 60)).await;
    let rotated = bench.open_with(sealer(2)).await;
    save_token(&rotated, token("older", 59)).await;
    assert_eq!(token_of(&load(&rotated, 1).await), None);
    save_token(&rotated, token("t0ken", 60)).await;
    assert_eq!(token_of(&load(&rotated, 1).await), Some("t0ken"));
}

#[tokio::test]
async fn a_token_moved_to_another_row_is_none() {
    let logs = Logs::capture();
    let bench = Bench::new().await;
    let store = bench.open().await;
    save_token(&store, token("t0ken", 60)).await;
    store.save(&[record(installation(2), None)]).await.unwrap();
    let sql = format!("UPDATE app_tokens SET installation_id = '{}'", id(2).uuid());
    run(&store, &sql).await;
    assert_eq!(token_of(&load(&store, 2).await), None);
    assert_eq!(logs.count("WARN", "belongs to another row"), 1);
}

#[tokio::test]
async fn a_lapsed_token_does_not_stay_in_the_table() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    let count = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM app_tokens")
            .fetch_one(&store.pool)
            .await
            .unwrap()
    };
    save_token(&store, token("t0ken", 60)).await;
    bench.clock.advance(Duration::from_mins(59));
    store.save(&[record(installation(2), None)]).await.unwrap();
    assert_eq!(count().await, 1);
    bench.clock.advance(Duration::from_mins(1));
    store.save(&[record(installation(2), None)]).await.unwrap();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn no_token_stands_in_the_tables() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    let text = "a-token-that-is-long-enough-to-be-found";
    save_token(&store, token(text, 60)).await;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT i::text || encode(t.sealed, 'escape') \
         FROM installations i JOIN app_tokens t ON t.installation_id = i.id",
    )
    .fetch_all(&store.pool)
    .await
    .unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert!(row.contains("https://quarry.atlassian.net"));
    assert!(!row.contains(&text[..16]));
}
