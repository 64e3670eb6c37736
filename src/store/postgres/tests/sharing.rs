use super::*;
use crate::{
    secret::Secret,
    store::shared::{CLAIM, Claiming, ExchangeClaim, Shared, SharedSubject, SharedToken},
};

fn subject(account: &str) -> SharedSubject {
    SharedSubject::new(id(1), &[account])
}

fn shared(text: &str) -> SharedToken {
    SharedToken {
        secret: Secret::new(text.to_owned()),
        age: Duration::from_secs(2),
        ttl: Duration::from_hours(1),
    }
}

async fn claim(store: &PostgresStore, subject: &SharedSubject) -> Option<ExchangeClaim> {
    let claim = ExchangeClaim::random();
    match store.claim_exchange(subject, claim).await.unwrap() {
        Claiming::Ours(_) => Some(claim),
        Claiming::Theirs => None,
    }
}

async fn text_of(store: &PostgresStore, subject: &SharedSubject) -> Option<String> {
    let token = store.account_token(subject).await.unwrap()?;
    Some(token.secret.expose().to_owned())
}

#[tokio::test]
async fn a_token_goes_from_one_replica_to_the_other() {
    let bench = Bench::new().await;
    let (ours, theirs) = (bench.open().await, bench.open().await);
    let subject = subject("a");
    assert_eq!(text_of(&theirs, &subject).await, None);
    let claimed = claim(&ours, &subject).await.unwrap();
    assert!(claim(&theirs, &subject).await.is_none());
    assert_eq!(text_of(&theirs, &subject).await, None);
    ours.end_exchange(&subject, claimed, Some(&shared("t0ken")))
        .await
        .unwrap();
    bench.clock.advance(Duration::from_secs(8));
    let token = theirs.account_token(&subject).await.unwrap().unwrap();
    assert_eq!(token.secret.expose(), "t0ken");
    assert_eq!(token.age, Duration::from_secs(10));
    assert_eq!(token.ttl, Duration::from_hours(1));
    assert_eq!(text_of(&theirs, &self::subject("b")).await, None);
    // Who claims now is told of it.
    let claiming = theirs
        .claim_exchange(&subject, ExchangeClaim::random())
        .await;
    assert!(matches!(claiming.unwrap(), Claiming::Ours(Some(_))));
}

#[tokio::test]
async fn a_replica_that_died_keeps_the_others_for_seconds_only() {
    let bench = Bench::new().await;
    let (dead, alive) = (bench.open().await, bench.open().await);
    let subject = subject("a");
    let lost = claim(&dead, &subject).await.unwrap();
    bench
        .clock
        .advance(CLAIM.saturating_sub(Duration::from_secs(1)));
    dead.keep_claim(&subject, lost).await.unwrap();
    bench
        .clock
        .advance(CLAIM.saturating_sub(Duration::from_secs(1)));
    assert!(claim(&alive, &subject).await.is_none());
    bench.clock.advance(Duration::from_secs(1));
    let claimed = claim(&alive, &subject).await.unwrap();
    // It was not dead but slow: what it brings is not wanted any more.
    dead.end_exchange(&subject, lost, Some(&shared("late")))
        .await
        .unwrap();
    assert_eq!(text_of(&alive, &subject).await, None);
    alive.end_exchange(&subject, claimed, None).await.unwrap();
    assert!(claim(&dead, &subject).await.is_some());
}

#[tokio::test]
async fn tokens_go_with_their_installation_also_those_on_their_way() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    let (kept, under_way) = (subject("a"), subject("b"));
    let first = claim(&store, &kept).await.unwrap();
    store
        .end_exchange(&kept, first, Some(&shared("t0ken")))
        .await
        .unwrap();
    let second = claim(&store, &under_way).await.unwrap();
    store.delete(id(1)).await.unwrap();
    store.keep_claim(&under_way, second).await.unwrap();
    store
        .end_exchange(&under_way, second, Some(&shared("t0ken")))
        .await
        .unwrap();
    for subject in [kept, under_way] {
        assert_eq!(text_of(&store, &subject).await, None);
    }
}

#[tokio::test]
async fn a_token_moved_to_another_account_is_none() {
    let logs = Logs::capture();
    let bench = Bench::new().await;
    let store = bench.open().await;
    let (one, other) = (subject("a"), subject("b"));
    let claimed = claim(&store, &one).await.unwrap();
    store
        .end_exchange(&one, claimed, Some(&shared("t0ken")))
        .await
        .unwrap();
    sqlx::query("UPDATE account_tokens SET subject = $1")
        .bind(other.hash())
        .execute(&store.pool)
        .await
        .unwrap();
    assert_eq!(text_of(&store, &other).await, None);
    assert_eq!(logs.count("WARN", "belongs to another row"), 1);
    assert!(!logs.text().contains("t0ken"));
}

#[tokio::test]
async fn what_is_of_no_use_any_more_goes() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    for account in ["a", "b"] {
        let subject = subject(account);
        let claimed = claim(&store, &subject).await.unwrap();
        store
            .end_exchange(&subject, claimed, Some(&shared("t0ken")))
            .await
            .unwrap();
        bench.clock.advance(Duration::from_mins(61));
        assert_eq!(text_of(&store, &subject).await, None);
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM account_tokens")
        .fetch_one(&store.pool)
        .await
        .unwrap();
    assert_eq!(rows, 1);
}
