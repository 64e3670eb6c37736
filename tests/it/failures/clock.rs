//! The time of day leaps ahead: a machine that slept, or a clock that was put right.

use std::time::Duration;

use axum::{Json, Router, response::IntoResponse, routing::get};
use forge_remote::{
    ErrorCode, Invocation,
    clock::{Clock, Timestamp},
};
use serde_json::json;

use super::{in_time, setup};
use crate::support::{
    app::TestApp,
    atlassian::{exchanged, json_answer},
    caller::{Caller, Fit},
    claims::{COLLEAGUE, INSTALLATION, now},
    kept::acknowledged,
};

const HOUR: Duration = Duration::from_hours(1);

/// Forge, with a FIT of the time that the remote's clock shows.
fn forge_at(app: &TestApp, clock: &Clock, change: impl FnOnce(Fit) -> Fit) -> Caller {
    let now = clock.now().unix();
    let at = |fit: Fit| {
        let fit = fit.claim("/iat", now).claim("/nbf", now);
        change(fit.claim("/exp", now + 25))
    };
    app.anybody().fit(at).with_fit()
}

#[tokio::test]
async fn after_a_leap_old_fits_are_expired_and_new_ones_good() {
    let clock = Clock::manual(Timestamp::from_unix(now()));
    let app = setup().await.clock(clock.clone()).start().await;
    let old = Fit::of(&app.atlassian.url()).token();
    let call = || in_time(app.anybody().token(&old).get("/api/invocation"));
    let _ = call().await.ok();
    clock.advance(HOUR);
    let _ = call().await.refused(401, "expired");
    let new = forge_at(&app, &clock, |fit| fit);
    let _ = in_time(new.user_token().get("/api/content")).await.ok();
}

#[tokio::test]
async fn after_a_leap_a_stored_app_token_is_not_handed_out_past_its_life() {
    let clock = Clock::manual(Timestamp::from_unix(now()));
    let app = setup().await.clock(clock.clone()).start().await;
    let _ = in_time(app.as_forge().get("/api/invocation")).await.ok();
    let code = async || {
        let id = INSTALLATION.parse().unwrap();
        let known = app.forge.installation(&id).await.unwrap();
        known.as_app().err().map(|error| error.code())
    };
    assert_eq!(code().await, None);
    clock.advance(HOUR);
    assert_eq!(code().await, Some(ErrorCode::MissingAppToken));
    // The same text again would be the same token.
    let new = forge_at(&app, &clock, |fit| fit);
    let new = new.header("x-forge-oauth-system", "app-t0psecret-0002");
    let _ = in_time(new.get("/api/invocation")).await.ok();
    assert_eq!(code().await, None);
}

/// A token without a readable expiry is taken to live 55 minutes from when it came. That it is
/// held already, and nears the end of that, is no reason to give the call less.
#[tokio::test]
async fn after_a_leap_a_token_that_comes_again_lives_as_long_as_one_that_comes() {
    let clock = Clock::manual(Timestamp::from_unix(now()));
    let in_the_handler = clock.clone();
    let slow = move |invocation: Invocation| {
        in_the_handler.advance(Duration::from_mins(5));
        async move { invocation.as_app().map(|_| Json("still there")) }
    };
    let routes = Router::new().route("/slow", get(slow));
    let app = setup().await.routes(routes).clock(clock.clone()).start();
    let app = app.await;
    for _ in 0..3 {
        let forge = forge_at(&app, &clock, |fit| fit);
        let forge = forge.header("x-forge-oauth-system", "app-t0psecret-0001");
        let _ = in_time(forge.get("/slow")).await.ok();
        clock.advance(Duration::from_mins(47));
    }
}

/// It lives by the time that passes. Should it be dead all the same, because the machine
/// slept, the product says so, and the caller hears nothing of it.
#[tokio::test]
async fn after_a_leap_a_dead_account_token_costs_one_exchange() {
    let clock = Clock::manual(Timestamp::from_unix(now()));
    let app = setup().await.clock(clock.clone()).start().await;
    let exchanges = std::sync::atomic::AtomicUsize::new(0);
    app.atlassian.answers(move |call| {
        use std::sync::atomic::Ordering::SeqCst;
        if call.exchange().is_some() {
            exchanges.fetch_add(1, SeqCst);
            let token = format!("account-t0psecret-{}", exchanges.load(SeqCst));
            let token = json!({"token": token, "ttl": 3600});
            let told = json!({"success": true, "errors": null, "authToken": token});
            return json_answer(200, json!({"data": {"offlineUserAuthToken": told}}));
        }
        let latest = format!("account-t0psecret-{}", exchanges.load(SeqCst));
        let status = if call.token() == latest { 200 } else { 401 };
        (axum::http::StatusCode::from_u16(status).unwrap(), "{}").into_response()
    });
    let path = format!("/test/as/{COLLEAGUE}");
    let act = || in_time(forge_at(&app, &clock, |fit| fit).app_token().get(&path));
    assert_eq!(act().await.status, 200);
    clock.advance(HOUR * 5);
    assert_eq!(act().await.status, 200);
    assert_eq!(app.atlassian.exchanges(), 1, "it lives");
    app.atlassian.answers(|call| match call.exchange() {
        Some(_) => exchanged(&call, 3600),
        None if call.token().contains(COLLEAGUE) => json_answer(200, json!({})),
        None => json_answer(401, json!({})),
    });
    assert_eq!(act().await.status, 200);
    assert_eq!(app.atlassian.exchanges(), 2, "it died");
}

#[tokio::test]
async fn after_a_leap_events_are_taken_in_and_done() {
    let clock = Clock::manual(Timestamp::from_unix(now()));
    let (ran, mut runs) = tokio::sync::mpsc::unbounded_channel();
    let events = forge_remote::Events::new().on("avi:test", move |_: forge_remote::Event| {
        let _ = ran.send(());
        async { Ok(()) }
    });
    let app = setup()
        .await
        .clock(clock.clone())
        .events(events)
        .start()
        .await;
    for _ in 0..3 {
        let platform = forge_at(&app, &clock, Fit::of_platform);
        let event = platform.app_token().json(&json!({"eventType": "avi:test"}));
        let _ = acknowledged(&in_time(event.post("/forge/events")).await);
        in_time(runs.recv()).await.unwrap();
        clock.advance(HOUR * 5);
    }
}
