//! The gateway fails: no token, no lie about why, and nobody waits in vain.

use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{BUFFERS, in_time, others_are_answered, setup};
use crate::support::{
    answer::Answer,
    app::TestApp,
    wire::{TEN_GB, Wire, bomb, nobody, whole},
};

/// What is read of the gateway's answer.
const LIMIT: u64 = 256 << 10;
/// The longest that a limit of the gateway is obeyed.
const LONGEST_PAUSE: u64 = 600;

/// A remote whose gateway is at `url`, while all else is well.
async fn beside(url: &str) -> TestApp {
    let url = format!("{url}/graphql");
    let setup = setup().await.set("ATLASSIAN__GRAPHQL_URL", &url);
    setup.start().await
}

async fn act_as(app: &TestApp, account: usize) -> Answer {
    let path = format!("/test/as/712020:00000000-0000-4000-8000-{account:012}");
    in_time(app.as_forge().get(&path)).await
}

/// The gateway's yes, with that for a life.
fn granted(ttl: &Value) -> Vec<u8> {
    let token = json!({"token": "account-t0psecret", "ttl": ttl});
    let told = json!({"success": true, "errors": null, "authToken": token});
    whole(&json!({"data": {"offlineUserAuthToken": told}}).to_string())
}

#[tokio::test]
async fn what_is_no_token_is_an_upstream_error() {
    let exchange =
        |exchange: Value| json!({"data": {"offlineUserAuthToken": exchange}}).to_string();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies = [
        String::new(),
        "null".to_owned(),
        "<html><body>502 Bad Gateway</body></html>".to_owned(),
        r#"{"data":{"offlineUserAuthToken":{"success":true,"#.to_owned(),
        r#"{"data":null}"#.to_owned(),
        deep,
        exchange(json!({"success": true})),
        exchange(json!({"success": true, "authToken": {"token": null, "ttl": 3600}})),
        exchange(json!({"success": true, "authToken": {"token": 17, "ttl": 3600}})),
        exchange(json!({"success": true, "authToken": {"token": "", "ttl": 3600}})),
        exchange(
            json!({"success": true, "authToken": {"token": "t0psecret\r\nx: y", "ttl": 3600}}),
        ),
        exchange(json!({"success": "true", "authToken": {"token": "t0psecret", "ttl": 3600}})),
        exchange(json!({"success": 1, "authToken": {"token": "t0psecret", "ttl": 3600}})),
        exchange(json!([{"success": true, "authToken": {"token": "t0psecret", "ttl": 3600}}])),
    ];
    join_all(bodies.map(async |body| {
        let wire = Wire::saying(whole(&body)).await;
        let app = beside(&wire.url()).await;
        let answer = act_as(&app, 1).await;
        let _ = answer.refused(502, "upstream_error");
        assert_eq!(
            wire.requests(),
            1,
            "{body:.100}: it would be the same again"
        );
        assert!(
            app.atlassian.calls().is_empty(),
            "{body:.100}: no token, no call"
        );
        others_are_answered(&app).await;
    }))
    .await;
}

#[tokio::test]
async fn a_denial_is_none_of_the_gateways_failures() {
    let denied = json!({"data": {"offlineUserAuthToken": {"success": false, "errors": [
        {"message": "no"}], "authToken": null}}});
    let both = json!({"data": {"offlineUserAuthToken": {"success": false, "errors": null,
        "authToken": {"token": "t0psecret", "ttl": 3600}}}});
    for body in [denied, both] {
        let wire = Wire::saying(whole(&body.to_string())).await;
        let app = beside(&wire.url()).await;
        for _ in 0..2 {
            let answer = act_as(&app, 1).await;
            let _ = answer.refused(403, "impersonation_denied");
        }
        assert_eq!(wire.requests(), 1, "it is remembered");
        assert!(app.atlassian.calls().is_empty());
    }
}

#[tokio::test]
async fn a_life_that_is_none_is_used_once_and_any_other_is_kept() {
    for (ttl, is_kept) in [
        (json!(0), false),
        (json!(-1), false),
        (json!(i64::MIN), false),
        (json!("soon"), false),
        (json!(""), false),
        (json!("-5"), false),
        (json!(0.5), false),
        (json!([3600]), false),
        (json!(true), false),
        (Value::Null, false),
        (json!(3600), true),
        (json!("3600"), true),
        (json!(u64::MAX), true),
    ] {
        let wire = Wire::saying(granted(&ttl)).await;
        let app = beside(&wire.url()).await;
        for _ in 0..2 {
            assert_eq!(act_as(&app, 1).await.status, 200, "{ttl}");
        }
        // One who acts asks twice: for the right to, and for a token to call with.
        let asked = wire.requests();
        assert_eq!(asked == 1, is_kept, "{ttl}: {asked}");
        assert!(is_kept || (2..=4).contains(&asked), "{ttl}: {asked}");
        let calls = app.atlassian.calls();
        assert!(calls.iter().all(|call| call.token() == "account-t0psecret"));
    }
}

