//! The exchange under load and when it goes wrong, through the service.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::Path, routing::get};
use forge_remote::{Error, Forge, Invocation, ids::AccountId};
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Notify;

use crate::support::{
    app::TestApp,
    atlassian::{denied, exchanged, json_answer},
    claims::{CLOUD, COLLEAGUE},
};

/// A handler that acts as whoever is named: what a team's own code does after a check of its own.
fn routes() -> Router<Forge> {
    async fn act(invocation: Invocation, Path(account): Path<String>) -> Result<String, Error> {
        let account: AccountId = account.parse().map_err(Error::internal)?;
        let them = invocation.as_account(&account).await?;
        them.confluence()?
            .get("/wiki/rest/api/user/current")
            .send()
            .await?
            .text()
            .map_err(Error::from)
    }
    Router::new().route("/test/as/{account}", get(act))
}

async fn app() -> TestApp {
    TestApp::setup().await.routes(routes()).start().await
}

#[tokio::test]
async fn a_thousand_callers_for_one_account_cost_one_exchange() {
    let app = app().await;
    app.atlassian.answers(|call| match call.path.as_str() {
        "/graphql" => exchanged(&call, 3600),
        _ => json_answer(200, json!({})),
    });
    let path = format!("/test/as/{COLLEAGUE}");
    let calls = (0..1000).map(|_| app.as_forge().get(&path));
    for answer in join_all(calls).await {
        let _ = answer.ok();
    }
    assert_eq!(app.atlassian.exchanges(), 1);
}

#[tokio::test]
async fn a_token_too_short_lived_to_be_kept_serves_the_call_that_it_was_asked_for() {
    let app = app().await;
    app.atlassian.answers(|call| match call.path.as_str() {
        "/graphql" => exchanged(&call, 1),
        _ => json_answer(200, json!({})),
    });
    let path = format!("/test/as/{COLLEAGUE}");
    for exchanges in 1..=3 {
        let _ = app.as_forge().get(&path).await.ok();
        assert_eq!(app.atlassian.exchanges(), exchanges);
    }
}

#[tokio::test]
async fn the_exchange_goes_on_when_its_first_caller_goes_away() {
    let app = app().await;
    let (asked, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (gateway, gate) = (Arc::clone(&asked), Arc::clone(&release));
    app.atlassian.answers_later(move |call| {
        let (asked, release) = (Arc::clone(&gateway), Arc::clone(&gate));
        Box::pin(async move {
            if call.path != "/graphql" {
                return json_answer(200, json!({}));
            }
            asked.notify_one();
            release.notified().await;
            exchanged(&call, 3600)
        })
    });
    let path = format!("/test/as/{COLLEAGUE}");
    let first = tokio::spawn({
        let (caller, path) = (app.as_forge(), path.clone());
        async move { caller.get(&path).await.status }
    });
    asked.notified().await;
    first.abort();
    assert!(first.await.is_err(), "the first caller is gone");
    let second = tokio::spawn({
        let caller = app.as_forge();
        async move { caller.get(&path).await.status }
    });
    release.notify_one();
    assert_eq!(second.await.unwrap(), 200);
    assert_eq!(app.atlassian.exchanges(), 1);
}

#[tokio::test]
async fn a_401_with_an_exchanged_token_exchanges_once_more() {
    let app = app().await;
    let refusals = Arc::new(AtomicUsize::new(1));
    let left = Arc::clone(&refusals);
    app.atlassian.answers(move |call| match call.path.as_str() {
        "/graphql" => exchanged(&call, 3600),
        _ if left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_ok() =>
        {
            json_answer(401, json!({}))
        }
        _ => json_answer(200, json!({})),
    });
    let path = format!("/test/as/{COLLEAGUE}");
    let _ = app.as_forge().get(&path).await.ok();
    assert_eq!(app.atlassian.exchanges(), 2);
    refusals.store(100, Ordering::SeqCst);
    let _ = app
        .as_forge()
        .get(&path)
        .await
        .refused(502, "upstream_unauthorized");
    assert_eq!(app.atlassian.exchanges(), 3, "once more and no more");
}

#[tokio::test]
async fn the_other_form_of_context_is_tried_once_and_remembered() {
    let app = app().await;
    let site = format!("ari:cloud:jira::site/{CLOUD}");
    let workspace = format!("ari:cloud:jira:{CLOUD}:workspace/{CLOUD}");
    let wanted = workspace.clone();
    app.atlassian.answers(move |call| match call.path.as_str() {
        "/graphql" if call.json()["variables"]["input"]["contextIds"][0] == wanted => {
            exchanged(&call, 3600)
        }
        "/graphql" => denied(&format!(
            "Could not load permissions for app user in the provided contextIds of [{site}]"
        )),
        _ => json_answer(200, json!({})),
    });
    // From Jira: the installation's primary product is the one to impersonate in.
    let jira = format!("{}/ex/jira/{CLOUD}", app.atlassian.url());
    let from_jira = |path: String| {
        let caller = app
            .anybody()
            .fit(|fit| fit.claim("/app/apiBaseUrl", jira.as_str()));
        async move { caller.with_fit().app_token().user_token().get(&path).await }
    };
    // The page itself is Confluence's, whose context is another: only the exchange counts here.
    let _ = from_jira(format!("/test/as/{COLLEAGUE}")).await;
    let asked = |app: &TestApp| {
        app.atlassian
            .calls()
            .iter()
            .filter(|call| call.exchange().is_some())
            .map(|call| {
                call.json()["variables"]["input"]["contextIds"][0]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .filter(|context| context.contains(":jira:"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        asked(&app),
        [format!("ari:cloud:jira::site/{CLOUD}"), workspace.clone()]
    );
    let _ = from_jira("/test/as/5f3c9a1be8d2470071b64c0e".to_owned()).await;
    assert_eq!(
        asked(&app)[2..],
        [workspace],
        "the form that worked comes first"
    );
}

#[tokio::test]
async fn gateway_failures_are_not_taken_for_denials() {
    let app = app().await;
    for (status, code, expected) in [
        (500, "upstream_error", 502),
        (401, "upstream_unauthorized", 502),
    ] {
        app.atlassian
            .answers(move |_| json_answer(status, json!({})));
        let answer = app.as_forge().get(&format!("/test/as/{COLLEAGUE}")).await;
        let _ = answer.refused(expected, code);
    }
    app.atlassian.answers(|call| match call.path.as_str() {
        "/graphql" => exchanged(&call, 3600),
        _ => json_answer(200, json!({})),
    });
    let _ = app
        .as_forge()
        .get(&format!("/test/as/{COLLEAGUE}"))
        .await
        .ok();
}

#[tokio::test]
async fn a_429_of_the_gateway_is_passed_on_with_its_wait() {
    let app = app().await;
    app.atlassian.answers(|_| {
        let mut answer = json_answer(429, json!({}));
        answer
            .headers_mut()
            .insert("retry-after", "77".parse().unwrap());
        answer
    });
    let answer = app.as_forge().get(&format!("/test/as/{COLLEAGUE}")).await;
    let _ = answer.refused(429, "rate_limited");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((70..=77).contains(&wait), "{wait}");
    let another = app
        .as_forge()
        .get("/test/as/5f3c9a1be8d2470071b64c0e")
        .await;
    let _ = another.refused(429, "rate_limited");
    assert_eq!(
        app.atlassian.exchanges(),
        1,
        "no exchange while the gateway pauses"
    );
}
