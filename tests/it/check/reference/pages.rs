//! What the app's pages call.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{Remote, answers::Refusal, fit::Invocation, product::TOKEN_REFUSED};
use crate::check::flaws::{identity, tokens};

type Answer = Result<Json<Value>, Refusal>;

pub(super) async fn plain(invocation: Invocation) -> Answer {
    Ok(Json(
        json!({"installation": invocation.installation(), "account": invocation.principal()}),
    ))
}

pub(super) async fn content(State(remote): State<Remote>, invocation: Invocation) -> Answer {
    let token = invocation.user()?;
    let path = "/wiki/rest/api/content?limit=25";
    Ok(Json(remote.product(&invocation.claims, token, path).await?))
}

pub(super) async fn app_content(State(remote): State<Remote>, invocation: Invocation) -> Answer {
    let token = invocation.app()?;
    let path = "/wiki/rest/api/content?limit=25";
    Ok(Json(remote.product(&invocation.claims, token, path).await?))
}

pub(super) async fn content_of(
    State(remote): State<Remote>,
    Path(account): Path<String>,
    invocation: Invocation,
) -> Answer {
    let app = invocation.app()?;
    let own = if remote.has(tokens::EXCHANGES_USER) {
        invocation.user()?
    } else {
        app
    };
    let token = match remote.token_of(&invocation.claims, own, &account).await {
        Err(_) if remote.has(tokens::APP_WHEN_REFUSED) => app.to_owned(),
        _ if remote.has(tokens::APP_AFTER_EXCHANGE) => app.to_owned(),
        token => token?,
    };
    let path = "/wiki/rest/api/content?limit=25";
    let content = remote.product(&invocation.claims, &token, path).await;
    let refused = matches!(&content, Err(Refusal(_, TOKEN_REFUSED)));
    if refused && !remote.has(tokens::KEEPS_REFUSED) {
        remote.forget(&invocation.claims, &account);
    }
    let mut content = content?;
    if remote.has(tokens::ECHOES_EXCHANGED) {
        content["with"] = json!(token);
    }
    Ok(Json(content))
}

/// The note of the user who looks, of whom nobody else has a key.
fn key(invocation: &Invocation) -> Result<String, Refusal> {
    let account = invocation.principal();
    let account = account.ok_or(Refusal(StatusCode::FORBIDDEN, "Only users have notes."))?;
    Ok(format!(
        "note:{}",
        account.replace(|c: char| !c.is_ascii_alphanumeric(), ".")
    ))
}

pub(super) async fn note(State(remote): State<Remote>, invocation: Invocation) -> Answer {
    let body = json!({"key": key(&invocation)?});
    match remote.storage(&invocation, "get", &body).await {
        Ok(item) => Ok(Json(item["value"].clone())),
        Err(Refusal(StatusCode::NOT_FOUND, _)) => Ok(Json(json!({"text": null}))),
        Err(refusal) => Err(refusal),
    }
}

pub(super) async fn keep_note(
    State(remote): State<Remote>,
    invocation: Invocation,
    body: Result<Json<Value>, JsonRejection>,
) -> Answer {
    let mut invocation = invocation;
    let body =
        body.map_err(|rejection| Refusal(rejection.status(), "Send JSON of 5 MB at most."))?;
    if let (true, Some(account)) = (
        remote.has(identity::BODY_NAMES_ACCOUNT),
        body["accountId"].as_str(),
    ) {
        invocation.claims["principal"] = json!(account);
    }
    let value = json!({"text": body["text"].as_str().unwrap_or_default()});
    let item = json!({"key": key(&invocation)?, "value": value});
    remote.storage(&invocation, "set", &item).await?;
    Ok(Json(value))
}
