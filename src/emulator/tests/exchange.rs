use serde_json::json;

use super::*;
use crate::emulator::world::{BOT, MIRA, PRIYA, TOMAS};

pub(super) const MUTATION: &str = "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";

fn context() -> String {
    format!("ari:cloud:confluence::site/{}", world::cloud_id())
}

async fn post(played: &Played, token: &str, body: &Value) -> reqwest::Response {
    let request = played.http.post(played.running.graphql_url());
    request.bearer_auth(token).json(body).send().await.unwrap()
}

fn asking(context: &str, user: &str) -> Value {
    json!({"query": MUTATION, "variables": {"input": {"contextIds": [context], "userId": user}}})
}

async fn answer(played: &Played, context: &str, user: &str) -> Value {
    let response = post(played, &played.app_token(), &asking(context, user)).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn the_token_of_an_exchange_sees_what_the_account_sees() {
    let played = Played::start().await;
    let body = answer(&played, &context(), PRIYA).await;
    let answer = &body["data"]["offlineUserAuthToken"];
    assert_eq!(
        (&answer["success"], &answer["authToken"]["ttl"]),
        (&json!(true), &json!(3600))
    );
    let token = answer["authToken"]["token"].as_str().unwrap();
    let url = played.api("confluence", "/wiki/rest/api/content?limit=50");
    let as_priya = played.get(token, &url).await.1;
    assert_eq!(
        as_priya,
        played.get(&played.user_token(PRIYA), &url).await.1
    );
    assert_eq!(played.running.exchanges(), 1);
    let calls = played.running.other_calls();
    assert_eq!(
        calls[1].identity,
        Identity::Impersonated {
            account_id: PRIYA.into(),
            name: "Priya Raman".into()
        }
    );
    assert_eq!(
        calls[2].purpose,
        Purpose::Exchange {
            account: "Priya Raman".into()
        }
    );
}

#[tokio::test]
async fn an_impersonated_token_opens_only_what_its_flags_open() {
    let played = Played::start().await;
    let body = answer(&played, &context(), PRIYA).await;
    let token = body["data"]["offlineUserAuthToken"]["authToken"]["token"]
        .as_str()
        .unwrap();
    let url = played.api("confluence", "/wiki/rest/api/user/current");
    let (status, refused) = played.get(token, &url).await;
    assert_eq!(status, 401);
    assert_eq!(
        refused,
        json!({"code": 401, "message": "Unauthorized; scope does not match"})
    );
    let note = played.running.other_calls()[0].note.clone().unwrap();
    assert!(note.contains("allowImpersonation"), "{note}");
}

#[tokio::test]
async fn accounts_that_cannot_be_impersonated_are_refused_each_in_its_way() {
    let played = Played::start().await;
    for user in [TOMAS, "712020:nobody"] {
        let body = answer(&played, &context(), user).await;
        let refused = &body["data"]["offlineUserAuthToken"];
        assert_eq!(
            (&refused["success"], &refused["authToken"]),
            (&json!(false), &Value::Null)
        );
        assert!(refused["errors"][0]["message"].is_string());
    }
    let body = answer(&played, &context(), BOT).await;
    assert_eq!(body["data"]["offlineUserAuthToken"], Value::Null);
    assert_eq!(body["errors"][0]["extensions"]["statusCode"], 401);
}

#[tokio::test]
async fn a_context_of_another_site_gets_the_known_message() {
    let played = Played::start().await;
    let context = "ari:cloud:jira::site/11111111-2222-3333-4444-555555555555";
    let body = answer(&played, context, PRIYA).await;
    assert_eq!(
        body["data"]["offlineUserAuthToken"]["errors"][0]["message"],
        format!(
            "Could not load permissions for app user in the provided contextIds of [{context}]"
        )
    );
}

#[tokio::test]
async fn the_gateway_takes_the_app_token_alone() {
    let played = Played::start().await;
    for token in [played.user_token(MIRA), "rubbish".to_owned()] {
        let response = post(&played, &token, &asking(&context(), PRIYA)).await;
        assert_eq!(response.status(), 401);
    }
    assert_eq!(played.running.exchanges(), 0);
}

#[tokio::test]
async fn malformed_requests_are_400() {
    let played = Played::start().await;
    for body in [
        json!([]),
        json!({"query": "query { me { id } }"}),
        json!({"query": MUTATION}),
        json!({"query": MUTATION, "variables": {"input": {"contextIds": context(), "userId": PRIYA}}}),
    ] {
        let response = post(&played, &played.app_token(), &body).await;
        assert_eq!(response.status(), 400, "{body}");
        assert!(response.json::<Value>().await.unwrap()["errors"].is_array());
    }
}

#[tokio::test]
async fn exchanges_over_the_rate_are_429_with_a_wait() {
    let played = Played::with(Router::new(), |settings| settings.exchanges_per_minute = 2).await;
    for _ in 0..2 {
        answer(&played, &context(), PRIYA).await;
    }
    let response = post(&played, &played.app_token(), &asking(&context(), PRIYA)).await;
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(played.running.exchanges(), 2);
}

#[tokio::test]
async fn without_a_flagged_scope_nobody_is_impersonated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.yml");
    let own = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml"));
    std::fs::write(
        &path,
        own.unwrap()
            .replace("allowImpersonation: true", "allowImpersonation: false"),
    )
    .unwrap();
    let played = Played::with(Router::new(), |settings| settings.manifest = path).await;
    let body = answer(&played, &context(), PRIYA).await;
    assert_eq!(body["errors"][0]["extensions"]["statusCode"], 403);
}
