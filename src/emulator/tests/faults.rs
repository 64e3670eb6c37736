//! Each fault as a client or a remote meets it.

use std::{collections::HashSet, time::Duration};

use http::StatusCode;
use serde_json::json;

use super::{
    events_console::{page, post},
    remote::{Remote, claims, fast, fired},
    *,
};
use crate::emulator::{
    events::FireEvent,
    world::{BOT, MIRA, PRIYA},
};

const CONTENT: &str = "/wiki/rest/api/content?limit=1";
const UPDATED: &str = "avi:confluence:updated:page";

async fn invoked(played: &Played, path: &str) -> Invocation {
    let invoke = Invoke::get(MIRA, "digest-page", path);
    played.running.invoke(invoke).await.unwrap()
}

fn on(played: &Played, fault: Fault) {
    played.running.switch_on(fault, Times::Next(1)).unwrap();
}

/// The kid and the text of the FIT that came last.
fn last_fit(remote: &Remote) -> (String, String) {
    let came = remote.came().pop().unwrap();
    let text = came.headers["authorization"].to_str().unwrap().to_owned();
    let text = text.strip_prefix("Bearer ").unwrap().to_owned();
    let header = jsonwebtoken::decode_header(&text).unwrap();
    (header.kid.unwrap(), text)
}

/// Whether the key set that is published now verifies the token.
async fn verifies(played: &Played, fit: &str) -> bool {
    let set = played.http.get(played.running.jwks_url()).send().await;
    let set: jsonwebtoken::jwk::JwkSet = set.unwrap().json().await.unwrap();
    let kid = jsonwebtoken::decode_header(fit).unwrap().kid.unwrap();
    let Some(jwk) = set.find(&kid) else {
        return false;
    };
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_aud = false;
    validation.leeway = 1;
    jsonwebtoken::decode::<Value>(fit, &key, &validation).is_ok()
}

#[tokio::test]
async fn products_are_slow_limited_refusing_and_failing_on_demand() {
    let played = Played::start().await;
    let token = played.user_token(MIRA);
    let url = played.api("confluence", CONTENT);
    let slow = Fault::ProductSlow(Duration::from_millis(40));
    on(&played, slow);
    assert_eq!(played.get(&token, &url).await.0, 200);
    let call = &played.running.other_calls()[0];
    assert!(call.duration >= Duration::from_millis(40), "{call:?}");
    assert_eq!(call.faults, [slow]);

    let limited = Fault::ProductRateLimited(Duration::from_secs(7));
    on(&played, limited);
    let sent = played.http.get(&url).bearer_auth(&token).send();
    let sent = sent.await.unwrap();
    assert_eq!(
        (
            sent.status().as_u16(),
            sent.headers()["retry-after"].as_bytes()
        ),
        (429, b"7".as_slice())
    );
    assert_eq!(sent.headers()["ratelimit-reason"], "confluence-burst-based");
    on(&played, Fault::ProductUnauthorized);
    let (status, body) = played.get(&token, &url).await;
    assert_eq!(
        (status, body["message"].as_str()),
        (401, Some("Unauthorized"))
    );
    on(&played, Fault::ProductFails(StatusCode::BAD_GATEWAY));
    assert_eq!(played.get(&token, &url).await.0, 502);
    // Every one of them was for one time.
    assert_eq!(played.get(&token, &url).await.0, 200);
    assert!(played.running.other_calls()[0].faults.is_empty());
    assert!(played.running.faults().is_empty());
    // Neither the storage nor the gateway is a product.
    on(&played, Fault::ProductUnauthorized);
    let storage = format!("{}/v1/get", played.running.storage_url());
    let sent = played.http.post(storage).bearer_auth(played.app_token());
    assert_eq!(
        sent.json(&json!({"key": "a"}))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(played.running.faults().len(), 1);
}

#[tokio::test]
async fn a_call_whose_caller_hangs_up_is_seen_too() {
    let played = Played::start().await;
    let slow = Fault::ProductSlow(Duration::from_mins(1));
    on(&played, slow);
    let url = played.api("confluence", CONTENT);
    let token = played.user_token(MIRA);
    let call = tokio::spawn(played.http.get(url).bearer_auth(token).send());
    while !played.running.faults().is_empty() {
        tokio::task::yield_now().await;
    }
    call.abort();
    let limit = Duration::from_secs(10);
    let seen = played
        .running
        .wait_for(limit, |running| running.other_calls().pop());
    let seen = seen.await.expect("the call that nobody waits for");
    assert_eq!((seen.status.as_u16(), seen.faults), (499, vec![slow]));
    assert!(seen.note.unwrap().contains("hung up"));
}

#[tokio::test]
async fn the_gateway_and_the_storage_fail_on_demand() {
    let played = Played::start().await;
    on(&played, Fault::GatewayDown);
    let exchange = json!({
        "query": super::exchange::MUTATION,
        "variables": {"input": {"contextIds": ["x"], "userId": PRIYA}},
    });
    let sent = played.http.post(played.running.graphql_url());
    let sent = sent.bearer_auth(played.app_token()).json(&exchange);
    assert_eq!(sent.send().await.unwrap().status(), 500);
    let call = &played.running.other_calls()[0];
    let account = "Priya Raman".to_owned();
    assert_eq!(call.purpose, Purpose::Exchange { account });
    assert_eq!(call.faults, [Fault::GatewayDown]);

    let slow = Fault::StorageSlow(Duration::from_millis(40));
    on(&played, slow);
    on(&played, Fault::StorageRateLimited);
    let post = || {
        let url = format!("{}/v1/get", played.running.storage_url());
        let sent = played.http.post(url).bearer_auth(played.app_token());
        sent.json(&json!({"key": "a"})).send()
    };
    let refused = post().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(
        refused.json::<Value>().await.unwrap()["code"],
        "RATE_LIMIT_EXCEEDED"
    );
    let call = &played.running.other_calls()[0];
    assert_eq!(call.faults, [slow, Fault::StorageRateLimited]);
    assert!(call.duration >= Duration::from_millis(40));
    let subject = "a".to_owned();
    assert_eq!(call.purpose, Purpose::Storage { subject });
    assert_eq!(post().await.unwrap().status(), 404);
}

#[tokio::test]
async fn each_bad_fit_is_bad_in_its_own_way_and_for_once() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    invoked(&played, "/").await;
    let (good_kid, good) = last_fit(&remote);
    assert!(verifies(&played, &good).await);
    for fault in [
        Fault::FitExpired,
        Fault::FitWrongAudience,
        Fault::FitBadSignature,
        Fault::FitUnknownKey,
    ] {
        on(&played, fault);
        let invocation = invoked(&played, "/").await;
        assert_eq!(invocation.faults, [fault]);
        let (kid, fit) = last_fit(&remote);
        let came = claims(remote.came().last().unwrap());
        let other_audience = came["aud"] != came["app"]["id"];
        let expired = came["exp"].as_i64() < Some(Clock::system().now().unix() - 500);
        assert_eq!(other_audience, fault == Fault::FitWrongAudience);
        assert_eq!(expired, fault == Fault::FitExpired);
        assert_eq!(kid != good_kid, fault == Fault::FitUnknownKey);
        let by_the_book = fault == Fault::FitWrongAudience;
        assert_eq!(verifies(&played, &fit).await, by_the_book, "{fault}");
        // This remote takes anything, which is against the rules here.
        let rule = invocation.verdict.iter();
        let rule = rule.clone().find(|it| it.rule == "unauthorized-means-fit");
        assert!(!rule.unwrap().passed);
    }
    assert!(invoked(&played, "/").await.faults.is_empty());
}

