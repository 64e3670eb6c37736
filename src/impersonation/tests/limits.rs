//! The quota, and the gateway's own limit.

use std::time::Instant as Stopwatch;

use super::*;

fn account(n: usize) -> Subject {
    Subject {
        account: format!("account-{n}").parse().unwrap(),
        ..subject()
    }
}

fn wait_of(result: Result<String, ImpersonationError>) -> Duration {
    match result {
        Err(ImpersonationError::RateLimited { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    }
}

/// Uses the quota up, in no time.
async fn drain(impersonation: &Impersonation) {
    let quota = &impersonation.desk.quota;
    let app = subject().app;
    while quota.take(&app, Duration::ZERO, |_| {}).await.is_ok() {}
}

#[tokio::test]
async fn who_would_wait_in_vain_is_told_at_once() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.limited_to(10); // one at once, then one every 6.7 s
    ask(&impersonation, &account(0)).await.unwrap();
    let brief = Duration::from_secs(2);
    let wait = wait_of(ask_within(brief, &impersonation, &account(1)).await);
    assert!(wait > brief && wait < Duration::from_secs(7), "{wait:?}");
    assert_eq!(gateway.requests(), 1);
    // A token at hand costs nothing.
    ask(&impersonation, &account(0)).await.unwrap();
}

#[tokio::test]
async fn one_on_board_of_a_flight_in_line_is_told_at_once_too() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.limited_to(60); // 6 at once, then one every 1.1 s
    // No request goes out while the clock stands.
    tokio::time::pause();
    drain(&impersonation).await;
    let patient = {
        let impersonation = impersonation.clone();
        tokio::spawn(async move { ask(&impersonation, &subject()).await })
    };
    until(|| impersonation.flights.len() == 1).await;
    let brief = Duration::from_millis(300);
    let wait = wait_of(ask_within(brief, &impersonation, &subject()).await);
    assert!(wait > brief, "{wait:?}");
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    patient.await.unwrap().unwrap();
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test]
async fn a_caller_with_more_time_takes_the_place_that_the_first_could_not_wait_for() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.limited_to(600); // 60 at once, then one every 0.1 s
    drain(&impersonation).await;
    let subject = subject();
    // No time until the next place; the others board its flight.
    let hasty = ask_within(Duration::from_millis(20), &impersonation, &subject);
    let patient = futures_util::future::join_all((0..20).map(|_| ask(&impersonation, &subject)));
    let (hasty, patient) = tokio::join!(hasty, patient);
    assert!(hasty.is_err());
    assert!(patient.iter().all(Result::is_ok), "{patient:?}");
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test]
async fn a_limit_of_the_gateway_pauses_all_exchanges_of_the_app() {
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 => limited("30"),
        _ => granted("t", 3600),
    })
    .await;
    let impersonation = gateway.impersonation();
    for n in 0..3 {
        let wait = wait_of(ask(&impersonation, &account(n)).await);
        assert!(wait > Duration::from_secs(20), "{wait:?}");
        assert!(wait <= Duration::from_secs(30), "{wait:?}");
    }
    assert_eq!(gateway.requests(), 1);
    let other_app = Subject {
        app: "00000000-2c4a-4f7b-9d15-0a8e6c3b5f21".parse().unwrap(),
        ..subject()
    };
    ask(&impersonation, &other_app).await.unwrap();
    pass(Duration::from_secs(30)).await;
    assert_eq!(ask(&impersonation, &account(0)).await.unwrap(), "t");
}

#[tokio::test]
async fn a_caller_with_time_waits_for_the_end_of_the_pause() {
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 => limited("1"),
        _ => granted("t", 3600),
    })
    .await;
    let watch = Stopwatch::now();
    assert_eq!(
        ask(&gateway.impersonation(), &subject()).await.unwrap(),
        "t"
    );
    assert!(watch.elapsed() >= Duration::from_millis(990));
    assert_eq!(gateway.requests(), 2);
}

#[tokio::test]
async fn a_limit_inside_a_graphql_answer_counts_alike() {
    for (retry_after, pause) in [(Some("40"), 40), (None, 10)] {
        let gateway = FakeGateway::start(move |_| {
            let mut response = graphql_error(429, "slow down");
            if let Some(value) = retry_after {
                let value = http::HeaderValue::from_static(value);
                response.headers_mut().insert("retry-after", value);
            }
            response
        })
        .await;
        let brief = Duration::from_secs(5);
        let wait = wait_of(ask_within(brief, &gateway.impersonation(), &subject()).await);
        let pause = Duration::from_secs(pause);
        assert!(wait > pause * 3 / 4 && wait <= pause, "{wait:?}");
        assert_eq!(gateway.requests(), 1);
    }
}

#[tokio::test]
async fn a_limit_until_a_date_is_understood() {
    // The clock of these tests stands at 08:00:00 on that day.
    let gateway = FakeGateway::start(|_| limited("Wed, 29 Jul 2026 08:02:00 GMT")).await;
    let wait = wait_of(ask(&gateway.impersonation(), &subject()).await);
    assert!(wait > Duration::from_secs(100) && wait <= Duration::from_mins(2));
}

#[tokio::test]
async fn a_gateway_that_limits_again_is_not_asked_a_third_time() {
    let gateway = FakeGateway::start(|_| limited("1")).await;
    wait_of(ask(&gateway.impersonation(), &subject()).await);
    assert_eq!(gateway.requests(), 2);
}

#[tokio::test]
async fn a_renewal_takes_no_place_that_a_caller_waits_for() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.limited_to(1);
    ask(&impersonation, &subject()).await.unwrap();
    pass(Duration::from_mins(50)).await;
    // The one place of this minute goes to a caller, the renewal finds none.
    ask(&impersonation, &account(1)).await.unwrap();
    ask(&impersonation, &subject()).await.unwrap();
    until(|| impersonation.flights.is_empty()).await;
    assert_eq!(gateway.requests(), 2);
    let (line, waiting) = (account(2), Duration::from_secs(2));
    assert!(wait_of(ask_within(waiting, &impersonation, &line).await) < Duration::from_secs(61));
}
