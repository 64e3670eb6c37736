//! The key set: fetched seldom, kept while it cannot be fetched, obeyed when it changes.

use axum::http::StatusCode;
use futures_util::future::join_all;

use crate::support::{
    app::TestApp,
    caller::Fit,
    keys::{KEY, KID, OTHER_KEY, OTHER_KID},
};

#[tokio::test]
async fn a_storm_of_unknown_key_ids_costs_at_most_two_fetches() {
    let app = TestApp::start().await;
    let fit = Fit::of(&app.atlassian.url());
    let calls = (0..300).map(|number| {
        let token = fit
            .clone()
            .header("kid", format!("unknown/{number}"))
            .token();
        app.anybody().token(&token).get("/api/invocation")
    });
    for answer in join_all(calls).await {
        let _ = answer.refused(401, "unknown_key");
    }
    assert!(
        app.atlassian.key_set_fetches() <= 2,
        "{}",
        app.atlassian.key_set_fetches()
    );
    let _ = app.as_forge().get("/api/invocation").await.ok();
}

#[tokio::test]
async fn a_new_key_is_found_by_the_first_token_that_needs_it() {
    let app = TestApp::start().await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    app.atlassian
        .serves_keys(&[KEY.jwk(KID), OTHER_KEY.jwk(OTHER_KID)]);
    let token = Fit::of(&app.atlassian.url())
        .key(OTHER_KEY)
        .header("kid", OTHER_KID)
        .token();
    let calls = (0..50).map(|_| app.anybody().token(&token).get("/api/invocation"));
    for answer in join_all(calls).await {
        let _ = answer.ok();
    }
    assert!(
        app.atlassian.key_set_fetches() <= 2,
        "{}",
        app.atlassian.key_set_fetches()
    );
}

#[tokio::test]
async fn a_key_that_left_the_set_stops_working() {
    let app = TestApp::start().await;
    let old = Fit::of(&app.atlassian.url()).token();
    let _ = app.anybody().token(&old).get("/api/invocation").await.ok();
    app.atlassian.serves_keys(&[OTHER_KEY.jwk(OTHER_KID)]);
    let new = Fit::of(&app.atlassian.url())
        .key(OTHER_KEY)
        .header("kid", OTHER_KID)
        .token();
    let _ = app.anybody().token(&new).get("/api/invocation").await.ok();
    let answer = app.anybody().token(&old).get("/api/invocation").await;
    let _ = answer.refused(401, "unknown_key");
}

#[tokio::test]
async fn the_last_good_set_serves_while_the_endpoint_is_down() {
    let app = TestApp::start().await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "down".to_owned()),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, r#"{"keys":[]}"#.to_owned()),
        (
            StatusCode::OK,
            format!(r#"{{"keys":[{}]}}"#, " ".repeat(2 << 20)),
        ),
    ] {
        app.atlassian.serves_key_set(status, body);
        let token = Fit::of(&app.atlassian.url())
            .header("kid", OTHER_KID)
            .token();
        let answer = app.anybody().token(&token).get("/api/invocation").await;
        let _ = answer.refused(401, "unknown_key");
        let _ = app.as_forge().get("/api/invocation").await.ok();
    }
}

#[tokio::test]
async fn without_any_key_set_the_remote_says_so_and_is_not_ready() {
    let setup = TestApp::setup().await;
    setup
        .atlassian()
        .serves_key_set(StatusCode::OK, "x".repeat((1 << 20) + 1));
    let app = setup.start().await;
    let answer = app.as_forge().get("/api/invocation").await;
    let _ = answer.refused(503, "keys_unavailable");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    let ready = app.operator().get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["keys"], false);
    // A 401 must not depend on the key set: a token that is no token is refused all the same.
    let _ = app
        .anybody()
        .token("abc")
        .get("/api/invocation")
        .await
        .refused(401, "malformed_token");
}
