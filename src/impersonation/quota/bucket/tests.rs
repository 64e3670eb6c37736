use proptest::prelude::*;

use super::*;

/// The most grants in any minute, ends included.
fn busiest_minute(grants: &[Instant]) -> usize {
    (0..grants.len())
        .map(|first| {
            let end = grants[first] + MINUTE;
            grants[first..].iter().take_while(|at| **at <= end).count()
        })
        .max()
        .unwrap_or(0)
}

/// Takes every place as soon as there is one, from `from` to `until`.
fn drain(bucket: &mut Bucket, from: Instant, until: Instant) -> Vec<Instant> {
    let mut grants = Vec::new();
    let mut now = from;
    while now <= until {
        match bucket.take(now) {
            Ok(()) => grants.push(now),
            Err(at) => now = at,
        }
    }
    grants
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_burst_and_a_steady_flow_after_it_stay_within_the_limit() {
    for limit in [1, 2, 9, 10, 11, 19, 20, 100, 999, 10_000] {
        let start = Instant::now();
        let mut bucket = Bucket::new(limit, start);
        let grants = drain(&mut bucket, start, start + 3 * MINUTE);
        let busiest = busiest_minute(&grants);
        assert!(
            busiest <= limit as usize,
            "{busiest} in a minute, limit {limit}"
        );
        // And nothing is lost: the burst, and all that three minutes brought.
        let brought = burst(limit) + 3 * refill(limit);
        assert!(
            grants.len() + 1 >= brought as usize,
            "{} for {limit}",
            grants.len()
        );
    }
}

#[test]
fn one_a_minute_is_one_in_any_minute() {
    let start = Instant::now();
    let mut bucket = Bucket::new(1, start);
    assert!(bucket.take(start).is_ok());
    assert!(bucket.take(start + MINUTE).is_err());
    assert!(
        bucket
            .take(start + MINUTE + Duration::from_nanos(1))
            .is_ok()
    );
}

#[test]
fn a_limit_of_none_is_one() {
    let start = Instant::now();
    let mut bucket = Bucket::new(0, start);
    assert!(bucket.take(start).is_ok());
    assert!(bucket.take(start + secs(1)).is_err());
}

#[test]
fn a_limit_pauses_and_halves_the_rate_once_for_all_that_were_on_their_way() {
    let start = Instant::now();
    let now = start + secs(1);
    let mut bucket = Bucket::new(1_000, start);
    bucket.limited(start, now, Some(secs(30)));
    for _ in 0..50 {
        bucket.limited(start, now + secs(1), Some(secs(5)));
    }
    assert_eq!(bucket.working, 500);
    assert_eq!(bucket.take(now + secs(2)), Err(now + secs(30)));
    assert!(bucket.take(now + secs(30)).is_ok());
    // The next one was sent after the pause: the rate is still too high.
    bucket.limited(now + secs(30), now + secs(31), None);
    assert_eq!(bucket.working, 250);
    assert_eq!(bucket.free_at(now + secs(31), 0), now + secs(41));
}

#[test]
fn the_rate_never_falls_below_a_twentieth() {
    let mut now = Instant::now();
    let mut bucket = Bucket::new(1_000, now);
    for _ in 0..20 {
        bucket.limited(now, now, None);
        now += secs(15);
    }
    assert_eq!(bucket.working, 50);
    let mut small = Bucket::new(3, now);
    for _ in 0..5 {
        small.limited(now, now, None);
        now += secs(15);
    }
    assert_eq!(small.working, 1);
}

#[test]
fn each_minute_after_the_pause_brings_back_a_tenth() {
    let start = Instant::now();
    let mut bucket = Bucket::new(1_000, start);
    bucket.limited(start, start, Some(secs(120)));
    let resumed = start + secs(120);
    for (after, rate) in [
        (0, 500),
        (59, 500),
        (60, 600),
        (180, 800),
        (299, 900),
        (300, 1_000),
        (9_000, 1_000),
    ] {
        bucket.settle(resumed + secs(after));
        assert_eq!(bucket.working, rate, "{after} s after the pause");
    }
}

#[test]
fn no_burst_follows_a_pause() {
    let start = Instant::now();
    let mut bucket = Bucket::new(1_000, start);
    bucket.limited(start, start, Some(secs(60)));
    let resumed = start + secs(60);
    let grants = drain(&mut bucket, resumed, resumed + secs(1));
    assert!(grants.len() <= 9, "{} in the first second", grants.len());
}

#[test]
fn a_pause_is_between_a_second_and_ten_minutes() {
    let start = Instant::now();
    for (asked, kept) in [
        (Some(0), 1),
        (Some(90), 90),
        (Some(86_400), 600),
        (None, 10),
    ] {
        let mut bucket = Bucket::new(1_000, start);
        bucket.limited(start, start, asked.map(secs));
        assert_eq!(bucket.free_at(start, 0), start + secs(kept));
    }
}

#[test]
fn a_place_in_line_is_when_the_bucket_grants_it() {
    let start = Instant::now();
    let mut bucket = Bucket::new(100, start);
    while bucket.take(start).is_ok() {}
    let expected: Vec<_> = (0..5).map(|ahead| bucket.free_at(start, ahead)).collect();
    let granted = drain(&mut bucket, start, expected[4]);
    assert_eq!(granted, expected);
}

#[derive(Debug, Clone)]
enum Step {
    Take(u32),
    Limited(Option<u64>),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        20 => (1_u32..40).prop_map(Step::Take),
        1 => prop::option::of(0_u64..90).prop_map(Step::Limited),
    ];
    prop::collection::vec((0_u64..20_000, step), 1..120)
}

proptest! {
    #[test]
    fn no_minute_has_more_than_the_limit(limit in 1_u32..120, steps in steps()) {
        let mut now = Instant::now();
        let mut bucket = Bucket::new(limit, now);
        let mut grants = Vec::new();
        for (gap_ms, step) in steps {
            let sent = now;
            now += Duration::from_millis(gap_ms);
            match step {
                Step::Take(times) => {
                    for _ in 0..times {
                        if bucket.take(now).is_ok() {
                            grants.push(now);
                        }
                    }
                }
                Step::Limited(pause) => bucket.limited(sent, now, pause.map(secs)),
            }
            prop_assert!((1..=limit).contains(&bucket.working));
        }
        prop_assert!(busiest_minute(&grants) <= limit as usize);
    }

    #[test]
    fn whoever_is_sent_away_is_told_the_truth(limit in 1_u32..500, taken in 0_u32..600, gap_ms in 0_u64..60_000) {
        let start = Instant::now();
        let mut bucket = Bucket::new(limit, start);
        for _ in 0..taken {
            let _ = bucket.take(start);
        }
        let now = start + Duration::from_millis(gap_ms);
        if let Err(at) = bucket.take(now) {
            prop_assert!(bucket.take(at - Duration::from_nanos(1)).is_err());
            prop_assert!(bucket.take(at).is_ok());
        }
    }
}
