//! FITs for `requestRemote`: one for many calls, renewed in time, and what the page reports.

use std::time::Duration;

use super::*;
use crate::clock::{Clock, Timestamp};

async fn fit(hosted: &Hosted) -> String {
    let wanted = json!({"remoteKey": "backend", "path": "/json"});
    let (status, granted) = hosted.ask("/host/page/fit", wanted).await;
    assert_eq!(status, 200);
    granted["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_fit_serves_many_calls_until_it_is_about_to_lapse() {
    let clock = Clock::manual(Timestamp::from_unix(1_785_312_000));
    let hosted = Hosted::with(Router::new(), |settings| {
        settings.clock = clock.clone();
    })
    .await;
    let first = fit(&hosted).await;
    clock.advance(Duration::from_secs(19));
    assert_eq!(fit(&hosted).await, first);
    clock.advance(Duration::from_secs(1));
    let second = fit(&hosted).await;
    assert_ne!(second, first, "with 5 s left it is renewed");
    hosted.apply("page", &[("license", "active")]).await;
    let third = fit(&hosted).await;
    assert_ne!(third, second, "it says what the session says");
    assert_eq!(fit(&hosted).await, third);
}

#[tokio::test]
async fn any_remote_of_the_manifest_is_called_and_no_other() {
    let hosted = Hosted::start().await;
    let wanted = json!({"remoteKey": "second", "path": "a?b=c"});
    let (status, granted) = hosted.ask("/host/page/fit", wanted).await;
    assert_eq!(status, 200);
    let remote = hosted.played.running.stage.remote.load();
    assert_eq!(granted["url"], format!("{}a?b=c", remote.as_str()));
    for (wanted, word) in [
        (
            json!({"remoteKey": "third", "path": "/"}),
            "no remote `third`",
        ),
        (
            json!({"remoteKey": "backend"}),
            "the path must stay on the remote",
        ),
    ] {
        let (status, refused) = hosted.ask("/host/page/fit", wanted).await;
        assert_eq!(status, 422);
        assert!(refused["rejects"].as_str().unwrap().contains(word));
    }
}

#[tokio::test]
async fn an_app_that_was_removed_gets_no_fit() {
    let hosted = Hosted::start().await;
    let stage = &hosted.played.running.stage;
    stage.installed.remove(stage.installed.last().id);
    let wanted = json!({"remoteKey": "backend", "path": "/"});
    let (status, refused) = hosted.ask("/host/page/fit", wanted).await;
    assert_eq!(status, 422);
    assert!(
        refused["rejects"]
            .as_str()
            .unwrap()
            .contains("install it first")
    );
}

fn report(fit: &str) -> Value {
    json!({
        "fit": fit,
        "url": "http://127.0.0.1:9/api",
        "method": "PUT",
        "headers": [["content-type", "application/json"]],
        "body": "{}",
        "milliseconds": 12,
        "answer": {"status": 404, "headers": [["x-a", "b"]], "body": "<p>", "bytes": 3},
    })
}

#[tokio::test]
async fn what_the_page_reports_is_an_entry_of_the_journal() {
    let hosted = Hosted::start().await;
    let id = fit(&hosted).await;
    let (status, told) = hosted.ask("/host/page/fetched", report(&id)).await;
    assert_eq!((status, &told["invocation"]), (200, &1.into()));
    let entry = &hosted.played.running.journal()[0];
    assert_eq!(entry.via, Via::RequestRemote);
    assert_eq!(entry.settlement, Settlement::Resolved { status: 404 });
    assert_eq!(entry.request.method, "PUT");
    assert_eq!(entry.claims["jti"], id.as_str());
    assert_eq!(entry.duration, Duration::from_millis(12));
    assert_eq!(entry.answer.as_ref().unwrap().body, "<p>");
    let page = hosted.page("/invocations/1").await;
    assert!(page.contains("requestRemote"));
    assert!(!page.contains("class=\"broken\""));
}

#[tokio::test]
async fn a_fit_that_the_remote_echoes_is_masked() {
    let hosted = Hosted::start().await;
    let wanted = json!({"remoteKey": "backend", "path": "/json"});
    let (_, granted) = hosted.ask("/host/page/fit", wanted).await;
    let token = granted["token"].as_str().unwrap();
    let mut echoed = report(granted["id"].as_str().unwrap());
    echoed["answer"]["body"] = format!("you sent {token}").into();
    echoed["answer"]["headers"] = json!([["x-echo", token]]);
    echoed["body"] = token.into();
    hosted.ask("/host/page/fetched", echoed).await;
    let entry = &hosted.played.running.journal()[0];
    assert!(!format!("{entry:?}").contains(token));
    let (name, value) = &entry.request.headers[0];
    assert_eq!(name, "authorization");
    assert_eq!(*value, format!("Bearer {}…", &token[..8]));
}

#[tokio::test]
async fn a_call_that_the_browser_would_not_make_is_explained() {
    let hosted = Hosted::start().await;
    let mut failed = report(&fit(&hosted).await);
    failed["answer"] = Value::Null;
    failed["error"] = "Failed to fetch".into();
    let remote = hosted.played.running.stage.remote.load();
    failed["url"] = format!("{}json", remote.as_str()).into();
    let (_, told) = hosted.ask("/host/page/fetched", failed.clone()).await;
    // A router that knows no `OPTIONS`.
    assert!(told["words"].as_str().unwrap().contains("405"), "{told}");
    let entry = &hosted.played.running.journal()[0];
    assert_eq!(entry.verdict[0].rule, "cors");
    let message = "Failed to fetch".to_owned();
    assert_eq!(entry.settlement, Settlement::Rejected { message });

    failed["url"] = "http://127.0.0.1:9/json".into();
    let (_, told) = hosted.ask("/host/page/fetched", failed).await;
    assert!(told["words"].is_null(), "nobody but the remote is asked");
}

#[tokio::test]
async fn a_call_that_never_had_a_fit_is_not_written_down() {
    let hosted = Hosted::start().await;
    let (status, _) = hosted.ask("/host/page/fetched", report("0123")).await;
    assert_eq!(status, 422);
    assert!(hosted.played.running.journal().is_empty());
}

#[tokio::test]
async fn a_fit_that_is_bad_on_demand_is_handed_out_once() {
    let hosted = Hosted::start().await;
    let good = fit(&hosted).await;
    let running = &hosted.played.running;
    let fault = Fault::FitWrongAudience;
    running.switch_on(fault, Times::Next(1)).unwrap();
    let bad = fit(&hosted).await;
    assert_ne!(bad, good, "not the one that is kept");
    assert_eq!(fit(&hosted).await, good);
    let report = json!({
        "fit": bad, "method": "GET", "url": running.stage.remote.load().as_str(),
        "headers": [], "milliseconds": 1,
        "answer": {"status": 401, "headers": [], "body": "{}", "bytes": 2},
    });
    let (status, told) = hosted.ask("/host/page/fetched", report).await;
    assert_eq!(status, 200);
    assert_eq!(running.journal()[0].faults, [fault]);
    let again = format!("/invocations/{}/again", told["invocation"]);
    let request = hosted.played.http.post(hosted.url(&again));
    assert_eq!(
        request.send().await.unwrap().status(),
        422,
        "a browser sent it"
    );
}
