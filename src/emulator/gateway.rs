//! The GraphQL gateway, with the one mutation that a remote needs of it: the exchange of
//! the app's token for that of a user who is not in session.

mod document;

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    access::{Meant, Note, Refusal},
    journal::{Belonging, Purpose},
    stage::Stage,
    tokens::{Grant, Kind},
    world,
};

const MAX_QUERY_BYTES: usize = 64 * 1024;

/// `POST /graphql`.
pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/graphql", post(exchange))
        .layer(DefaultBodyLimit::max(MAX_QUERY_BYTES))
}

#[derive(Debug, Deserialize)]
struct Request {
    query: String,
    #[serde(default)]
    variables: Variables,
}

#[derive(Debug, Default, Deserialize)]
struct Variables {
    input: Option<Input>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    context_ids: Vec<String>,
    user_id: String,
}

async fn exchange(
    State(stage): State<Arc<Stage>>,
    Extension(grant): Extension<Grant>,
    body: Bytes,
) -> Response {
    let input = match read(&body) {
        Ok(input) => input,
        Err(refusal) => return refusal.into_response(),
    };
    let account = world::user(&input.user_id).map_or(input.user_id.as_str(), |user| user.name);
    let purpose = Purpose::Exchange {
        account: account.chars().take(128).collect(),
    };
    let refused = stage.faults.refuse_exchange();
    let mut response = refused.unwrap_or_else(|| {
        answer(&stage, &grant, &input).unwrap_or_else(IntoResponse::into_response)
    });
    response.extensions_mut().insert(Meant(purpose));
    response
}

fn read(body: &[u8]) -> Result<Input, Refusal> {
    let malformed = |message: &str| {
        let error =
            json!({"message": message, "extensions": {"classification": "ValidationError"}});
        Refusal::new(StatusCode::BAD_REQUEST, json!({"errors": [error]}))
    };
    let request: Request = serde_json::from_slice(body).map_err(|error| {
        malformed("Bad request").because(format!("The body is no GraphQL request: {error}"))
    })?;
    if document::asks_for_app_storage(&request.query) {
        return Err(Refusal::gateway(StatusCode::GONE, "Gone").because(
            "GraphQL's app storage is gone since June 2026: use the storage's REST API.",
        ));
    }
    if !document::is_exchange(&request.query) {
        return Err(malformed("Validation error").because(
            "The query is not the documented mutation `forge_remote_offlineUserAuthToken`, which is the only one that is played.",
        ));
    }
    request
        .variables
        .input
        .ok_or_else(|| malformed("Variable 'input' has coerced Null value for NonNull type"))
}

fn answer(stage: &Stage, grant: &Grant, input: &Input) -> Result<Response, Refusal> {
    if grant.kind != Kind::App {
        return Err(
            Refusal::gateway(StatusCode::UNAUTHORIZED, "Unauthorized").because(
                "The exchange takes the app's own token (x-forge-oauth-system) and no other.",
            ),
        );
    }
    if let Err(wait) = stage.exchanges.admit() {
        let refusal = Refusal::gateway(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests").because(
            "More exchanges than the platform allows an app in a minute: keep the tokens.",
        );
        let mut response = refusal.into_response();
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        return Ok(response);
    }
    if stage.manifest.scopes.impersonable().next().is_none() {
        return Ok(failed(
            403,
            "FORBIDDEN",
            "The app is not allowed to impersonate users",
        )
        .with("No scope of the manifest has `allowImpersonation: true`."));
    }
    if input.user_id == world::BOT {
        return Ok(
            failed(401, "UNAUTHORIZED", "App accounts cannot be impersonated")
                .with("The account is the app's own bot: use the app's token as it is."),
        );
    }
    if !ours(stage, &input.context_ids) {
        let contexts = input.context_ids.join(", ");
        let message = format!(
            "Could not load permissions for app user in the provided contextIds of [{contexts}]"
        );
        return Ok(denied(&message).with(
            "Name one context of the installation: `ari:cloud:confluence::site/<cloudId>` or `ari:cloud:jira::site/<cloudId>`.",
        ));
    }
    match world::user(&input.user_id) {
        None => Ok(denied("User not found").with("Nobody on this site has that account id.")),
        Some(user) if !user.active => Ok(denied("User is not active")
            .with("The account is deactivated: it cannot be impersonated.")),
        Some(user) => granted(stage, grant, user),
    }
}

fn granted(stage: &Stage, grant: &Grant, user: &world::User) -> Result<Response, Refusal> {
    let (token, ttl) = stage
        .tokens
        .impersonate(grant.installation, user.account_id)
        .ok_or_else(|| {
            Refusal::gateway(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        })?;
    if let Some(token_id) = token_id(token.expose()) {
        let belongs = Belonging {
            trace_id: None,
            token_id: Some(&grant.jti),
        };
        stage.journal.hand_out(token_id, belongs);
    }
    Ok(Json(json!({"data": {"offlineUserAuthToken": {
        "success": true,
        "errors": null,
        "authToken": {"token": token.expose(), "ttl": ttl},
    }}}))
    .into_response())
}

/// `jti` of a token that the emulator itself has just signed.
pub(super) fn token_id(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims["jti"].as_str()?.to_owned())
}

/// One context or more, each of a product that the app is installed in.
fn ours(stage: &Stage, contexts: &[String]) -> bool {
    let Some(installation) = stage.installed.current() else {
        return false;
    };
    let known = |context: &String| {
        installation
            .products
            .iter()
            .any(|product| *context == format!("ari:cloud:{product}::site/{}", world::cloud_id()))
    };
    !contexts.is_empty() && contexts.iter().all(known)
}

/// The platform understood the mutation and says no.
fn denied(message: &str) -> Response {
    Json(json!({"data": {"offlineUserAuthToken": {
        "success": false,
        "errors": [{"message": message}],
        "authToken": null,
    }}}))
    .into_response()
}

/// A GraphQL error: status 200, no data, the real status inside.
fn failed(status: u16, kind: &str, message: &str) -> Response {
    Json(json!({
        "data": {"offlineUserAuthToken": null},
        "errors": [{
            "message": message,
            "path": ["offlineUserAuthToken"],
            "extensions": {"statusCode": status, "errorType": kind},
        }],
    }))
    .into_response()
}

/// Says more to the developer than the platform says to the remote.
trait WithNote {
    fn with(self, note: &'static str) -> Self;
}

impl WithNote for Response {
    fn with(mut self, note: &'static str) -> Self {
        self.extensions_mut().insert(Note(note.into()));
        self
    }
}
