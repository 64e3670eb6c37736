//! A product whose connections break, lie or go silent.

use std::time::Duration;

use futures_util::future::{join, join_all};
use reqwest::Method;

use super::{app, in_time, of_site, others_are_answered, read};
use crate::support::wire::{Line, Wire, whole};

/// Of one that may be repeated.
const TRIES: usize = 3;

async fn write(app: &crate::support::app::TestApp, wire: &Wire) -> crate::support::answer::Answer {
    let caller = of_site(app, &wire.url()).body("application/json", "{}");
    in_time(caller.post("/test/write")).await
}

#[tokio::test]
async fn what_is_no_answer_is_an_upstream_error_and_a_write_is_not_repeated() {
    let app = app().await;
    let cases: [(&str, &[u8]); 22] = [
        ("nothing", b""),
        ("half a status line", b"HTTP/1.1 2"),
        ("half a head", b"HTTP/1.1 200 OK\r\ncontent-ty"),
        ("HTTP/0.9", b"{\"results\":[]}"),
        ("HTTP/0.9 with lines", b"<html>\r\n\r\n</html>\r\n"),
        ("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("HTTP/3.7", b"HTTP/3.7 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ("a status of two digits", b"HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ("a status of words", b"HTTP/1.1 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ("a header without colon", b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n{}"),
        ("a header with NUL", b"HTTP/1.1 200 OK\r\na: \0\r\ncontent-length: 2\r\n\r\n{}"),
        ("zeros", &[0; 4096]),
        ("too short", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"results\":[]}"),
        ("a negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"),
        ("a length that is none", b"HTTP/1.1 200 OK\r\ncontent-length: 2x\r\n\r\n{}"),
        ("a length beyond numbers", b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n{}"),
        ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 20\r\n\r\n{}"),
        ("a chunk of no size", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n"),
        ("a chunk beyond numbers", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}"),
        ("no last chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        ("a chunk longer than told", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\"results\":[]}\r\n0\r\n\r\n"),
    ];
    join_all(cases.map(async |(case, bytes)| {
        let wire = Wire::saying(bytes).await;
        let answer = read(&app, &wire.url()).await;
        let told = answer.refused(502, "upstream_error").to_string();
        assert!(!told.contains("127.0.0.1"), "{case}: {told}");
        assert_eq!(wire.requests(), TRIES, "{case}");
        let answer = write(&app, &wire).await;
        let _ = answer.refused(502, "upstream_error");
        assert_eq!(wire.requests(), TRIES + 1, "{case}");
        wire.is_left_alone().await;
    }))
    .await;
    others_are_answered(&app).await;
}

#[tokio::test]
async fn a_reset_is_an_upstream_error_wherever_it_comes() {
    let app = app().await;
    let starts = [
        "",
        "HTTP/1.1 200 OK\r\nx-some",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"results\":[",
    ];
    for start in starts {
        let wire = Wire::start(async move |mut line: Line| {
            line.request().await?;
            line.say(start.as_bytes()).await?;
            line.reset()
        })
        .await;
        let answer = read(&app, &wire.url()).await;
        let _ = answer.refused(502, "upstream_error");
        assert_eq!(wire.requests(), TRIES, "{start:?}");
        let answer = write(&app, &wire).await;
        let _ = answer.refused(502, "upstream_error");
        assert_eq!(wire.requests(), TRIES + 1, "{start:?}");
    }
}

#[tokio::test]
async fn a_product_that_goes_silent_costs_its_callers_their_time_and_nobody_else_any() {
    let app = app().await;
    let second = Duration::from_secs(1);
    let body = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{";
    let wires = [
        ("before the head", Wire::hanging().await),
        (
            "in the head",
            Wire::trickling("HTTP/1.1 200 OK\r\nx: ", b'x', second).await,
        ),
        ("in the body", Wire::trickling(body, b' ', second).await),
    ];
    for (case, wire) in &wires {
        let calls = join_all((0..20).map(|_| read(&app, &*wire.url().leak())));
        let others = async {
            wire.until("all calls are on their way", |seen| {
                seen.requests.len() == 20
            })
            .await;
            others_are_answered(&app).await;
        };
        let (answers, ()) = join(calls, others).await;
        for answer in answers {
            let _ = answer.refused(504, "deadline_exceeded");
            assert!(
                answer.took >= Duration::from_secs(3),
                "{case}: {:?}",
                answer.took
            );
        }
        wire.is_left_alone().await;
        assert_eq!(
            wire.requests(),
            20,
            "{case}: no time was left for another try"
        );
    }
}

#[tokio::test]
async fn a_product_that_does_not_take_what_is_sent_is_given_up() {
    let app = app().await;
    // More than buffers hold, and less than the service takes.
    let large = vec![b' '; 5 << 20];
    let deaf = Wire::start(async |mut line: Line| {
        line.head().await?;
        std::future::pending().await
    });
    let sipping = Wire::start(async |mut line: Line| {
        line.head().await?;
        loop {
            line.sip().await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    for wire in [deaf.await, sipping.await] {
        let caller = of_site(&app, &wire.url()).body("application/json", large.clone());
        let call = in_time(caller.send(Method::PUT, "/test/replace"));
        let others = async {
            wire.until("the call is on its way", |seen| seen.requests.len() == 1)
                .await;
            others_are_answered(&app).await;
        };
        let (answer, ()) = join(call, others).await;
        let _ = answer.refused(504, "deadline_exceeded");
    }
}

#[tokio::test]
async fn an_early_refusal_of_a_large_body_is_heard() {
    let app = app().await;
    let wire = Wire::start(async |mut line: Line| {
        line.head().await?;
        let head =
            "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        line.say(head.as_bytes()).await?;
        line.hang().await
    })
    .await;
    let caller = of_site(&app, &wire.url()).body("application/json", vec![b' '; 4 << 20]);
    let answer = in_time(caller.send(Method::PUT, "/test/replace")).await;
    let _ = answer.refused(502, "upstream_error");
    assert_eq!(wire.requests(), 1, "it is an answer, and not tried again");
}

/// Whatever follows an answer on its connection is nobody's answer.
#[tokio::test]
async fn bytes_behind_an_answer_reach_no_other_caller() {
    let app = app().await;
    let smuggled = String::from_utf8(whole(r#"{"results":[{"id":"smuggled"}]}"#)).unwrap();
    let own = r#"{"results":[{"id":"own"}]}"#;
    let length = own.len();
    let ok = "HTTP/1.1 200 OK\r\n";
    let answers = [
        format!("{ok}content-length: {length}\r\n\r\n{own}{smuggled}"),
        format!("{ok}content-length: {length}\r\n\r\n{own}{{}}{smuggled}"),
        format!("{ok}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{own}\r\n0\r\n\r\n{smuggled}"),
        // The length is wrong, and `chunked` counts.
        format!(
            "{ok}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{own}\r\n0\r\n\r\n{smuggled}"
        ),
        format!("HTTP/1.1 100 Continue\r\n\r\n{ok}content-length: {length}\r\n\r\n{own}{smuggled}"),
    ];
    for answer in answers {
        let bytes = answer.clone();
        // It listens on after that: the connection looks as good as any.
        let wire = Wire::start(move |mut line| {
            let bytes = bytes.clone();
            async move {
                loop {
                    line.request().await?;
                    line.say(bytes.as_bytes()).await?;
                }
            }
        })
        .await;
        for _ in 0..20 {
            let page = read(&app, &wire.url()).await.ok();
            assert_eq!(page["results"][0]["id"], "own", "{answer}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_body_that_has_one_is_none() {
    let app = app().await;
    for status in ["204 No Content", "304 Not Modified"] {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 26\r\n\r\n");
        let wire = Wire::start(move |mut line| {
            let bytes = format!("{head}{}", r#"{"results":[{"id":"none"}]}"#);
            async move {
                loop {
                    line.request().await?;
                    line.say(bytes.as_bytes()).await?;
                }
            }
        })
        .await;
        for _ in 0..3 {
            let answer = read(&app, &wire.url()).await;
            let _ = answer.refused(502, "upstream_error");
        }
    }
}

/// A connection that was good for one request and ends with the next.
#[tokio::test]
async fn a_connection_that_dies_between_requests_is_replaced_for_what_may_be_repeated() {
    let app = app().await;
    let wire = Wire::start(async |mut line: Line| {
        line.request().await?;
        line.say(&whole(r#"{"results":[{"id":"good"}]}"#)).await?;
        line.request().await.map(drop)
    })
    .await;
    let _ = read(&app, &wire.url()).await.ok();
    // Sent on the connection that is there, lost, and sent again on a new one.
    let _ = read(&app, &wire.url()).await.ok();
    wire.until("the first connection is gone", |seen| seen.ended == 1)
        .await;
    assert_eq!(wire.requests(), 3);
    // A write is lost with the second: nobody knows whether it was done.
    let answer = write(&app, &wire).await;
    let _ = answer.refused(502, "upstream_error");
    assert_eq!(wire.requests(), 4);
    assert_eq!(write(&app, &wire).await.status, 200);
    assert_eq!(wire.requests(), 5);
}

#[tokio::test]
async fn no_redirect_is_followed_whatever_its_status() {
    let app = app().await;
    let elsewhere = Wire::saying(whole(r#"{"results":[]}"#)).await;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for place in [
            format!("{}/wiki/rest/api/content", elsewhere.url()),
            elsewhere.url().replace("http:", ""),
            elsewhere.url().replace("127.0.0.1", "localhost"),
        ] {
            let head = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {place}\r\n");
            let more = format!("refresh: 0; url={place}\r\ncontent-length: 0\r\n\r\n");
            let wire = Wire::saying(head + &more).await;
            let answer = read(&app, &wire.url()).await;
            let _ = answer.refused(502, "upstream_error");
            let answer = write(&app, &wire).await;
            let _ = answer.refused(502, "upstream_error");
            assert_eq!(wire.requests(), 2, "{status}");
        }
    }
    assert_eq!(elsewhere.seen().connections, 0);
}

#[tokio::test]
async fn a_change_of_protocol_that_nobody_asked_for_is_an_upstream_error() {
    let app = app().await;
    let switch =
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
    let wire = Wire::start(async move |mut line: Line| {
        line.request().await?;
        line.say(switch.as_bytes()).await?;
        line.hang().await
    })
    .await;
    let answer = read(&app, &wire.url()).await;
    let _ = answer.refused(502, "upstream_error");
    wire.is_left_alone().await;
    others_are_answered(&app).await;
}

#[tokio::test]
async fn what_is_no_page_of_content_is_an_upstream_error() {
    let app = app().await;
    let deep = format!("{{\"results\":{}", "[".repeat(500_000));
    let bodies = [
        "".as_bytes(),
        b"<html>Sign in</html>",
        b"{\"results\":[",
        b"{\"results\":{}}",
        b"{\"results\":[\"\xff\xfe\"]}",
        b"\"results\"",
        deep.as_bytes(),
    ];
    for body in bodies {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let wire = Wire::saying([head.as_bytes(), body].concat()).await;
        let answer = read(&app, &wire.url()).await;
        let told = answer.refused(502, "upstream_error").to_string();
        assert!(!told.contains("Sign in"), "{told}");
        assert_eq!(
            wire.requests(),
            1,
            "it is an answer, and not asked for again"
        );
    }
}

#[tokio::test]
async fn a_site_that_limits_is_left_alone_for_an_hour_at_most_and_others_are_served() {
    let app = app().await;
    for header in [
        "retry-after: 60",
        "retry-after: 99999999999999999999999",
        "retry-after: Fri, 31 Dec 9999 23:59:59 GMT",
        "x-ratelimit-reset: 9999-12-31T23:59:59Z",
    ] {
        let head = format!("HTTP/1.1 429 Too Many Requests\r\n{header}\r\n");
        let wire = Wire::saying(format!("{head}content-length: 0\r\n\r\n")).await;
        let mut answers = vec![read(&app, &wire.url()).await];
        let url = wire.url();
        answers.extend(join_all((0..50).map(|_| read(&app, &url))).await);
        for answer in answers {
            let _ = answer.refused(429, "rate_limited");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=3600).contains(&wait), "{header}: {wait}");
        }
        assert_eq!(wire.requests(), 1, "{header}");
        others_are_answered(&app).await;
    }
}
