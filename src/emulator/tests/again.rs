//! A request once more: fired again, and as a command for a shell.

use serde_json::json;

use super::{
    events_console::{page, post},
    remote::{Came, Remote, Reply, claims, fast, fired, settled},
    *,
};
use crate::emulator::{events::FireEvent, world::MIRA};

const UPDATED: &str = "avi:confluence:updated:page";

fn invoke() -> Invoke {
    let mut invoke = Invoke::get(MIRA, "digest-page", "/api/notes?of=it's");
    invoke.method = http::Method::POST;
    invoke.headers = vec![("x-own".into(), "a b".into())];
    invoke.body = Some(json!({"text": "it's \"so\" $HOME `x`\n"}));
    invoke
}

/// The words of a command, as a shell would take them apart that knows single quotes and
/// backslashes outside of them.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut symbols = command.chars();
    while let Some(symbol) = symbols.next() {
        match symbol {
            '\'' => quoted = !quoted,
            '\\' if !quoted => match symbols.next() {
                Some('\n') | None => {}
                Some(other) => word.push(other),
            },
            ' ' | '\n' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    words.push(word);
    words
}

/// The command on a page.
fn command_on(html: &str) -> String {
    let start = html.split("<pre id=\"command\"").nth(1).unwrap();
    let text = start
        .split_once('>')
        .unwrap()
        .1
        .split_once("</pre>")
        .unwrap()
        .0;
    let text = text.replace("&quot;", "\"").replace("&lt;", "<");
    text.replace("&gt;", ">").replace("&amp;", "&")
}

/// Does what the command says.
async fn run(played: &Played, command: &str) -> reqwest::Response {
    let words = words(command);
    assert_eq!(words[0], "curl");
    let mut method = http::Method::GET;
    let mut headers = http::HeaderMap::new();
    let mut body = String::new();
    for pair in words[2..].chunks(2) {
        match pair[0].as_str() {
            "--request" => method = pair[1].parse().unwrap(),
            "--header" => {
                let (name, value) = pair[1].split_once(": ").unwrap();
                let name: http::HeaderName = name.parse().unwrap();
                headers.append(name, value.parse().unwrap());
            }
            "--data-raw" => body.clone_from(&pair[1]),
            other => panic!("{other}"),
        }
    }
    let request = played.http.request(method, &words[1]).headers(headers);
    request.body(body).send().await.unwrap()
}

fn assert_same_but_for_the_fit(one: &Came, other: &Came) {
    assert_eq!((&one.path, &one.body), (&other.path, &other.body));
    for name in ["x-own", "content-type"] {
        assert_eq!(one.headers.get(name), other.headers.get(name));
    }
    let (first, second) = (claims(one), claims(other));
    for name in ["app", "context", "principal", "aud", "iss"] {
        assert_eq!(first[name], second[name]);
    }
    assert_ne!(first["jti"], second["jti"]);
    for name in ["authorization", "x-b3-traceid"] {
        assert_ne!(one.headers[name], other.headers[name]);
    }
}

#[tokio::test]
async fn an_invocation_is_fired_again_with_a_new_fit() {
    let remote = Remote::answering([Reply::Status(200, "{}"), Reply::Status(200, "{}")]);
    let played = Played::with(remote.router(), fast).await;
    let first = played.running.invoke(invoke()).await.unwrap();
    let again = post(&played, "invocations/1/again", &[]).await;
    assert_eq!((again.0, again.1.as_str()), (303, "/invocations/2"));
    let came = remote.came();
    assert_same_but_for_the_fit(&came[0], &came[1]);
    let second = &played.running.journal()[0];
    assert_eq!((second.id, second.user), (2, first.user));
    // What was wrong on demand is not repeated.
    played
        .running
        .switch_on(Fault::FitWrongAudience, Times::Next(1))
        .unwrap();
    let bad = played.running.invoke_again(second).await.unwrap();
    assert_eq!(bad.faults, [Fault::FitWrongAudience]);
    let good = played.running.invoke_again(&bad).await.unwrap();
    assert_eq!(good.claims["aud"], good.claims["app"]["id"]);
}

#[tokio::test]
async fn an_event_is_fired_again_as_a_delivery_of_its_own() {
    let remote = Remote::answering([Reply::Status(500, "{}")]);
    let played = Played::with(remote.router(), fast).await;
    for wrapped in [false, true] {
        let mut event = FireEvent::new(UPDATED);
        event.wrapped = Some(wrapped);
        let first = fired(&played, &event).await.remove(0);
        let again = post(&played, &format!("events/{}/again", first.id), &[]).await;
        assert_eq!(again.1, format!("/events/{}", first.id + 1));
        let second = played.running.delivery(first.id + 1).unwrap();
        let second = settled(&played, &[second]).await.remove(0);
        let sent = |delivery: &Delivery| delivery.attempts[0].request.body.clone();
        assert_eq!(sent(&first), sent(&second));
        assert_eq!(second.attempts.len(), 1);
    }
    let tick = played.running.fire_schedule("digest-hourly").unwrap();
    let tick = settled(&played, &[tick]).await.remove(0);
    let again = played.running.fire_again(&tick).unwrap();
    let again = settled(&played, &[again]).await.remove(0);
    assert_eq!(again.attempts[0].request.url, tick.attempts[0].request.url);
    assert_eq!(
        remote.came().last().unwrap().path,
        "/forge/scheduled/digest-hourly"
    );
}

#[tokio::test]
async fn the_command_is_the_request_and_its_fit_lives() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    played.running.invoke(invoke()).await.unwrap();
    fired(&played, &FireEvent::new(UPDATED)).await;
    for (path, at) in [("invocations/1/curl", 0), ("events/1/curl", 1)] {
        let (status, _, html) = post(&played, path, &[]).await;
        assert_eq!(status, 200);
        assert!(html.contains("lives for <strong>15 minutes</strong>"));
        let answer = run(&played, &command_on(&html)).await;
        assert_eq!(answer.status(), 202);
        let came = remote.came();
        let ran = came.last().unwrap();
        assert_same_but_for_the_fit(&came[at], ran);
        let fit = claims(ran);
        let life = fit["exp"].as_i64().unwrap() - fit["iat"].as_i64().unwrap();
        assert_eq!(life, 900);
        for name in ["x-forge-oauth-system", "x-forge-oauth-user"] {
            assert_eq!(came[at].headers.get(name), ran.headers.get(name));
        }
    }
    // It is nothing that Forge sent.
    assert_eq!(played.running.journal().len(), 1);
    assert_eq!(played.running.deliveries().len(), 1);
}

