//! What is kept, for how long, and what is dropped.

use tokio::sync::{Notify, Semaphore};

use super::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_token_serves_until_its_life_less_the_margin() {
    let gateway = FakeGateway::start(|seen| granted(&format!("token-{}", seen.index), 100)).await;
    let impersonation = gateway.impersonation();
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-0");
    pass(secs(60)).await;
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-0");
    assert_eq!(gateway.requests(), 1);
    pass(secs(31)).await;
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-1");
    assert_eq!(gateway.requests(), 2);
}

#[tokio::test]
async fn a_token_without_a_life_is_used_once() {
    for ttl in [0, -5, 1] {
        let gateway = FakeGateway::start(move |_| granted("t", ttl)).await;
        let impersonation = gateway.impersonation();
        for requests in 1..=2 {
            assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "t");
            assert_eq!(gateway.requests(), requests, "a life of {ttl} s");
        }
    }
}

#[tokio::test]
async fn near_its_end_a_token_still_serves_while_one_renewal_runs() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.impersonation();
    ask(&impersonation, &subject()).await.unwrap();
    pass(secs(2_600)).await;
    ask(&impersonation, &subject()).await.unwrap();
    assert!(impersonation.flights.is_empty());
    pass(secs(60)).await;
    for _ in 0..20 {
        // No await on anything but memory: the old token is there at once.
        let subject = subject();
        let hit = futures_util::poll!(Box::pin(ask(&impersonation, &subject)));
        assert!(matches!(hit, std::task::Poll::Ready(Ok(token)) if token == "token-0"));
    }
    until(|| gateway.requests() == 2).await;
    let renewed = async {
        while ask(&impersonation, &subject()).await.unwrap() == "token-0" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(secs(10), renewed).await.unwrap();
    // The new one lives its own life, not the rest of the old one's.
    pass(secs(2_000)).await;
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-1");
    assert_eq!(gateway.requests(), 2);
}

#[tokio::test]
async fn a_renewal_that_fails_disturbs_nobody_and_waits_before_the_next() {
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 => granted("token-0", 3600),
        1 => denied("no more"),
        2 => status(500),
        _ => granted("token-3", 3600),
    })
    .await;
    let impersonation = gateway.impersonation();
    ask(&impersonation, &subject()).await.unwrap();
    pass(secs(3_000)).await;
    for (waited, requests) in [(0, 2), (5, 2), (5, 3), (5, 3), (5, 4)] {
        pass(secs(waited)).await;
        until(|| impersonation.flights.is_empty()).await;
        assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-0");
        until(|| impersonation.flights.is_empty()).await;
        assert_eq!(gateway.requests(), requests);
    }
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-3");
}

#[tokio::test]
async fn a_caller_on_board_of_a_renewal_that_fails_begins_an_exchange_of_its_own() {
    let (asked, open) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gateway = {
        let (asked, open) = (Arc::clone(&asked), Arc::clone(&open));
        FakeGateway::slow(move |seen| {
            let (asked, open) = (Arc::clone(&asked), Arc::clone(&open));
            async move {
                if seen.index == 1 {
                    asked.notify_one();
                    open.notified().await;
                    return status(500);
                }
                granted(&format!("token-{}", seen.index), 3600)
            }
        })
        .await
    };
    let impersonation = gateway.impersonation();
    let (subject, app, trace) = (subject(), app_token(APP_TOKEN), TraceId::random());
    ask(&impersonation, &subject).await.unwrap();
    pass(secs(3_000)).await;
    let deadline = Deadline::after(secs(5));
    let old = impersonation.token(&subject, &app, deadline, &trace).await;
    asked.notified().await;
    impersonation.refused(&subject, &old.unwrap());
    let (token, ()) = tokio::join!(ask(&impersonation, &subject), async { open.notify_one() });
    assert_eq!(token.unwrap(), "token-2");
    assert_eq!(gateway.requests(), 3);
}

#[tokio::test]
async fn a_denial_is_remembered_for_half_a_minute() {
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 => denied("not now"),
        _ => granted("t", 3600),
    })
    .await;
    let impersonation = gateway.impersonation();
    for _ in 0..5 {
        let result = ask(&impersonation, &subject()).await;
        assert!(
            matches!(result, Err(ImpersonationError::Denied { message, .. }) if &*message == "not now")
        );
    }
    pass(secs(20)).await;
    assert!(ask(&impersonation, &subject()).await.is_err());
    assert_eq!(gateway.requests(), 1);
    pass(secs(10)).await;
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "t");
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    for failure in [400, 401] {
        let gateway = FakeGateway::start(move |seen| match seen.index {
            0 => status(failure),
            _ => granted("t", 3600),
        })
        .await;
        let impersonation = gateway.impersonation();
        assert!(ask(&impersonation, &subject()).await.is_err());
        assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "t");
    }
}

