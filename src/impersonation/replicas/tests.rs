use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{BoxFuture, FutureExt, join_all, pending};

use super::*;
use crate::{
    impersonation::{
        Impersonation,
        tests::{FakeGateway, ask, granted, limited, subject},
    },
    store::PostgresBench,
};

async fn two_replicas(gateway: &FakeGateway, bench: &PostgresBench) -> [Impersonation; 2] {
    [
        gateway.among(bench.replica().await, 10_000),
        gateway.among(bench.replica().await, 10_000),
    ]
}

#[tokio::test]
async fn what_one_replica_got_serves_the_other() {
    let bench = PostgresBench::real_time().await;
    let gateway = FakeGateway::generous().await;
    let replicas = two_replicas(&gateway, &bench).await;
    for replica in &replicas {
        assert_eq!(ask(replica, &subject()).await.unwrap(), "token-0");
        assert_eq!(ask(replica, &subject()).await.unwrap(), "token-0");
    }
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_miss_at_once_cost_one_exchange() {
    let bench = PostgresBench::real_time().await;
    let gateway = FakeGateway::slow(|seen| async move {
        sleep(Duration::from_millis(200)).await;
        granted(&format!("token-{}", seen.index), 3600)
    })
    .await;
    let replicas = two_replicas(&gateway, &bench).await;
    let callers = (0..100).map(|n| {
        let replica = replicas[n % 2].clone();
        tokio::spawn(async move { ask(&replica, &subject()).await.unwrap() })
    });
    for token in join_all(callers).await {
        assert_eq!(token.unwrap(), "token-0");
    }
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test]
async fn a_refused_token_is_not_taken_back_from_the_others() {
    let bench = PostgresBench::real_time().await;
    let gateway = FakeGateway::generous().await;
    let [ours, theirs] = two_replicas(&gateway, &bench).await;
    assert_eq!(ask(&ours, &subject()).await.unwrap(), "token-0");
    let memory = &ours.desk.memory;
    let refused = memory.token(&subject(), Instant::now()).unwrap();
    ours.refused(&subject(), &refused);
    assert_eq!(ask(&ours, &subject()).await.unwrap(), "token-1");
    assert_eq!(ask(&theirs, &subject()).await.unwrap(), "token-1");
    assert_eq!(gateway.requests(), 2);
}

#[tokio::test]
async fn a_replica_that_died_with_an_exchange_is_waited_for_no_longer_than_its_claim() {
    let bench = PostgresBench::new().await;
    let gateway = FakeGateway::generous().await;
    let dead = bench.replica().await;
    let claim = ExchangeClaim::random();
    let claiming = dead
        .claim_exchange(&shared_subject(&subject()), claim)
        .await;
    assert!(matches!(claiming, Ok(Claiming::Ours(None))));

    let alive = gateway.among(bench.replica().await, 10_000);
    let subject = subject();
    let mut asking = std::pin::pin!(ask(&alive, &subject));
    // It looks again and again, in vain.
    assert!(timeout(LOOK * 5, &mut asking).await.is_err());
    assert_eq!(gateway.requests(), 0);
    bench.clock().advance(CLAIM);
    assert_eq!(asking.await.unwrap(), "token-0");
}

#[tokio::test]
async fn a_limit_that_one_replica_meets_pauses_the_other() {
    let bench = PostgresBench::real_time().await;
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 | 1 => limited("1"),
        index => granted(&format!("token-{index}"), 3600),
    })
    .await;
    let [ours, theirs] = two_replicas(&gateway, &bench).await;
    let error = ask(&ours, &subject()).await.unwrap_err();
    assert!(matches!(error, ImpersonationError::RateLimited { .. }));
    let began = Instant::now();
    assert_eq!(ask(&theirs, &subject()).await.unwrap(), "token-2");
    assert!(
        began.elapsed() >= Duration::from_millis(800),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_stay_within_one_quota() {
    let bench = PostgresBench::real_time().await;
    let gateway = FakeGateway::generous().await;
    let replicas = [
        gateway.among(bench.replica().await, 60), // a burst of 6, then 54 a minute
        gateway.among(bench.replica().await, 60),
    ];
    let began = Instant::now();
    let callers = (0..40).map(|n| {
        let replica = replicas[n % 2].clone();
        let mut subject = subject();
        subject.account = format!("account-{n}").parse().unwrap();
        tokio::spawn(async move {
            let patience = Duration::from_secs(3);
            crate::impersonation::tests::ask_within(patience, &replica, &subject).await
        })
    });
    let results = join_all(callers).await;
    let granted = results
        .into_iter()
        .filter(|it| it.as_ref().unwrap().is_ok())
        .count();
    assert_eq!(granted, gateway.requests());
    // 6 at once, and one each 1.1 s.
    let most = 6 + began.elapsed().as_millis() / 1_100;
    assert!(
        (8..=most as usize).contains(&granted),
        "{granted} of {most}"
    );
}

/// A store that is not there: it fails, or never says anything.
struct Away {
    silent: bool,
    asked: AtomicUsize,
}

impl Away {
    fn answer<T: Send + 'static>(&self) -> BoxFuture<'_, Result<T, StoreError>> {
        async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.silent {
                pending::<()>().await;
            }
            Err(StoreError::Unavailable("gone".into()))
        }
        .boxed()
    }
}

impl Shared for Away {
    fn account_token<'a>(
        &'a self,
        _: &'a SharedSubject,
    ) -> BoxFuture<'a, Result<Option<SharedToken>, StoreError>> {
        self.answer()
    }
    fn claim_exchange<'a>(
        &'a self,
        _: &'a SharedSubject,
        _: ExchangeClaim,
    ) -> BoxFuture<'a, Result<Claiming, StoreError>> {
        self.answer()
    }
    fn keep_claim<'a>(
        &'a self,
        _: &'a SharedSubject,
        _: ExchangeClaim,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.answer()
    }
    fn end_exchange<'a>(
        &'a self,
        _: &'a SharedSubject,
        _: ExchangeClaim,
        _: Option<&'a SharedToken>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.answer()
    }
    fn take_place(
        &self,
        _: AppId,
        _: u32,
        _: Duration,
    ) -> BoxFuture<'_, Result<Taken, StoreError>> {
        self.answer()
    }
    fn is_epoch(&self, _: AppId, _: i64) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.answer()
    }
    fn limit_places(
        &self,
        _: AppId,
        _: u32,
        _: Duration,
        _: Duration,
    ) -> BoxFuture<'_, Result<Duration, StoreError>> {
        self.answer()
    }
}

#[tokio::test]
async fn without_the_store_a_replica_exchanges_for_itself_and_does_not_keep_asking() {
    for silent in [false, true] {
        let gateway = FakeGateway::generous().await;
        let away = Arc::new(Away {
            silent,
            asked: AtomicUsize::new(0),
        });
        let replica = gateway.among(Arc::clone(&away) as _, 2); // one at once, one a minute
        let began = Instant::now();
        assert_eq!(ask(&replica, &subject()).await.unwrap(), "token-0");
        assert!(began.elapsed() < ANSWER_WITHIN * 2);
        // Its own quota counts.
        let mut other = subject();
        other.account = "somebody-else".parse().unwrap();
        let error = ask(&replica, &other).await.unwrap_err();
        assert!(matches!(error, ImpersonationError::RateLimited { .. }));
        assert_eq!(away.asked.load(Ordering::SeqCst), 1);
    }
}
