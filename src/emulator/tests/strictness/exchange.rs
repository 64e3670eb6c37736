//! Exchanges for impersonation that the gateway refuses, each in its way.

use serde_json::json;

use super::*;
use crate::emulator::world::{BOT, MIRA, PRIYA, TOMAS};

const MUTATION: &str = "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";

fn context() -> String {
    format!("ari:cloud:confluence::site/{}", world::cloud_id())
}

fn asking(contexts: &[&str], user: &str) -> Value {
    json!({"query": MUTATION, "variables": {"input": {"contextIds": contexts, "userId": user}}})
}

impl Played {
    /// Status and body of what the gateway answers.
    async fn exchange(&self, token: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(self.running.graphql_url());
        let sent = request.bearer_auth(token).json(body).send().await.unwrap();
        (sent.status().as_u16(), sent.json().await.unwrap())
    }

    async fn exchanged(&self, contexts: &[&str], user: &str) -> Value {
        let (status, body) = self
            .exchange(&self.app_token(), &asking(contexts, user))
            .await;
        assert_eq!(status, 200, "GraphQL says no with a 200");
        body
    }
}

#[tokio::test]
async fn any_token_but_the_apps_own_is_unauthorized() {
    let played = Played::start().await;
    let stage = &played.running.stage;
    let impersonated = stage.tokens.impersonate(stage.installed.last().id, PRIYA);
    let module = &stage.manifest.modules[0];
    let fit = stage.mint.ui(
        &stage.installed.last(),
        module,
        world::user(MIRA).unwrap(),
        &stage.session.get(),
    );
    for (name, token) in [
        ("a user's", played.user_token(MIRA)),
        ("impersonated", impersonated.unwrap().0.expose().to_owned()),
        ("a FIT", fit.unwrap().token.expose().to_owned()),
        ("rubbish", "rubbish".to_owned()),
    ] {
        let refused = played.exchange(&token, &asking(&[&context()], PRIYA)).await;
        assert_eq!(
            refused,
            (401, json!({"code": 401, "message": "Unauthorized"})),
            "{name}"
        );
    }
    assert_eq!(played.running.exchanges(), 0);
}

#[tokio::test]
async fn an_account_that_cannot_be_impersonated_is_refused_with_success_false() {
    let played = Played::start().await;
    let ari = format!("ari:cloud:identity::user/{PRIYA}");
    for (user, message) in [
        (TOMAS, "User is not active"),
        ("712020:nobody", "User not found"),
        ("unidentified", "User not found"),
        // The account id alone, and no identifier around it.
        (ari.as_str(), "User not found"),
    ] {
        let body = played.exchanged(&[&context()], user).await;
        let refused =
            json!({"success": false, "errors": [{"message": message}], "authToken": null});
        assert_eq!(
            body,
            json!({"data": {"offlineUserAuthToken": refused}}),
            "{user}"
        );
    }
    let body = played.exchanged(&[&context()], BOT).await;
    assert_eq!(body["data"]["offlineUserAuthToken"], Value::Null);
    assert_eq!(body["errors"][0]["extensions"]["statusCode"], 401);
}

#[tokio::test]
async fn a_context_that_is_not_the_installations_is_refused_in_the_known_words() {
    let played = Played::start().await;
    let (good, cloud) = (context(), world::cloud_id());
    let compass = format!("ari:cloud:compass::site/{cloud}");
    let other = "ari:cloud:confluence::site/11111111-2222-3333-4444-555555555555";
    for contexts in [
        vec![other],
        vec![&compass],
        vec![cloud],
        vec![],
        vec![&good, other],
    ] {
        let body = played.exchanged(&contexts, PRIYA).await;
        let message = format!(
            "Could not load permissions for app user in the provided contextIds of [{}]",
            contexts.join(", ")
        );
        let refused = &body["data"]["offlineUserAuthToken"];
        assert_eq!(refused["errors"], json!([{"message": message}]));
        assert_eq!(refused["success"], false);
    }
}

#[tokio::test]
async fn without_a_flagged_scope_the_app_may_impersonate_nobody() {
    let (_folder, path) = manifest("allowImpersonation: true", "allowImpersonation: false");
    let played = Played::with(Router::new(), |settings| settings.manifest = path).await;
    let body = played.exchanged(&[&context()], PRIYA).await;
    assert_eq!(body["data"]["offlineUserAuthToken"], Value::Null);
    assert_eq!(body["errors"][0]["extensions"]["statusCode"], 403);
    let note = played.running.other_calls().remove(0).note.unwrap();
    assert!(note.contains("allowImpersonation"), "{note}");
}

#[tokio::test]
async fn a_request_that_is_not_the_documented_mutation_is_400_and_storage_is_gone() {
    let played = Played::start().await;
    let app = played.app_token();
    let mut one_context = asking(&[], PRIYA);
    one_context["variables"]["input"]["contextIds"] = context().into();
    let mut misspelt = asking(&[&context()], PRIYA);
    misspelt["variables"]["input"]["accountId"] = PRIYA.into();
    for body in [
        json!([]),
        json!({"query": "query { me { id } }"}),
        json!({"query": MUTATION}),
        json!({"query": MUTATION.replace("authToken { token ttl }", "authToken { token }"), "variables": asking(&[&context()], PRIYA)["variables"]}),
        one_context,
        misspelt,
    ] {
        let (status, answer) = played.exchange(&app, &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    }
    for query in [
        "query { appStoredEntity(key: \"a\", encrypted: false) { value } }",
        "mutation { appStorage { setAppStoredEntity(input: {}) { success } } }",
    ] {
        let (status, answer) = played.exchange(&app, &json!({"query": query})).await;
        assert_eq!(
            (status, answer),
            (410, json!({"code": 410, "message": "Gone"}))
        );
    }
    let sent = played
        .http
        .get(played.running.graphql_url())
        .bearer_auth(&app);
    assert_eq!(sent.send().await.unwrap().status(), 405);
    assert_eq!(played.running.exchanges(), 0);
}

#[tokio::test(start_paused = true)]
async fn more_exchanges_in_a_minute_than_allowed_are_429_with_the_time_to_wait() {
    let played = Played::with(Router::new(), |settings| {
        settings.exchanges_per_minute = 2;
        settings.schedules_run = false;
    })
    .await;
    let body = asking(&[&context()], PRIYA);
    let app = played.app_token();
    for _ in 0..2 {
        assert_eq!(played.exchange(&app, &body).await.0, 200);
    }
    let request = played.http.post(played.running.graphql_url());
    let sent = request.bearer_auth(&app).json(&body).send().await.unwrap();
    assert_eq!(sent.status(), 429);
    let wait: u64 = sent.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((59..=60).contains(&wait), "{wait}");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(
        played.exchange(&app, &body).await.0,
        200,
        "whoever waits is let in"
    );
    assert_eq!(played.running.exchanges(), 3);
}
