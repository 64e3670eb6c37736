//! `invokeRemote` from a page: what its promise is settled with.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn an_answer_comes_whole_in_the_shape_that_the_bridge_unpacks() {
    let hosted = Hosted::start().await;
    let answer = hosted.invoke("GET", "/json").await;
    assert_eq!(answer["success"], true);
    assert_eq!(answer["payload"]["status"], 200);
    assert_eq!(answer["payload"]["body"], json!({"ok": true}));
    let content_type = &answer["payload"]["headers"]["content-type"];
    assert_eq!(*content_type, json!(["application/json"]));
    assert_eq!(answer["invocation"], 1);

    let empty = hosted.invoke("GET", "/empty").await;
    assert_eq!(empty["payload"]["status"], 204);
    assert!(empty["payload"].get("body").is_none());

    let refused = hosted.invoke("GET", "/422").await;
    assert_eq!(refused["success"], false);
    assert_eq!(refused["error"]["status"], 422);
    assert_eq!(refused["error"]["body"]["message"], "no");
}

#[tokio::test]
async fn a_page_gets_all_of_an_answer_of_which_the_console_keeps_a_part() {
    let remote = Router::new().route(
        "/long",
        axum::routing::get(|| async { axum::Json("a".repeat(1024 * 1024)) }),
    );
    let hosted = Hosted::with(remote, |_| {}).await;
    let answer = hosted.invoke("GET", "/long").await;
    let body = answer["payload"]["body"].as_str().unwrap();
    assert_eq!(body.len(), 1024 * 1024);
    let kept = &hosted.played.running.journal()[0];
    assert!(kept.answer.as_ref().unwrap().body.len() < body.len());
}

#[tokio::test]
async fn what_the_platform_rejects_is_rejected_in_its_words() {
    let limit = Duration::from_millis(100);
    let hosted = Hosted::with(proxy::bad_remote(), |settings| {
        settings.invocation_limit = limit;
    })
    .await;
    for (path, message) in [
        ("/401", "Remote could not verify the Forge Invocation Token"),
        (
            "/html-error",
            "Invalid response from remote - content-type header must be set to application/json and is currently: text/html. Status: 502.",
        ),
        (
            "/not-json",
            "Invalid response from remote - cannot parse body as JSON. Status: 200.",
        ),
        ("/never", "Remote invocation timed out after 0.1 seconds"),
    ] {
        let answer = hosted.invoke("GET", path).await;
        assert_eq!(answer["rejects"], message, "{path}");
        assert!(answer["invocation"].is_u64(), "{path}");
    }
    let nowhere = "http://127.0.0.1:9".parse().unwrap();
    hosted.played.running.set_remote(nowhere);
    assert_eq!(
        hosted.invoke("GET", "/json").await["rejects"],
        "Invalid response from remote - remote network error"
    );
}

#[tokio::test]
async fn a_payload_beyond_500_kb_is_never_sent() {
    let hosted = Hosted::start().await;
    let call = |size: usize| {
        json!({
            "invokeType": "ui-remote-fetch",
            "method": "POST",
            "path": "/count",
            "body": {"a": "x".repeat(size)},
        })
    };
    let most = 500 * 1024 - r#"{"a":""}"#.len();
    let (_, taken) = hosted.ask("/host/page/invoke", call(most)).await;
    assert_eq!(taken["payload"]["body"], 500 * 1024);
    let (_, refused) = hosted.ask("/host/page/invoke", call(most + 1)).await;
    assert_eq!(refused["rejects"], "An unexpected error happened");
    assert_eq!(
        hosted.played.running.journal()[0].verdict[0].rule,
        "request-size"
    );
    let (status, _) = hosted.ask("/host/page/invoke", call(8 * 1024 * 1024)).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn what_is_no_call_of_a_remote_is_refused_in_words() {
    let hosted = Hosted::start().await;
    for (call, word) in [
        (
            json!({"functionKey": "getText"}),
            "`invoke` calls a Forge function",
        ),
        (
            json!({"invokeType": "ui-container-fetch", "method": "GET", "path": "/"}),
            "`invokeService` calls a container",
        ),
        (
            json!({"invokeType": "ui-remote-fetch", "path": "/"}),
            "takes a `method`",
        ),
        (
            json!({"invokeType": "ui-remote-fetch", "method": "TRACE", "path": "/"}),
            "GET, POST, PUT, PATCH and DELETE",
        ),
        (
            json!({"invokeType": "ui-remote-fetch", "method": "GET"}),
            "takes a `path`",
        ),
        (
            json!({"invokeType": "ui-remote-fetch", "method": "GET", "path": "//evil.example/"}),
            "the path must stay on the remote",
        ),
        (
            json!({"invokeType": "ui-remote-fetch", "method": "POST", "path": "/", "body": [1]}),
            "the body must be a JSON object",
        ),
    ] {
        let (status, answer) = hosted.ask("/host/page/invoke", call).await;
        assert_eq!(status, 200);
        let message = answer["rejects"].as_str().unwrap();
        assert!(message.contains(word), "{message}");
        assert_eq!(answer["refused"], true);
    }
    assert!(hosted.played.running.journal().is_empty());
}