#[tokio::test]
async fn a_bad_fit_of_an_event_is_refused_rightly_and_redelivered() {
    let remote = Remote::answering([super::remote::Reply::Status(401, "{}")]);
    let played = Played::with(remote.router(), fast).await;
    on(&played, Fault::FitBadSignature);
    let delivery = fired(&played, &FireEvent::new(UPDATED)).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Delivered);
    let [refused, taken] = delivery.attempts.as_slice() else {
        panic!("{delivery:?}");
    };
    assert_eq!(refused.faults, [Fault::FitBadSignature]);
    assert!(refused.verdict.iter().all(|finding| finding.passed));
    assert!(taken.faults.is_empty() && taken.retry.is_some());
    assert!(taken.started >= refused.duration);
}

#[tokio::test]
async fn expired_tokens_travel_and_open_nothing() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    on(&played, Fault::TokensExpired);
    let invocation = invoked(&played, "/").await;
    assert_eq!(invocation.faults, [Fault::TokensExpired]);
    let came = remote.came().pop().unwrap();
    let url = played.api("confluence", CONTENT);
    for (name, account) in [("x-forge-oauth-system", BOT), ("x-forge-oauth-user", MIRA)] {
        let token = came.headers[name].to_str().unwrap();
        assert_eq!(played.get(token, &url).await.0, 401);
        let call = &played.running.other_calls()[0];
        assert!(call.note.as_ref().unwrap().contains("expired"), "{account}");
    }
    invoked(&played, "/").await;
    let came = remote.came().pop().unwrap();
    let token = came.headers["x-forge-oauth-user"].to_str().unwrap();
    assert_eq!(played.get(token, &url).await.0, 200);
}

#[tokio::test]
async fn the_next_event_is_delivered_twice() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    on(&played, Fault::DuplicateEvent);
    let twice = fired(&played, &FireEvent::new(UPDATED)).await;
    assert_eq!(twice.len(), 2);
    assert!(twice.iter().all(|it| it.faults == [Fault::DuplicateEvent]));
    let came = remote.came();
    assert_eq!(came[0].body, came[1].body);
    assert_eq!(fired(&played, &FireEvent::new(UPDATED)).await.len(), 1);
    on(&played, Fault::DuplicateEvent);
    assert_eq!(played.running.install().await.unwrap().len(), 2);
}

