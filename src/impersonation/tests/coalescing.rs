//! Any number of callers, one exchange.

use futures_util::future::join_all;
use tokio::sync::{Barrier, Notify};

use super::*;

/// A gateway that tells when it was asked, and answers once it may.
struct Gated {
    gateway: FakeGateway,
    asked: Arc<Notify>,
    open: Arc<Notify>,
}

impl Gated {
    async fn start(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let (asked, open) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (ask, opened) = (Arc::clone(&asked), Arc::clone(&open));
        let answer = Arc::new(answer);
        let gateway = FakeGateway::slow(move |seen| {
            let (ask, opened, answer) =
                (Arc::clone(&ask), Arc::clone(&opened), Arc::clone(&answer));
            async move {
                ask.notify_one();
                opened.notified().await;
                answer(&seen)
            }
        })
        .await;
        Self {
            gateway,
            asked,
            open,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_cost_one_exchange() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.impersonation();
    let barrier = Arc::new(Barrier::new(1_000));
    let callers = (0..1_000).map(|_| {
        let (impersonation, barrier) = (impersonation.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            ask(&impersonation, &subject()).await.unwrap()
        })
    });
    for token in join_all(callers).await {
        assert_eq!(token.unwrap(), "token-0");
    }
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test]
async fn the_exchange_goes_on_when_the_caller_that_began_it_goes_away() {
    let gated = Gated::start(|seen| granted(&format!("token-{}", seen.index), 3600)).await;
    let impersonation = gated.gateway.impersonation();
    let first = {
        let impersonation = impersonation.clone();
        tokio::spawn(async move { ask(&impersonation, &subject()).await })
    };
    gated.asked.notified().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());

    let subject = subject();
    let others = join_all((0..999).map(|_| ask(&impersonation, &subject)));
    // The others are asked first, so all of them are on board when the answer comes.
    let (others, ()) = tokio::join!(others, async { gated.open.notify_one() });
    assert!(
        others
            .iter()
            .all(|token| token.as_ref().unwrap() == "token-0")
    );
    assert_eq!(gated.gateway.requests(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_at_once_leaves_its_exchange_behind() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.impersonation();
    {
        let subject = subject();
        let mut gone = Box::pin(ask(&impersonation, &subject));
        // Polled once: the task is spawned and has not run.
        assert!(futures_util::poll!(&mut gone).is_pending());
    }
    assert_eq!(ask(&impersonation, &subject()).await.unwrap(), "token-0");
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test]
async fn each_caller_keeps_its_own_deadline() {
    let gated = Gated::start(|_| granted("t", 3600)).await;
    let impersonation = gated.gateway.impersonation();
    let subject = subject();
    let patient = ask(&impersonation, &subject);
    let hasty = async {
        let result = ask_within(Duration::from_millis(30), &impersonation, &subject).await;
        gated.open.notify_one();
        result
    };
    let (patient, hasty) = tokio::join!(patient, hasty);
    assert_eq!(patient.unwrap(), "t");
    assert!(matches!(hasty, Err(ImpersonationError::Deadline)));
    assert_eq!(gated.gateway.requests(), 1);
}

#[tokio::test]
async fn a_failure_reaches_all_and_the_next_caller_tries_again() {
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 => status(400),
        _ => granted("t", 60),
    })
    .await;
    let impersonation = gateway.impersonation();
    let subject = subject();
    for result in join_all((0..50).map(|_| ask(&impersonation, &subject))).await {
        assert!(matches!(result, Err(ImpersonationError::Gateway { .. })));
    }
    assert_eq!(gateway.requests(), 1);
    assert_eq!(ask(&impersonation, &subject).await.unwrap(), "t");
}

#[tokio::test]
async fn a_caller_with_a_newer_app_token_does_not_share_a_stale_ones_fate() {
    let gated = Gated::start(|seen| {
        if seen.headers[http::header::AUTHORIZATION] == "Bearer stale" {
            status(401)
        } else {
            granted("t", 3600)
        }
    })
    .await;
    let impersonation = gated.gateway.impersonation();
    let subject = subject();
    let ask_with = async |text: &str| {
        let deadline = Deadline::after(Duration::from_secs(5));
        impersonation
            .token(&subject, &app_token(text), deadline, &TraceId::random())
            .await
    };
    let open = async {
        gated.asked.notified().await;
        gated.open.notify_one();
        gated.asked.notified().await;
        gated.open.notify_one();
    };
    let all = async {
        tokio::join!(
            ask_with("stale"),
            ask_with("stale"),
            ask_with("fresh"),
            open
        )
    };
    let all = tokio::time::timeout(Duration::from_secs(10), all).await;
    let (first, same, newer, ()) = all.expect("two exchanges");
    for stale in [first, same] {
        assert!(matches!(
            stale,
            Err(ImpersonationError::AppTokenRefused { .. })
        ));
    }
    assert_eq!(newer.unwrap().secret().expose(), "t");
    assert_eq!(gated.gateway.requests(), 2);
}

#[tokio::test]
async fn a_flight_whose_task_dies_ends_for_all_and_blocks_nobody() {
    let gateway = FakeGateway::generous().await;
    let impersonation = gateway.impersonation();
    let subject = subject();
    let known = || None;
    let boarding = impersonation
        .flights
        .board(&subject, &app_token(APP_TOKEN), known);
    let Boarding::Leads(pilot) = boarding else {
        panic!("nobody else is there")
    };
    let dies = async {
        let task = tokio::spawn(async move {
            let _pilot = pilot;
            std::panic::resume_unwind(Box::new("dies"));
        });
        assert!(task.await.unwrap_err().is_panic());
    };
    let (joined, ()) = tokio::join!(ask(&impersonation, &subject), dies);
    assert!(matches!(joined, Err(ImpersonationError::Interrupted)));
    assert_eq!(ask(&impersonation, &subject).await.unwrap(), "token-0");
}
