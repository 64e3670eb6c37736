use std::collections::VecDeque;

use futures_util::future::join_all;

use super::*;
use crate::{
    ids::AppId,
    store::shared::{Shared, Taken},
};

const LIMIT: u32 = 600; // a burst of 60, then 540 a minute

fn app() -> AppId {
    uuid::Uuid::from_u128(0xa).into()
}

async fn take(store: &PostgresStore, patience: Duration) -> Taken {
    store.take_place(app(), LIMIT, patience).await.unwrap()
}

fn is_at_once(taken: &Taken) -> bool {
    matches!(taken, Taken::Place { wait, .. } if wait.is_zero())
}

/// How many of so many greedy callers of both replicas get a place at once.
async fn rush(stores: &[PostgresStore; 2], callers: usize) -> usize {
    let callers = (0..callers).map(|n| take(&stores[n % 2], Duration::ZERO));
    let taken = join_all(callers).await;
    taken.iter().filter(|taken| is_at_once(taken)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn greedy_callers_of_two_replicas_get_one_burst_and_then_the_flow() {
    let bench = Bench::new().await;
    let stores = [bench.open().await, bench.open().await];
    assert_eq!(rush(&stores, 100).await, 60);
    assert_eq!(rush(&stores, 20).await, 0);
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(rush(&stores, 40).await, 17);
    bench.clock.advance(Duration::from_mins(5));
    assert_eq!(rush(&stores, 100).await, 60);
}

#[tokio::test]
async fn no_minute_has_more_places_than_the_limit() {
    let bench = Bench::new().await;
    let stores = [bench.open().await, bench.open().await];
    let (mut minute, mut busiest) = (VecDeque::new(), 0);
    for second in 0..130 {
        let mut granted = 0;
        while is_at_once(&take(&stores[granted % 2], Duration::ZERO).await) {
            granted += 1;
        }
        minute.push_back(granted);
        // A minute with both its ends.
        if minute.len() > 61 {
            minute.pop_front();
        }
        busiest = busiest.max(minute.iter().sum::<usize>());
        assert!(busiest <= LIMIT as usize, "{busiest} by second {second}");
        bench.clock.advance(Duration::from_secs(1));
    }
    assert!(busiest >= 590, "little of it is wasted: {busiest}");
}

#[tokio::test]
async fn whoever_waits_has_a_place_in_one_line_of_all() {
    let bench = Bench::new().await;
    let stores = [bench.open().await, bench.open().await];
    assert_eq!(rush(&stores, 60).await, 60);
    let mut waits = Vec::new();
    for n in 0..9 {
        match take(&stores[n % 2], Duration::from_secs(1)).await {
            Taken::Place { wait, .. } => waits.push(wait.as_millis()),
            Taken::Later(wait) => assert!(wait > Duration::from_secs(1) && n == 8, "{n} {wait:?}"),
        }
    }
    assert_eq!(waits, [111, 222, 333, 444, 555, 666, 777, 888]);
    // One that would wait in vain takes nothing.
    let vain = take(&stores[0], Duration::ZERO).await;
    assert!(matches!(vain, Taken::Later(_)), "{vain:?}");
    let Taken::Later(again) = take(&stores[1], Duration::ZERO).await else {
        panic!("a place")
    };
    assert_eq!(again.as_millis(), 1000);
}

#[tokio::test]
async fn one_limit_of_the_gateway_slows_all_replicas() {
    let bench = Bench::new().await;
    let [ours, theirs] = &[bench.open().await, bench.open().await];
    let Taken::Place { epoch, .. } = take(theirs, Duration::ZERO).await else {
        panic!("no place")
    };
    let pause = Duration::from_secs(20);
    let sent = Duration::from_secs(1);
    for _ in 0..3 {
        // On their way together: the rate is halved once.
        let wait = ours.limit_places(app(), LIMIT, sent, pause).await.unwrap();
        assert!(
            wait >= pause && wait < pause + Duration::from_secs(1),
            "{wait:?}"
        );
    }
    assert!(!theirs.is_epoch(app(), epoch).await.unwrap());
    let vain = take(theirs, Duration::from_secs(19)).await;
    assert!(matches!(vain, Taken::Later(_)), "{vain:?}");

    bench.clock.advance(pause);
    let per_minute = async |minutes: u64| {
        let mut granted = 0;
        for _ in 0..60 * minutes {
            while is_at_once(&take(theirs, Duration::ZERO).await) {
                granted += 1;
            }
            bench.clock.advance(Duration::from_secs(1));
        }
        granted
    };
    let slow = per_minute(1).await;
    assert!((250..=300).contains(&slow), "{slow}");
    // A tenth more with each minute without another.
    let faster = per_minute(1).await;
    assert!((slow + 20..=380).contains(&faster), "{faster} after {slow}");
}

#[tokio::test]
async fn a_limit_comes_before_the_first_place_after_a_step_back() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    let pause = Duration::from_secs(3);
    let wait = store
        .limit_places(app(), 1, Duration::ZERO, pause)
        .await
        .unwrap();
    assert!(wait >= pause, "{wait:?}");
    let other: AppId = uuid::Uuid::from_u128(0xb).into();
    let taken = store.take_place(other, 1, Duration::ZERO).await.unwrap();
    assert!(is_at_once(&taken), "each app has its own: {taken:?}");
    let taken = store
        .take_place(other, 1, Duration::from_mins(1))
        .await
        .unwrap();
    assert!(matches!(taken, Taken::Later(wait) if wait > Duration::from_mins(1)));
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_while_stops_nobody() {
    let bench = Bench::new().await;
    let store = bench.open().await;
    bench.clock.advance(Duration::from_hours(5));
    assert!(is_at_once(&take(&store, Duration::ZERO).await));
    let pause = Duration::from_secs(10);
    let limited = store.limit_places(app(), LIMIT, Duration::ZERO, pause);
    limited.await.unwrap();
    bench.clock.set_back(Duration::from_hours(5));
    assert!(is_at_once(&take(&store, Duration::ZERO).await));
    // The next pause is one again, and slows everybody down.
    let limited = store.limit_places(app(), LIMIT, Duration::ZERO, pause);
    assert!(limited.await.unwrap() >= pause);
    assert!(!is_at_once(&take(&store, Duration::ZERO).await));
}
