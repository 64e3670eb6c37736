//! The two ways to write a Jira context.

use super::*;

const UNKNOWN: &str = "Could not load permissions for app user in the provided contextIds of [ari]";

fn is_site(seen: &Seen) -> bool {
    seen.context().contains("::site/")
}

#[tokio::test]
async fn the_documented_form_is_tried_first() {
    let gateway = FakeGateway::generous().await;
    ask(&gateway.impersonation(), &jira()).await.unwrap();
    assert_eq!(
        gateway.seen()[0].context(),
        format!("ari:cloud:jira::site/{CLOUD}")
    );
}

#[tokio::test]
async fn the_other_form_is_tried_once_and_remembered_for_the_installation() {
    let gateway = FakeGateway::start(|seen| {
        if is_site(&seen) {
            denied(UNKNOWN)
        } else {
            granted("t", 3600)
        }
    })
    .await;
    let impersonation = gateway.impersonation();
    assert_eq!(ask(&impersonation, &jira()).await.unwrap(), "t");
    let colleague = Subject {
        account: "another".parse().unwrap(),
        ..jira()
    };
    assert_eq!(ask(&impersonation, &colleague).await.unwrap(), "t");
    let contexts: Vec<_> = gateway.seen().iter().map(is_site).collect();
    assert_eq!(contexts, [true, false, false]);
    assert_eq!(
        gateway.seen()[1].context(),
        format!("ari:cloud:jira:{CLOUD}:workspace/{CLOUD}")
    );
    // Another installation has to find out for itself.
    let other = Subject {
        installation: "00000000-4d08-4b6f-a3e1-5f20d8b9c647".parse().unwrap(),
        ..jira()
    };
    ask(&impersonation, &other).await.unwrap();
    assert_eq!(gateway.requests(), 5);
}

#[tokio::test]
async fn a_remembered_form_that_fails_gives_way_to_the_documented_one() {
    let gateway = FakeGateway::start(|seen| match (seen.index, is_site(&seen)) {
        (0 | 2, _) => denied(UNKNOWN),
        (1, false) | (3.., true) => granted("t", 3600),
        _ => status(400),
    })
    .await;
    let impersonation = gateway.impersonation();
    for account in ["one", "two", "three"] {
        let subject = Subject {
            account: account.parse().unwrap(),
            ..jira()
        };
        assert_eq!(ask(&impersonation, &subject).await.unwrap(), "t");
    }
    let contexts: Vec<_> = gateway.seen().iter().map(is_site).collect();
    assert_eq!(contexts, [true, false, false, true, true]);
}

#[tokio::test]
async fn both_forms_refused_is_a_denial_and_remembered() {
    let gateway = FakeGateway::start(|_| denied(UNKNOWN)).await;
    let impersonation = gateway.impersonation();
    for _ in 0..2 {
        let result = ask(&impersonation, &jira()).await;
        assert!(matches!(result, Err(ImpersonationError::Denied { .. })));
    }
    assert_eq!(gateway.requests(), 2);
}

#[tokio::test]
async fn a_failure_with_the_other_form_is_no_denial() {
    let gateway = FakeGateway::start(|seen| {
        if is_site(&seen) {
            denied(UNKNOWN)
        } else {
            status(401)
        }
    })
    .await;
    let result = ask(&gateway.impersonation(), &jira()).await;
    assert!(matches!(
        result,
        Err(ImpersonationError::AppTokenRefused { .. })
    ));
}

#[tokio::test]
async fn any_other_denial_is_final() {
    let gateway = FakeGateway::start(|_| denied("User is deactivated")).await;
    assert!(ask(&gateway.impersonation(), &jira()).await.is_err());
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test]
async fn a_product_with_one_form_is_asked_once() {
    let gateway = FakeGateway::start(|_| denied(UNKNOWN)).await;
    assert!(ask(&gateway.impersonation(), &subject()).await.is_err());
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test]
async fn a_forgotten_installation_starts_with_the_documented_form_again() {
    let gateway = FakeGateway::start(|seen| {
        if is_site(&seen) {
            denied(UNKNOWN)
        } else {
            granted("t", 3600)
        }
    })
    .await;
    let impersonation = gateway.impersonation();
    ask(&impersonation, &jira()).await.unwrap();
    impersonation.forget_installation(&jira().installation);
    ask(&impersonation, &jira()).await.unwrap();
    let contexts: Vec<_> = gateway.seen().iter().map(is_site).collect();
    assert_eq!(contexts, [true, false, true, false]);
}
