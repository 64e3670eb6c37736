//! The time of day is set while a product wants to be left alone.

use std::time::Duration;

use http::StatusCode;

use super::{Caller, upstream::Upstream};
use crate::{clock::Clock, product::ProductError};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_pause_is_as_long_as_it_was_whatever_the_time_of_day() {
    let upstream = Upstream::start(|_, _| {
        // A minute from now.
        let header = [("retry-after", "Sat, 01 Aug 2026 12:01:00 GMT")];
        (StatusCode::TOO_MANY_REQUESTS, header)
    })
    .await;
    let caller = Caller::new();
    let clock = caller.outbound.clock().clone();
    let wait = async || match caller.jira(&upstream.url).get("/x").send().await {
        Err(ProductError::RateLimited { retry_after, .. }) => retry_after,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait().await, Duration::from_mins(1));
    for set in [Clock::advance, Clock::set_back, Clock::set_back] {
        set(&clock, HOUR);
        let left = wait().await;
        assert!(left > Duration::from_secs(40), "{left:?}");
        assert!(left <= Duration::from_mins(1), "{left:?}");
    }
    assert_eq!(upstream.hits(), 1, "nothing was sent during the pause");
}

/// A date that lies before the clock is no wait, and one that lies a year behind it an hour.
#[tokio::test]
async fn a_wait_until_a_date_is_bounded_by_a_clock_that_is_wrong() {
    for (set, wait) in [
        (Clock::advance as fn(&Clock, Duration), Duration::ZERO),
        (Clock::set_back, HOUR),
    ] {
        let upstream = Upstream::start(|_, _| {
            let header = [("retry-after", "Sat, 01 Aug 2026 12:01:00 GMT")];
            (StatusCode::TOO_MANY_REQUESTS, header)
        })
        .await;
        let caller = Caller::new();
        set(caller.outbound.clock(), HOUR * 24 * 365);
        let sent = caller.jira(&upstream.url).get("/x").send().await;
        match sent {
            Err(ProductError::RateLimited { retry_after, .. }) => assert_eq!(retry_after, wait),
            other => panic!("{other:?}"),
        }
    }
}
