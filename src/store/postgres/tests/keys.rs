use super::*;
use crate::{
    secret::Secret,
    store::{
        keys::{SealedKind, Walk},
        shared::{Claiming, ExchangeClaim, Shared, SharedSubject, SharedToken},
        tests::keys::{key, suite, walk},
    },
};

async fn bench() -> Bench {
    Bench::new().await
}

async fn open(bench: &Bench, sealer: Sealer) -> PostgresStore {
    bench.open_with(sealer).await
}

suite!();

fn subject(number: u32) -> SharedSubject {
    SharedSubject::new(id(1), &[&number.to_string()])
}

async fn keep(store: &PostgresStore, number: u32) {
    let claim = ExchangeClaim::random();
    let subject = subject(number);
    let claiming = store.claim_exchange(&subject, claim).await.unwrap();
    assert!(matches!(claiming, Claiming::Ours(_)));
    let token = SharedToken {
        secret: Secret::new(format!("t0ken-{number}")),
        age: Duration::ZERO,
        ttl: Duration::from_hours(1),
    };
    let ended = store.end_exchange(&subject, claim, Some(&token)).await;
    ended.unwrap();
}

#[tokio::test]
async fn tokens_of_accounts_get_under_the_new_key() {
    let bench = Bench::new().await;
    let old = bench.open().await;
    for number in 0..300 {
        keep(&old, number).await;
    }
    // An exchange under way has nothing to seal yet.
    let claim = ExchangeClaim::random();
    old.claim_exchange(&subject(300), claim).await.unwrap();
    let both = bench.open_with(sealer(2).knowing(&[key(1)]).unwrap()).await;
    let survey = walk(&both, Walk::Reseal).await;
    assert_eq!(survey.resealed[&SealedKind::AccountToken], 300);
    let new = bench.open_with(sealer(2)).await;
    for number in 0..300 {
        let token = new.account_token(&subject(number)).await.unwrap().unwrap();
        assert_eq!(token.secret.expose(), format!("t0ken-{number}"));
    }
}

#[tokio::test]
async fn what_somebody_else_holds_is_left_to_them() {
    let bench = Bench::new().await;
    let records: Vec<_> = (1..=3)
        .map(|number| record(installation(number), Some(token("t0ken", 60))))
        .collect();
    bench.open().await.save(&records).await.unwrap();
    let both = bench.open_with(sealer(2).knowing(&[key(1)]).unwrap()).await;
    let mut held = both.pool.begin().await.unwrap();
    let lock = "SELECT FROM app_tokens WHERE installation_id = $1 FOR UPDATE";
    let locked = sqlx::query(lock).bind(id(2).uuid()).execute(&mut *held);
    locked.await.unwrap();
    let survey = walk(&both, Walk::Reseal).await;
    assert_eq!(survey.resealed[&SealedKind::AppToken], 2);
    assert_eq!(survey.missed, 1);
    held.rollback().await.unwrap();
    let survey = walk(&both, Walk::Reseal).await;
    assert_eq!(
        (survey.resealed[&SealedKind::AppToken], survey.missed),
        (1, 0)
    );
}