#[tokio::test]
async fn each_installation_context_account_and_cloud_has_a_token_of_its_own() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.impersonation();
    let other = "00000000-4d08-4b6f-a3e1-5f20d8b9c647";
    let site = |product: Product, cloud: &str| ContextId::site(product, cloud.parse().unwrap());
    let subjects = [
        subject(),
        Subject {
            app: other.parse().unwrap(),
            ..subject()
        },
        Subject {
            installation: other.parse().unwrap(),
            ..subject()
        },
        Subject {
            ic_label: Some("orange".parse().unwrap()),
            ..subject()
        },
        Subject {
            context: site(Product::Jira, CLOUD),
            ..subject()
        },
        Subject {
            context: site(Product::Confluence, other),
            ..subject()
        },
        Subject {
            account: "5f3c9a1be8d2470071b64c0d".parse().unwrap(),
            ..subject()
        },
    ];
    for _ in 0..2 {
        for (n, subject) in subjects.iter().enumerate() {
            let token = ask(&impersonation, subject).await.unwrap();
            assert_eq!(token, format!("token-{n}"));
        }
    }
    assert_eq!(gateway.requests(), subjects.len());
}

#[tokio::test]
async fn a_refused_token_is_dropped_and_only_that() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.impersonation();
    let account_token = async || {
        let deadline = Deadline::after(secs(5));
        let (app, trace) = (app_token(APP_TOKEN), TraceId::random());
        let token = impersonation
            .token(&subject(), &app, deadline, &trace)
            .await;
        token.unwrap()
    };
    let first = account_token().await;
    impersonation.refused(&subject(), &first);
    let second = account_token().await;
    assert_eq!(second.secret().expose(), "token-1");
    // A slower call that used the first one reports it late.
    impersonation.refused(&subject(), &first);
    assert_eq!(account_token().await.secret().expose(), "token-1");
    let elsewhere = Subject {
        account: "another".parse().unwrap(),
        ..subject()
    };
    impersonation.refused(&elsewhere, &second);
    assert_eq!(account_token().await.secret().expose(), "token-1");
    assert_eq!(gateway.requests(), 2);
}

#[tokio::test]
async fn a_forgotten_installation_has_no_tokens_and_others_keep_theirs() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.impersonation();
    let other = Subject {
        installation: "00000000-4d08-4b6f-a3e1-5f20d8b9c647".parse().unwrap(),
        ..subject()
    };
    let colleague = Subject {
        account: "another".parse().unwrap(),
        ..subject()
    };
    for subject in [&subject(), &colleague, &other] {
        ask(&impersonation, subject).await.unwrap();
    }
    impersonation.forget_installation(&subject().installation);
    assert_eq!(ask(&impersonation, &other).await.unwrap(), "token-2");
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-3");
    assert_eq!(ask(&impersonation, &colleague).await.unwrap(), "token-4");
}

#[tokio::test]
async fn a_token_on_its_way_to_a_forgotten_installation_is_not_kept() {
    let (asked, open) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let gateway = {
        let (asked, open) = (Arc::clone(&asked), Arc::clone(&open));
        FakeGateway::slow(move |seen| {
            let (asked, open) = (Arc::clone(&asked), Arc::clone(&open));
            async move {
                asked.notify_one();
                open.acquire().await.unwrap().forget();
                granted(&format!("token-{}", seen.index), 3600)
            }
        })
        .await
    };
    let impersonation = gateway.impersonation();
    let subject = subject();
    let forgotten = async {
        asked.notified().await;
        impersonation.forget_installation(&subject.installation);
        open.add_permits(2);
    };
    let (first, ()) = tokio::join!(ask(&impersonation, &subject), forgotten);
    assert_eq!(first.unwrap(), "token-0", "who was on board still arrives");
    assert_eq!(ask(&impersonation, &subject).await.unwrap(), "token-1");
}

#[tokio::test]
async fn the_number_of_tokens_is_bounded_and_the_last_one_is_kept() {
    let gateway = FakeGateway::generous().await;
    let settings = config::Impersonation {
        requests_per_minute: 10_000,
        max_cached_tokens: 10,
    };
    let http = outbound::client().unwrap();
    let impersonation =
        Impersonation::new(&settings, gateway.url.clone(), http, Clock::manual(NOW));
    let account = |n: usize| Subject {
        account: format!("account-{n}").parse().unwrap(),
        ..subject()
    };
    for n in 0..50 {
        // The first ten are asked for often, and yet a newcomer has its place.
        let popular = if n < 10 { 20 } else { 2 };
        for _ in 0..popular {
            ask(&impersonation, &account(n)).await.unwrap();
            assert!(impersonation.desk.memory.tokens() <= 10);
        }
        assert_eq!(gateway.requests(), n + 1);
    }
}
