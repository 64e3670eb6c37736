//! The gateway's one mutation: the app's token for another account's.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Platform, journal::Bearer, tenant::Tenant, token::Speaker};

/// Answers `POST /graphql`.
pub(super) fn answer(
    platform: &Platform,
    bearer: &Bearer,
    tenant: Option<&Tenant>,
    body: &Value,
) -> Response {
    let unauthorized = || {
        let body = json!({"code": 401, "message": "Unauthorized"});
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    };
    let (
        Bearer::Of {
            speaker,
            good: true,
            ..
        },
        Some(tenant),
    ) = (bearer, tenant)
    else {
        return unauthorized();
    };
    if *speaker != Speaker::App {
        return unauthorized();
    }
    let query = body["query"].as_str().unwrap_or_default();
    let input = &body["variables"]["input"];
    let (user, contexts) = (input["userId"].as_str(), input["contextIds"].as_array());
    let (Some(user), Some(contexts), true) =
        (user, contexts, query.contains("offlineUserAuthToken"))
    else {
        let body =
            json!({"errors": [{"message": "The query is not one that this gateway knows."}]});
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    };
    let ours = |context: &Value| {
        context
            .as_str()
            .is_some_and(|text| text.contains(tenant.cloud_id()))
    };
    if contexts.is_empty() || !contexts.iter().all(ours) {
        let named: Vec<_> = contexts.iter().filter_map(Value::as_str).collect();
        return refusal(&format!(
            "Could not load permissions for app user in the provided contextIds of [{}]",
            named.join(", ")
        ));
    }
    let rules = tenant.exchange_rules();
    if rules.refused.iter().any(|refused| refused == user) {
        return refusal("The user cannot be impersonated.");
    }
    let seconds = i64::try_from(rules.ttl.as_secs()).unwrap_or(i64::MAX);
    let token = platform.token_for(tenant, Speaker::Account(user.to_owned()), seconds);
    let granted = json!({"success": true, "errors": null,
        "authToken": {"token": token.text(), "ttl": seconds}});
    Json(json!({"data": {"offlineUserAuthToken": granted}})).into_response()
}

fn refusal(message: &str) -> Response {
    let refused = json!({"success": false, "errors": [{"message": message}], "authToken": null});
    Json(json!({"data": {"offlineUserAuthToken": refused}})).into_response()
}
