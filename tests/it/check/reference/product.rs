//! Calls of products and of storage, with a token that somebody else made.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Remote, answers::Refusal, fit::Invocation};
use crate::check::flaws::{contract, resilience, tokens};

/// What a product's 401 becomes.
pub(super) const TOKEN_REFUSED: &str = "The product refused the token.";

const GONE: Refusal = Refusal(StatusCode::BAD_GATEWAY, "The product could not be reached.");

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
        if !ours && !self.has(tokens::ANY_BASE) {
            return Err(Refusal(
                StatusCode::BAD_GATEWAY,
                "The product lives where no token is sent.",
            ));
        }
        let _turn = if self.has(resilience::STALLS) {
            Some(self.0.one_by_one.lock().await)
        } else {
            None
        };
        let http = if self.has(contract::PATIENT) {
            &self.0.slow_http
        } else {
            &self.0.http
        };
        let fit = claims["fit"].as_str().unwrap_or_default();
        let bearer = if self.has(tokens::FIT_AS_BEARER) {
            fit
        } else {
            token
        };
        let mut request = http.get(format!("{base}{path}")).bearer_auth(bearer);
        if self.has(tokens::TOKEN_IN_QUERY) {
            request = request.query(&[("access_token", token)]);
        }
        if self.has(tokens::FORWARDS_FIT) {
            request = request.header("x-invocation-token", fit);
        }
        if self.has(tokens::PASSES_ERRORS) {
            let response = request.send().await.map_err(|_| GONE)?;
            if !response.status().is_success() {
                let said = response.text().await.map_err(|_| GONE)?;
                return Err(Refusal(StatusCode::BAD_GATEWAY, said.leak()));
            }
            return Ok(json!({}));
        }
        if self.has(tokens::FOLLOWS_REDIRECTS) {
            let response = request.send().await.map_err(|_| GONE)?;
            if let Some(there) = response.headers().get("location") {
                let there = there.to_str().unwrap_or_default();
                request = http.get(there).bearer_auth(token);
                return answer(request, MOST_BYTES, false).await;
            }
            return read(response, MOST_BYTES, false).await;
        }
        if self.has(tokens::FOLLOWS_LINKS) {
            let page = answer(request, MOST_BYTES, false).await?;
            if let Some(next) = page["_links"]["next"].as_str() {
                let next = http.get(next).bearer_auth(token);
                return answer(next, MOST_BYTES, false).await;
            }
            return Ok(page);
        }
        if self.has(contract::PASSES_401) {
            return answer(request, MOST_BYTES, true).await;
        }
        let most = if self.has(contract::ENDLESS_ANSWERS) {
            usize::MAX
        } else {
            MOST_BYTES
        };
        let stays = self.has(resilience::STAYS_BROKEN);
        if stays && self.0.broken.load(Ordering::Relaxed) {
            return Err(Refusal(
                StatusCode::BAD_GATEWAY,
                "The product failed before.",
            ));
        }
        let answered = answer(request, most, false).await;
        if stays && answered.is_err() {
            self.0.broken.store(true, Ordering::Relaxed);
        }
        answered
    }

    /// An operation of Forge storage, as the app.
    pub(super) async fn storage(
        &self,
        invocation: &Invocation,
        operation: &str,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let token = if self.has(tokens::USER_FOR_STORAGE) {
            invocation.user()?
        } else {
            invocation.app()?
        };
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
    read(request.send().await.map_err(gone)?, most, passes_401).await
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
pub(super) fn gone(error: reqwest::Error) -> Refusal {
    if error.is_timeout() {
        return Refusal(StatusCode::GATEWAY_TIMEOUT, "The product took too long.");
    }
    GONE
}

pub(super) async fn read(
    mut response: reqwest::Response,
    most: usize,
    passes_401: bool,
) -> Result<Value, Refusal> {
    let status = response.status();
    if !status.is_success() {
        let status = match status.as_u16() {
            403 | 404 | 429 => status,
            401 if passes_401 => status,
            401 => return Err(Refusal(StatusCode::BAD_GATEWAY, TOKEN_REFUSED)),
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
