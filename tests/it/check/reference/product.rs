//! Calls of products and of storage, with a token that somebody else made.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Remote, answers::Refusal, fit::Invocation};
use crate::check::flaws::contract;

/// What is taken of a product's answer.
pub(super) const MOST_BYTES: usize = 1024 * 1024;

impl Remote {
    /// `GET` of a product of the invocation's site.
    pub(super) async fn product(
        &self,
        claims: &Value,
        token: &str,
        path: &str,
    ) -> Result<Value, Refusal> {
        let base = claims["app"]["apiBaseUrl"].as_str().unwrap_or_default();
        // A token goes to one origin and to no other.
        let ours = base
            .strip_prefix(&*self.0.trust.api_origin)
            .is_some_and(|rest| rest.starts_with('/'));
        if !ours {
            return Err(Refusal(
                StatusCode::BAD_GATEWAY,
                "The product lives where no token is sent.",
            ));
        }
        let http = if self.has(contract::PATIENT) {
            &self.0.slow_http
        } else {
            &self.0.http
        };
        let request = http.get(format!("{base}{path}")).bearer_auth(token);
        if self.has(contract::PASSES_401) {
            return answer(request, MOST_BYTES, true).await;
        }
        let most = if self.has(contract::ENDLESS_ANSWERS) {
            usize::MAX
        } else {
            MOST_BYTES
        };
        answer(request, most, false).await
    }

    /// An operation of Forge storage, as the app.
    pub(super) async fn storage(
        &self,
        invocation: &Invocation,
        operation: &str,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let token = invocation.app()?;
        self.storage_as(token, operation, body).await
    }

    pub(super) async fn storage_as(
        &self,
        token: &str,
        operation: &str,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let url = format!("{}/v1/{operation}", self.0.trust.storage_url);
        answer(
            self.0.http.post(url).bearer_auth(token).json(body),
            MOST_BYTES,
            false,
        )
        .await
    }
}

impl Invocation {
    pub(super) fn app(&self) -> Result<&str, Refusal> {
        let token = self.app_token.as_deref();
        token.ok_or(Refusal(
            StatusCode::FORBIDDEN,
            "The app's token is missing.",
        ))
    }

    pub(super) fn user(&self) -> Result<&str, Refusal> {
        let token = self.user_token.as_deref();
        token.ok_or(Refusal(
            StatusCode::FORBIDDEN,
            "The user's token is missing.",
        ))
    }
}

/// The body of a 2xx; anything else becomes what a page may be told.
pub(super) async fn answer(
    request: reqwest::RequestBuilder,
    most: usize,
    passes_401: bool,
) -> Result<Value, Refusal> {
    let gone = |error: reqwest::Error| {
        if error.is_timeout() {
            return Refusal(StatusCode::GATEWAY_TIMEOUT, "The product took too long.");
        }
        Refusal(StatusCode::BAD_GATEWAY, "The product could not be reached.")
    };
    let mut response = request.send().await.map_err(gone)?;
    let status = response.status();
    if !status.is_success() {
        let status = match status.as_u16() {
            403 | 404 | 429 => status,
            401 if passes_401 => status,
            _ => StatusCode::BAD_GATEWAY,
        };
        return Err(Refusal(status, "The product said no."));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(gone)? {
        if body.len() + chunk.len() > most {
            return Err(Refusal(
                StatusCode::BAD_GATEWAY,
                "The product said too much.",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    if body.is_empty() {
        return Ok(json!(null));
    }
    let no_json = |_| Refusal(StatusCode::BAD_GATEWAY, "The product answered no JSON.");
    serde_json::from_slice(&body).map_err(no_json)
}