#[tokio::test]
async fn calls_of_a_command_stand_outside_of_any_invocation() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    played.running.invoke(invoke()).await.unwrap();
    let html = post(&played, "invocations/1/curl", &[]).await.2;
    run(&played, &command_on(&html)).await;
    let ran = remote.came().pop().unwrap();
    let url = played.api("confluence", "/wiki/rest/api/content");
    let call = played.http.get(url).bearer_auth(played.app_token());
    let call = call.header("x-b3-traceid", &ran.headers["x-b3-traceid"]);
    assert_eq!(call.send().await.unwrap().status(), 200);
    assert!(played.running.journal()[0].calls.is_empty());
    assert_eq!(played.running.other_calls().len(), 1);
    let (status, html) = page(&played, "calls/1").await;
    assert_eq!(status, 200);
    assert!(html.contains("/wiki/rest/api/content"));
}

#[tokio::test]
async fn what_cannot_be_sent_again_says_so() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    let mut large = invoke();
    large.body = Some(json!({"text": "x".repeat(200_000)}));
    played.running.invoke(large).await.unwrap();
    let mut event = FireEvent::new(UPDATED);
    event.body = Some(json!({"text": "x".repeat(20_000)}));
    fired(&played, &event).await;
    for path in [
        "invocations/1/again",
        "invocations/1/curl",
        "events/1/again",
        "events/1/curl",
    ] {
        let (status, _, html) = post(&played, path, &[]).await;
        assert_eq!(status, 422, "{path}");
        assert!(html.contains("kept in part only"), "{path}");
    }
    played.running.invoke(invoke()).await.unwrap();
    let gone = played.running.uninstall().await.unwrap().remove(0);
    let again = |delivery| played.running.fire_again(delivery).unwrap_err();
    assert_eq!(again(&gone), FireError::NotInstalled);
    played.running.install().await.unwrap();
    assert_eq!(again(&gone), FireError::Once);
    let (status, _, html) = post(&played, "invocations/2/again", &[]).await;
    assert_eq!(status, 422);
    assert!(html.contains("an installation that was removed"));
    played
        .running
        .set_remote("http://127.0.0.1:9".parse().unwrap());
    for path in ["invocations/2/again", "invocations/2/curl"] {
        let (status, _, html) = post(&played, path, &[]).await;
        assert_eq!(status, 422);
        assert!(html.contains("where the remote is no more"), "{html}");
    }
    for path in ["invocations/99/again", "events/99/curl"] {
        assert_eq!(post(&played, path, &[]).await.0, 404);
    }
}
