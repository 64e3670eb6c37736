use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::{task::JoinSet, time::sleep};

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn app() -> AppId {
    "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse().unwrap()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn take(quota: &Quota, patience: Duration) -> Result<(), Wait> {
    quota.take(&app(), patience, |_| {}).await
}

fn busiest_minute(mut grants: Vec<Instant>) -> usize {
    grants.sort_unstable();
    (0..grants.len())
        .map(|first| {
            let end = grants[first] + MINUTE;
            grants[first..].iter().take_while(|at| **at <= end).count()
        })
        .max()
        .unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn all_at_once_and_then_a_steady_flow_stay_within_the_limit() {
    const N: u32 = 100;
    let quota = Arc::new(Quota::new(N, None));
    let mut callers = JoinSet::new();
    for n in 0..3 * N {
        let quota = Arc::clone(&quota);
        callers.spawn(async move {
            // N at once, then one every 300 ms.
            sleep(Duration::from_millis(300) * n.saturating_sub(N)).await;
            take(&quota, 5 * MINUTE).await.map(|()| Instant::now())
        });
    }
    let grants: Result<Vec<_>, _> = callers.join_all().await.into_iter().collect();
    let busiest = busiest_minute(grants.unwrap());
    assert!(busiest <= N as usize, "{busiest}");
    assert!(busiest >= 95, "and little of it is wasted: {busiest}");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_told_for_the_scarcest_app_and_after_a_limit() {
    let quota = Quota::new(100, None);
    let full = Standing {
        limit: 100,
        working: 100,
        burst: 10,
        left: 10,
        waiting: 0,
    };
    assert_eq!(quota.standing(), full, "nobody has asked yet");
    for _ in 0..4 {
        take(&quota, Duration::ZERO).await.unwrap();
    }
    let other = "00000000-2c4a-4f7b-9d15-0a8e6c3b5f21".parse().unwrap();
    quota.take(&other, Duration::ZERO, |_| {}).await.unwrap();
    assert_eq!(quota.standing(), Standing { left: 6, ..full });
    quota.limited(&app(), Instant::now(), Some(secs(10))).await;
    let limited = Standing {
        working: 50,
        burst: 5,
        left: 0,
        ..full
    };
    assert_eq!(quota.standing(), limited, "the gateway wants a pause");
    sleep(secs(11)).await;
    let left = quota.standing().left;
    assert!((1..=2).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_in_vain_is_told_at_once() {
    let quota = Quota::new(60, None); // a burst of 6, then 54 a minute
    for _ in 0..6 {
        assert_eq!(take(&quota, Duration::ZERO).await, Ok(()));
    }
    let began = Instant::now();
    let Wait(wait) = take(&quota, secs(1)).await.unwrap_err();
    assert_eq!(Instant::now(), began);
    assert!(wait > secs(1) && wait < secs(2), "{wait:?}");
    assert_eq!(take(&quota, wait).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_line_counts_in_the_wait() {
    let quota = Quota::new(60, None);
    for _ in 0..6 {
        take(&quota, Duration::ZERO).await.unwrap();
    }
    let waiting = join_all((0..9).map(|_| take(&quota, MINUTE)));
    let late = async {
        let Wait(wait) = take(&quota, secs(5)).await.unwrap_err();
        assert!(wait > secs(11) && wait < secs(12), "{wait:?}");
    };
    let (all, ()) = tokio::join!(waiting, late);
    assert!(all.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn turns_come_in_the_order_of_arrival() {
    let quota = Quota::new(20, None);
    let order = Mutex::new(Vec::new());
    join_all((0..20).map(|n| {
        let (quota, order) = (&quota, &order);
        async move {
            take(quota, 5 * MINUTE).await.unwrap();
            order.lock().unwrap().push(n);
        }
    }))
    .await;
    assert_eq!(order.into_inner().unwrap(), (0..20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn one_who_leaves_the_line_gives_the_place_back() {
    let quota = Quota::new(1, None);
    take(&quota, Duration::ZERO).await.unwrap();
    let cancelled = tokio::time::timeout(secs(1), take(&quota, 5 * MINUTE)).await;
    assert!(cancelled.is_err());
    let began = Instant::now();
    take(&quota, 2 * MINUTE).await.unwrap();
    assert!(began.elapsed() < MINUTE);
    assert_eq!(quota.line(&app()).state().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_reaches_those_in_line() {
    let quota = Quota::new(60, None);
    for _ in 0..6 {
        take(&quota, Duration::ZERO).await.unwrap();
    }
    let began = Instant::now();
    let limited = async {
        sleep(Duration::from_millis(100)).await;
        quota.limited(&app(), Instant::now(), Some(secs(40))).await;
    };
    let expected = AtomicU32::new(0);
    let app = app();
    let patient = quota.take(&app, 5 * MINUTE, |at| {
        let seconds = at.saturating_duration_since(began).as_secs();
        expected.store(u32::try_from(seconds).unwrap(), Ordering::Relaxed);
    });
    // The first in line, and one behind it: both cannot wait so long.
    let first = async {
        let wait = take(&quota, secs(20)).await;
        (wait, Instant::now())
    };
    let second = async {
        let wait = take(&quota, secs(30)).await;
        (wait, Instant::now())
    };
    let (first, second, patient, ()) = tokio::join!(first, second, patient, limited);
    for (wait, told) in [first, second] {
        assert!(wait.unwrap_err().0 >= secs(39), "{wait:?}");
        assert!(told - began < secs(1));
    }
    patient.unwrap();
    assert!(began.elapsed() >= secs(40));
    assert_eq!(expected.into_inner(), 40);
}

#[tokio::test(start_paused = true)]
async fn each_app_has_a_quota_of_its_own() {
    let quota = Quota::new(1, None);
    let other: AppId = "00000000-2c4a-4f7b-9d15-0a8e6c3b5f21".parse().unwrap();
    take(&quota, Duration::ZERO).await.unwrap();
    assert!(take(&quota, Duration::ZERO).await.is_err());
    assert!(
        quota
            .take(&other, Duration::ZERO, |_| panic!("no wait"))
            .await
            .is_ok()
    );
}

/// Callers that arrive at these moments (ms), each willing to wait so long (ms), and
/// limits of the gateway at those.
async fn grants(limit: u32, arrivals: Vec<(u64, u64)>, limits: Vec<u64>) -> Vec<Instant> {
    let quota = Arc::new(Quota::new(limit, None));
    let mut callers = JoinSet::new();
    for (at, patience) in arrivals {
        let quota = Arc::clone(&quota);
        callers.spawn(async move {
            sleep(Duration::from_millis(at)).await;
            let began = Instant::now();
            let patience = Duration::from_millis(patience);
            let result = take(&quota, patience).await;
            assert!(
                began.elapsed() <= patience + Duration::from_millis(2),
                "waited too long"
            );
            result.ok().map(|()| Instant::now())
        });
    }
    for at in limits {
        let quota = Arc::clone(&quota);
        callers.spawn(async move {
            sleep(Duration::from_millis(at)).await;
            quota.limited(&app(), Instant::now(), Some(secs(2))).await;
            None
        });
    }
    callers.join_all().await.into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_minute_has_more_than_the_limit(
        limit in 1_u32..60,
        arrivals in prop::collection::vec((0_u64..180_000, 0_u64..90_000), 1..200),
        limits in prop::collection::vec(0_u64..180_000, 0..3),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let grants = runtime.block_on(grants(limit, arrivals, limits));
        prop_assert!(busiest_minute(grants) <= limit as usize);
    }
}
