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

#[tokio::test]
async fn who_would_wait_in_vain_is_told_at_once() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.limited_to(10); // one at once, then 9 a minute
    ask(&impersonation, &account(0)).await.unwrap();
    let watch = Stopwatch::now();
    let brief = Duration::from_secs(2);
    let wait = wait_of(ask_within(brief, &impersonation, &account(1)).await);
    assert!(watch.elapsed() < Duration::from_secs(1));
    assert!(
        wait > Duration::from_secs(6) && wait < Duration::from_secs(7),
        "{wait:?}"
    );
    assert_eq!(gateway.requests(), 1);
    // A token at hand costs nothing.
    ask(&impersonation, &account(0)).await.unwrap();
}

#[tokio::test]
async fn one_on_board_of_a_flight_in_line_is_told_at_once_too() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.limited_to(600); // 60 at once, then 9 a second
    for n in 0..60 {
        ask(&impersonation, &account(n)).await.unwrap();
    }
    let subject = account(100);
    let line: Vec<_> = (200..209).map(account).collect();
    let line = futures_util::future::join_all(line.iter().map(|one| ask(&impersonation, one)));
    let patient = ask(&impersonation, &subject);
    let hasty = async {
        // The exchange is a task of its own: let it get into the line.
        until(|| impersonation.flights.len() == 10).await;
        tokio::task::yield_now().await;
        let watch = Stopwatch::now();
        let brief = Duration::from_millis(300);
        let wait = wait_of(ask_within(brief, &impersonation, &subject).await);
        assert!(watch.elapsed() < Duration::from_millis(250));
        assert!(wait > brief, "{wait:?}");
    };
    let (line, patient, ()) = tokio::join!(line, patient, hasty);
    assert!(line.iter().all(Result::is_ok));
    patient.unwrap();
    assert_eq!(gateway.requests(), 70);
}

#[tokio::test]
async fn a_caller_with_more_time_takes_the_place_that_the_first_could_not_wait_for() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.limited_to(600);
    for n in 0..60 {
        ask(&impersonation, &account(n)).await.unwrap();
    }
    let subject = account(100);
    // No time for the tenth of a second until the next place; the others board its flight.
    let hasty = ask_within(Duration::from_millis(1), &impersonation, &subject);
    let patient = futures_util::future::join_all((0..20).map(|_| ask(&impersonation, &subject)));
    let (hasty, patient) = tokio::join!(hasty, patient);
    assert!(hasty.is_err());
    assert!(patient.iter().all(Result::is_ok), "{patient:?}");
    assert_eq!(gateway.requests(), 61);
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
        assert!(wait > Duration::from_secs(29), "{wait:?}");
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
    for (retry_after, least) in [(Some("40"), 39), (None, 9)] {
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
        assert!(wait > Duration::from_secs(least), "{wait:?}");
        assert!(wait <= Duration::from_secs(least + 1), "{wait:?}");
        assert_eq!(gateway.requests(), 1);
    }
}

#[tokio::test]
async fn a_limit_until_a_date_is_understood() {
    // The clock of these tests stands at 08:00:00 on that day.
    let gateway = FakeGateway::start(|_| limited("Wed, 29 Jul 2026 08:02:00 GMT")).await;
    let wait = wait_of(ask(&gateway.impersonation(), &subject()).await);
    assert!(wait > Duration::from_secs(119) && wait <= Duration::from_mins(2));
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
