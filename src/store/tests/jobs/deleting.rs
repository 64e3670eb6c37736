use super::*;
use crate::store::{Deleted, Remembered};

impl Bench {
    async fn delete(&self, installation: u128) -> Deleted {
        let deleted = self.database.installations.delete(id(installation)).await;
        deleted.unwrap()
    }

    async fn load(&self, installation: u128) -> Option<Remembered> {
        let found = self.database.installations.load(id(installation)).await;
        found.unwrap()
    }
}

pub(in crate::store) async fn an_installation_goes_with_its_token_and_its_jobs(bench: Bench) {
    for installation in [1, 2] {
        let token = token("t0ken", 60);
        bench.remember(installation, Some(token)).await;
    }
    bench
        .add(&[job(1, 1), job(2, 1), job(3, 1), job(4, 1)])
        .await;
    bench.add(&[ordered(5, 1), ordered(6, 1), job(7, 2)]).await;
    let run = bench.start(1).await;
    bench.end(run, Ending::Done).await;
    bench.kill(2).await;
    let run = bench.start(3).await;
    let error = error("no app token");
    bench.end(run, Ending::AwaitsToken { error }).await;
    let expected = Deleted {
        known: true,
        jobs: 5,
    };
    assert_eq!(bench.delete(1).await, expected);
    assert!(bench.load(1).await.is_none());
    for number in 1..=6 {
        assert_eq!(bench.state(number).await, None);
    }
    // Its neighbour stays.
    assert!(bench.load(2).await.unwrap().app_token.is_some());
    assert_eq!(bench.claimed(9).await, [7]);
    assert_eq!(bench.delete(1).await, Deleted::default());
}

pub(in crate::store) async fn what_ran_when_its_installation_went_is_lost(bench: Bench) {
    bench.remember(1, None).await;
    bench.add(&[job(1, 1)]).await;
    let run = bench.start(1).await;
    assert_eq!(bench.delete(1).await.jobs, 1);
    let lost = bench.jobs().renew(bench.owner, &[run], LEASE).await;
    assert_eq!(lost.unwrap(), [run]);
    assert_eq!(bench.settle(&[(run, Ending::Done)]).await, [run]);
}

pub(in crate::store) async fn jobs_of_an_installation_nobody_knows_go_too(bench: Bench) {
    bench.add(&[job(1, 1)]).await;
    let expected = Deleted {
        known: false,
        jobs: 1,
    };
    assert_eq!(bench.delete(1).await, expected);
    assert_eq!(bench.claimed(9).await, []);
}

pub(in crate::store) async fn an_installation_with_very_many_jobs_goes_in_parts(bench: Bench) {
    bench.remember(1, Some(token("t0ken", 60))).await;
    let unordered: Vec<_> = (1..=10_050).map(|number| job(number, 1)).collect();
    let waiting: Vec<_> = (20_001..=30_050).map(|number| ordered(number, 1)).collect();
    for batch in unordered.chunks(4_000).chain(waiting.chunks(4_000)) {
        bench.add(batch).await;
    }
    let run = bench.start(1).await;
    bench.end(run, Ending::Done).await;
    let expected = Deleted {
        known: true,
        jobs: 20_099,
    };
    assert_eq!(bench.delete(1).await, expected);
    assert!(bench.load(1).await.is_none());
    assert_eq!(bench.counts().await, Counts::default());
}

pub(in crate::store) async fn when_it_was_first_seen_is_not_overwritten(bench: Bench) {
    bench.remember(1, None).await;
    let mut later = (*record(bare(1), None)).clone();
    later.first_seen = NOW.plus(Duration::from_hours(5));
    bench.pass(Duration::from_hours(5));
    later.last_seen = later.first_seen;
    let store = &bench.database.installations;
    store
        .save(&[std::sync::Arc::new(later.clone())])
        .await
        .unwrap();
    let kept = bench.load(1).await.unwrap();
    assert_eq!((kept.first_seen, kept.last_seen), (NOW, later.last_seen));
}
