//! Impersonation: the app's token for another account's, once, until that runs out.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{
    Remote,
    answers::Refusal,
    product::{MOST_BYTES, answer},
};

const MUTATION: &str = "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { \
    offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";

/// Before it runs out, so that a token in hand is good for the call it is for.
const MARGIN: Duration = Duration::from_secs(1);

/// Tokens by installation and account.
pub(super) type Cache = Mutex<HashMap<(String, String), (String, Instant)>>;

impl Remote {
    /// A token of `account`, with the app's token of the installation in `claims`.
    pub(super) async fn token_of(
        &self,
        claims: &Value,
        app_token: &str,
        account: &str,
    ) -> Result<String, Refusal> {
        let installation = claims["app"]["installationId"].as_str().unwrap_or_default();
        let key = (installation.to_owned(), account.to_owned());
        let held = self.0.exchanged.lock().unwrap().get(&key).cloned();
        if let Some((token, until)) = held.filter(|(_, until)| Instant::now() < *until) {
            let _ = until;
            return Ok(token);
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
        let said = answer(request, MOST_BYTES, false).await?;
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
        let until = Instant::now() + Duration::from_secs(ttl).saturating_sub(MARGIN);
        self.0
            .exchanged
            .lock()
            .unwrap()
            .insert(key, (token.to_owned(), until));
        Ok(token.to_owned())
    }
}
