//! The time of day is set while tokens are kept.

use super::*;

const HOUR: Duration = Duration::from_hours(1);

/// One that exchanges at this gateway, and tells the time of day by this clock.
fn told_by(clock: &Clock, gateway: &FakeGateway) -> Impersonation {
    let settings = config::Impersonation {
        requests_per_minute: 10_000,
        max_cached_tokens: 1_000,
    };
    let http = outbound::client().unwrap();
    Impersonation::new(&settings, gateway.url.clone(), http, clock.clone())
}

#[tokio::test]
async fn a_token_lives_as_long_as_it_was_given_whatever_the_time_of_day() {
    let clock = Clock::manual(NOW);
    let gateway = FakeGateway::generous().await;
    let impersonation = told_by(&clock, &gateway);
    ask(&impersonation, &subject()).await.unwrap();
    for set in [Clock::advance, Clock::set_back, Clock::set_back] {
        set(&clock, HOUR * 3);
        let token = ask(&impersonation, &subject()).await.unwrap();
        assert_eq!(token, "token-0");
    }
    assert_eq!(gateway.requests(), 1);
    // It is the hour that passes which ends it, though the clock stands before its beginning.
    pass(HOUR).await;
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-1");
}

#[tokio::test]
async fn a_pause_of_the_gateway_is_as_long_as_it_was_whatever_the_time_of_day() {
    let clock = Clock::manual(NOW);
    // Two minutes from now.
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 => limited("Wed, 29 Jul 2026 08:02:00 GMT"),
        _ => granted("t", 3600),
    })
    .await;
    let impersonation = told_by(&clock, &gateway);
    let waits = async || match ask(&impersonation, &subject()).await {
        Err(ImpersonationError::RateLimited { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    };
    waits().await;
    for set in [Clock::advance, Clock::set_back, Clock::set_back] {
        set(&clock, HOUR);
        let wait = waits().await;
        assert!(wait > Duration::from_secs(100), "{wait:?}");
        assert!(wait <= Duration::from_mins(2), "{wait:?}");
    }
    assert_eq!(gateway.requests(), 1);
    pass(Duration::from_mins(2)).await;
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "t");
}
