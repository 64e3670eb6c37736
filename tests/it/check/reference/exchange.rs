//! Impersonation: the app's token for another account's, once, until that runs out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{
    Remote,
    answers::Refusal,
    product::{MOST_BYTES, gone, read},
};
use crate::check::flaws::{identity, resilience, tokens};

const MUTATION: &str = "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { \
    offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";

/// Before it runs out, so that a token in hand is good for the call it is for.
const MARGIN: Duration = Duration::from_secs(1);

/// Whose a token is: an installation, an account.
type Key = (String, String);

/// What was exchanged, and what is about to be.
#[derive(Default)]
pub(super) struct Exchanged {
    tokens: Mutex<HashMap<Key, (String, Instant)>>,
    /// Whoever needs the same token waits here for the one who gets it.
    under_way: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
    /// Until when the gateway wants to be left alone.
    limited: Mutex<Option<Instant>>,
}

const LIMITED: Refusal = Refusal(StatusCode::TOO_MANY_REQUESTS, "Too many exchanges.");

impl Remote {
    fn exchange_key(&self, claims: &Value, account: &str) -> Key {
        let app = &claims["app"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let installation = text(&app["installationId"]);
        if self.has(identity::EXCHANGED_BY_SITE) {
            let site = text(&app["installation"]["contexts"][0]["cloudId"]);
            return (site, account.to_owned());
        }
        if self.has(identity::EXCHANGED_BY_ACCOUNT) {
            return (String::new(), account.to_owned());
        }
        if self.has(tokens::EXCHANGED_BY_INSTALLATION) {
            return (installation, String::new());
        }
        (installation, account.to_owned())
    }

    fn held(&self, key: &Key) -> Option<String> {
        let held = self.0.exchanged.tokens.lock().unwrap().get(key).cloned();
        let (token, until) = held?;
        (Instant::now() < until && !self.has(tokens::NO_CACHE)).then_some(token)
    }

    /// Not to be used again.
    pub(super) fn forget(&self, claims: &Value, account: &str) {
        let key = self.exchange_key(claims, account);
        self.0.exchanged.tokens.lock().unwrap().remove(&key);
    }

    /// A token of `account`, with the app's token of the installation in `claims`.
    pub(super) async fn token_of(
        &self,
        claims: &Value,
        app_token: &str,
        account: &str,
    ) -> Result<String, Refusal> {
        let key = self.exchange_key(claims, account);
        if let Some(token) = self.held(&key) {
            return Ok(token);
        }
        let turn = self
            .0
            .exchanged
            .under_way
            .lock()
            .unwrap()
            .entry(key.clone())
            .or_default()
            .clone();
        let _turn = if self.has(tokens::EACH_EXCHANGES) {
            None
        } else {
            Some(turn.lock().await)
        };
        if let (Some(token), false) = (self.held(&key), self.has(tokens::EACH_EXCHANGES)) {
            return Ok(token);
        }
        let limited = *self.0.exchanged.limited.lock().unwrap();
        if limited.is_some_and(|until| Instant::now() < until) && !self.has(tokens::IGNORES_LIMIT) {
            return Err(LIMITED);
        }
        let context = &claims["app"]["installation"]["contexts"][0];
        let (name, cloud) = (context["name"].as_str(), context["cloudId"].as_str());
        let context = format!(
            "ari:cloud:{}::site/{}",
            name.unwrap_or_default(),
            cloud.unwrap_or_default()
        );
        let input = json!({"contextIds": [context], "userId": account});
        let body = json!({"query": MUTATION, "variables": {"input": input}});
        let request = self
            .0
            .http
            .post(&self.0.trust.graphql_url)
            .bearer_auth(app_token)
            .json(&body);
        let said = match self.gateway_said(request).await {
            Err(_) if self.has(resilience::GATEWAY_IS_SUCCESS) => {
                json!({"data": {"offlineUserAuthToken":
                {"success": true, "authToken": {"token": app_token, "ttl": 60}}}})
            }
            said => said?,
        };
        let granted = &said["data"]["offlineUserAuthToken"];
        let (token, ttl) = (
            granted["authToken"]["token"].as_str(),
            granted["authToken"]["ttl"].as_u64(),
        );
        let (Some(token), Some(ttl), true) = (token, ttl, granted["success"] == true) else {
            return Err(Refusal(
                StatusCode::FORBIDDEN,
                "The account cannot be impersonated.",
            ));
        };
        let ttl = if self.has(tokens::NEVER_RENEWS) {
            3600
        } else {
            ttl
        };
        let until = Instant::now() + Duration::from_secs(ttl).saturating_sub(MARGIN);
        self.0
            .exchanged
            .tokens
            .lock()
            .unwrap()
            .insert(key, (token.to_owned(), until));
        Ok(token.to_owned())
    }

    /// What the gateway answers, and until when it wants to be left alone.
    async fn gateway_said(&self, request: reqwest::RequestBuilder) -> Result<Value, Refusal> {
        let response = request.send().await.map_err(gone)?;
        if let Some(wait) = response.headers().get("retry-after") {
            let wait = wait.to_str().ok().and_then(|wait| wait.parse().ok());
            let until = Instant::now() + Duration::from_secs(wait.unwrap_or(10));
            *self.0.exchanged.limited.lock().unwrap() = Some(until);
        }
        if self.has(tokens::PASSES_ERRORS) && !response.status().is_success() {
            let said = response.text().await.map_err(gone)?;
            return Err(Refusal(StatusCode::BAD_GATEWAY, said.leak()));
        }
        read(response, MOST_BYTES, false).await
    }
}
