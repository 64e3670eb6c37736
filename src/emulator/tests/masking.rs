//! A remote that tells tokens, and a console that does not.

use axum::{extract::Request, http::StatusCode, routing::get};

use super::*;
use crate::emulator::world::MIRA;

async fn told_by(remote: Router) -> Invocation {
    let played = Played::with(remote, |_| {}).await;
    let invoke = Invoke::get(MIRA, "digest-page", "/told");
    played.running.invoke(invoke).await.unwrap()
}

fn fit(request: &Request) -> String {
    let bearer = request.headers()["authorization"].to_str().unwrap();
    bearer.trim_start_matches("Bearer ").to_owned()
}

#[tokio::test]
async fn a_token_at_the_end_of_what_is_kept_is_never_shown() {
    let remote = Router::new().route(
        "/told",
        get(async |request: Request| {
            let fit = fit(&request);
            let before = "x".repeat(128 * 1024 + 1 - fit.len());
            axum::Json(format!("{before}{fit}"))
        }),
    );
    let answer = told_by(remote).await.answer.unwrap();
    assert!(
        answer.body.ends_with('…'),
        "{}",
        &answer.body[128 * 1024 - 40..]
    );
}

#[tokio::test]
async fn a_token_in_the_type_of_an_answer_is_not_in_the_message() {
    let remote = Router::new().route(
        "/told",
        get(async |request: Request| {
            let kind = [("content-type", format!("text/{}", fit(&request)))];
            (StatusCode::BAD_REQUEST, kind, "no")
        }),
    );
    let Settlement::Rejected { message } = told_by(remote).await.settlement else {
        panic!("it was resolved");
    };
    assert!(message.contains("is currently: text/eyJ"), "{message}");
    assert!(message.ends_with("…. Status: 400."), "{message}");
}

#[tokio::test]
async fn a_token_in_the_address_of_a_call_is_not_kept() {
    let played = Played::start().await;
    let token = played.app_token();
    let site = played.running.cloud_id();
    let origin = played.running.console_origin();
    let url = format!("{origin}/ex/confluence/{site}/wiki/api/v2/pages?t={token}");
    played.get(&token, &url).await;
    let calls = played.running.other_calls();
    assert!(calls[0].path.contains("/pages?t=eyJ"), "{}", calls[0].path);
    assert!(calls[0].path.ends_with('…'), "{}", calls[0].path);
}