#[tokio::test]
async fn everybody_who_waits_for_a_silent_gateway_is_told_in_time() {
    let second = Duration::from_secs(1);
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{";
    for wire in [
        Wire::hanging().await,
        Wire::trickling(head, b' ', second).await,
        Wire::trickling("HTTP/1.1 200 OK\r\nx: ", b'x', second).await,
    ] {
        let app = beside(&wire.url()).await;
        // A hundred for each of three accounts.
        let calls = join_all((0..300).map(|caller| act_as(&app, caller % 3)));
        let others = async {
            wire.until("exchanges are on their way", |seen| {
                seen.requests.len() == 3
            })
            .await;
            others_are_answered(&app).await;
        };
        let (answers, ()) = join(calls, others).await;
        for answer in answers {
            let _ = answer.refused(504, "deadline_exceeded");
        }
        assert_eq!(wire.requests(), 3, "one exchange for each account");
        // And it ends though nobody waits for it any more.
        wire.is_left_alone().await;
    }
}

#[tokio::test]
async fn everybody_who_waits_for_a_gateway_that_is_down_is_told() {
    let broken = Wire::saying("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
    for url in [nobody().await, broken.url()] {
        let app = beside(&url).await;
        let answers = join_all((0..100).map(|_| act_as(&app, 1))).await;
        for answer in answers {
            let _ = answer.refused(502, "upstream_error");
        }
        others_are_answered(&app).await;
    }
    // One exchange has two tries; who joined it may begin another.
    assert!(broken.requests() <= 6, "{}", broken.requests());
}

#[tokio::test]
async fn a_storm_of_429_is_met_with_few_exchanges_whatever_it_says() {
    let (short, long) = (true, false);
    let waits = [
        ("", long),
        ("retry-after: 0\r\n", short),
        ("retry-after: 1\r\n", short),
        ("retry-after: 99999999999999999999999\r\n", long),
        ("retry-after: -1\r\n", long),
        ("retry-after: 1e9\r\n", long),
        ("retry-after: NaN\r\n", long),
        ("retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n", long),
        ("retry-after: Thu, 01 Jan 1970 00:00:00 GMT\r\n", short),
        ("retry-after: 50\r\nretry-after: 500000\r\n", long),
        ("x-ratelimit-reset: 9999-12-31T23:59:59Z\r\n", long),
    ];
    for (header, wait) in waits {
        let head = "HTTP/1.1 429 Too Many Requests\r\n";
        let wire = Wire::saying(format!("{head}{header}content-length: 0\r\n\r\n")).await;
        let app = beside(&wire.url()).await;
        let mut answers = vec![act_as(&app, 0).await];
        answers.extend(join_all((1..50).map(|account| act_as(&app, account))).await);
        for answer in answers {
            // It was worth waiting, and then it was not.
            if wait == short && answer.status == 504 {
                let _ = answer.refused(504, "deadline_exceeded");
                continue;
            }
            let _ = answer.refused(429, "rate_limited");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=LONGEST_PAUSE).contains(&wait), "{header}: {wait}");
        }
        // One tells for all that there is no point in waiting. Where there is, each exchange
        // has two requests and no third.
        let most = if wait == short { 2 * 50 } else { 1 };
        assert!(wire.requests() <= most, "{header}: {}", wire.requests());
        others_are_answered(&app).await;
    }
}

#[tokio::test]
async fn a_429_whose_body_never_ends_is_one() {
    let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 77\r\n";
    let second = Duration::from_secs(1);
    let wires = [
        Wire::trickling(
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 77\r\ncontent-length: 1000\r\n\r\n{",
            b' ',
            second,
        )
        .await,
        Wire::flooding(format!("{head}\r\n"), vec![b' '; 64 << 10]).await,
    ];
    for wire in wires {
        let app = beside(&wire.url()).await;
        let answer = act_as(&app, 1).await;
        let _ = answer.refused(429, "rate_limited");
        assert_eq!(wire.requests(), 1);
        wire.is_left_alone().await;
    }
}

#[tokio::test]
async fn ten_gigabytes_of_an_answer_are_read_up_to_the_limit() {
    let block = || vec![b' '; 64 << 10];
    let length = format!("HTTP/1.1 200 OK\r\ncontent-length: {TEN_GB}\r\n\r\n{{");
    for (case, (head, block)) in [
        ("with a length", (length.into(), block())),
        (
            "without one",
            (b"HTTP/1.1 200 OK\r\n\r\n{".to_vec(), block()),
        ),
        ("packed", bomb(b' ')),
    ] {
        let wire = Wire::flooding(head, block).await;
        let app = beside(&wire.url()).await;
        let answer = act_as(&app, 1).await;
        let _ = answer.refused(502, "upstream_error");
        wire.is_left_alone().await;
        let sent = wire.seen().sent;
        assert!(sent < LIMIT + BUFFERS, "{case}: {sent}");
        assert_eq!(wire.requests(), 1);
        others_are_answered(&app).await;
    }
}

#[tokio::test]
async fn the_apps_token_follows_no_redirect() {
    let elsewhere = Wire::saying(granted(&json!(3600))).await;
    for status in [301, 302, 303, 307, 308] {
        let place = format!("location: {}/graphql\r\n", elsewhere.url());
        let head = format!("HTTP/1.1 {status} Elsewhere\r\n{place}content-length: 0\r\n\r\n");
        let wire = Wire::saying(head).await;
        let app = beside(&wire.url()).await;
        let answer = act_as(&app, 1).await;
        let _ = answer.refused(502, "upstream_error");
    }
    assert_eq!(elsewhere.seen().connections, 0);
}