#[tokio::test]
async fn keys_overlap_after_a_rotation_until_the_old_one_is_retired() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    invoked(&played, "/").await;
    let (old_kid, old) = last_fit(&remote);
    let none = played.running.retire_old_key();
    assert_eq!(none, Err(FaultError::NoOldKey));
    played.running.rotate_signing_key().unwrap();
    invoked(&played, "/").await;
    let (new_kid, new) = last_fit(&remote);
    assert_ne!(old_kid, new_kid);
    assert!(verifies(&played, &old).await && verifies(&played, &new).await);
    played.running.retire_old_key().unwrap();
    assert!(!verifies(&played, &old).await && verifies(&played, &new).await);
    // Two rotations in a row: the key set never has more than two.
    played.running.rotate_signing_key().unwrap();
    played.running.rotate_signing_key().unwrap();
    assert!(!verifies(&played, &new).await);
}

#[tokio::test]
async fn the_page_switches_faults_and_every_page_says_which_are_on() {
    let played = Played::with(Remote::default().router(), fast).await;
    let (_, html) = page(&played, "faults").await;
    assert!(!html.contains("Faults are on"));
    let form = [("fault", "product-slow"), ("figure", "250"), ("times", "2")];
    assert_eq!(post(&played, "faults", &form).await.1, "/faults");
    let form = [("fault", "event-twice"), ("times", "")];
    assert_eq!(post(&played, "faults", &form).await.0, 303);
    let slow = Fault::ProductSlow(Duration::from_millis(250));
    let expected = [
        (slow, Times::Next(2)),
        (Fault::DuplicateEvent, Times::Always),
    ];
    assert_eq!(played.running.faults(), expected);
    invoked(&played, "/").await;
    for path in [
        "",
        "events",
        "storage",
        "site",
        "faults",
        "invocations/1",
        "invocations/9",
    ] {
        let (_, html) = page(&played, path).await;
        assert!(html.contains("Faults are on"), "{path}");
        assert!(html.contains("product: slower by 250 ms"), "{path}");
    }
    let off = [("fault", "product-slow")];
    assert_eq!(post(&played, "faults/off", &off).await.0, 303);
    assert_eq!(played.running.faults().len(), 1);
    assert_eq!(
        post(&played, "faults/off", &[("fault", "all")]).await.0,
        303
    );
    assert!(played.running.faults().is_empty());
}

#[tokio::test]
async fn what_cannot_be_switched_is_said_on_the_page() {
    let played = Played::start().await;
    for (name, figure, times, text) in [
        ("nonsense", "", "1", "There is no such fault"),
        ("product-slow", "60001", "1", "slowed by 60000 ms at most"),
        ("product-slow", "-1", "1", "Milliseconds is a whole number"),
        ("product-429", "3601", "1", "3600 s of patience"),
        ("product-5xx", "404", "1", "from 500 to 599"),
        ("product-5xx", "70000", "1", "from 500 to 599"),
        ("fit-expired", "", "0", "1 to 1000 times"),
        ("fit-expired", "", "1001", "1 to 1000 times"),
        ("fit-expired", "", "often", "1 to 1000 times"),
    ] {
        let form = [("fault", name), ("figure", figure), ("times", times)];
        let (status, _, html) = post(&played, "faults", &form).await;
        assert_eq!(status, 422, "{form:?}");
        assert!(html.contains(text), "{form:?}");
    }
    assert_eq!(post(&played, "faults/off", &[("fault", "x")]).await.0, 422);
    assert_eq!(post(&played, "faults/retire", &[]).await.0, 422);
    assert!(played.running.faults().is_empty());
}

#[tokio::test]
async fn the_page_rotates_the_key_and_removes_the_old_one() {
    let played = Played::start().await;
    let kids = async || {
        let set = played.http.get(played.running.jwks_url()).send().await;
        let set: Value = set.unwrap().json().await.unwrap();
        let keys = set["keys"].as_array().unwrap().clone();
        let kids = keys
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned());
        kids.collect::<HashSet<_>>()
    };
    let first = kids().await;
    assert_eq!(post(&played, "faults/rotate", &[]).await.1, "/faults");
    let both = kids().await;
    assert!(both.len() == 2 && both.is_superset(&first));
    let (_, html) = page(&played, "faults").await;
    assert!(both.iter().all(|kid| html.contains(kid)));
    assert!(page(&played, "").await.1.contains("signing key: rotated"));
    assert_eq!(post(&played, "faults/retire", &[]).await.1, "/faults");
    let last = kids().await;
    assert!(last.len() == 1 && last.is_disjoint(&first));
}
