//! The OAuth tokens: whose they are, and until when.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use uuid::Uuid;

use super::{journal::Bearer, tenant::Tenant};

/// Whom a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The app's bot account.
    App,
    /// A user in session, by account id.
    User(String),
    /// An account that the app impersonates.
    Account(String),
}

impl Speaker {
    /// What stands in the answers that a product gives this one, after the tenant's mark.
    pub(crate) fn mark(&self) -> String {
        let account = |id: &str| id.chars().filter(char::is_ascii_alphanumeric).collect();
        match self {
            Self::App => "app".to_owned(),
            Self::User(id) | Self::Account(id) => account(id),
        }
    }
}

/// One token.
#[derive(Clone)]
pub(crate) struct Token {
    text: String,
    installation: String,
    cloud: String,
    speaker: Speaker,
    expires_at: i64,
}

impl Token {
    pub(super) fn jwt(tenant: &Tenant, speaker: Speaker, expires_at: i64) -> Self {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "typ": "JWT"}).to_string());
        let claims = json!({"exp": expires_at, "jti": Uuid::new_v4()}).to_string();
        let claims = URL_SAFE_NO_PAD.encode(claims);
        let seal = URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes().repeat(2));
        Self::of(
            format!("{header}.{claims}.{seal}"),
            tenant,
            speaker,
            expires_at,
        )
    }

    pub(super) fn opaque(tenant: &Tenant, speaker: Speaker, expires_at: i64) -> Self {
        let text = format!("OPQ{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        Self::of(text, tenant, speaker, expires_at)
    }

    fn of(text: String, tenant: &Tenant, speaker: Speaker, expires_at: i64) -> Self {
        Self {
            text,
            installation: tenant.installation(),
            cloud: tenant.cloud_id().to_owned(),
            speaker,
            expires_at,
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Every token of the run by its text.
#[derive(Default)]
pub(super) struct Register(HashMap<String, (Token, bool)>);

impl Register {
    pub(super) fn add(&mut self, token: &Token) {
        self.0.insert(token.text.clone(), (token.clone(), true));
    }

    pub(super) fn revoke(&mut self, text: &str) {
        if let Some((_, good)) = self.0.get_mut(text) {
            *good = false;
        }
    }

    pub(super) fn revoke_exchanged(&mut self, installation: &str) {
        for (token, good) in self.0.values_mut() {
            let exchanged = matches!(token.speaker, Speaker::Account(_));
            if exchanged && token.installation == installation {
                *good = false;
            }
        }
    }

    pub(super) fn of(&self, installation: &str) -> Vec<String> {
        let tokens = self.0.values().map(|(token, _)| token);
        tokens
            .filter(|token| token.installation == installation)
            .map(|token| token.text.clone())
            .collect()
    }

    pub(super) fn knows(&self, text: &str) -> bool {
        self.0.contains_key(text)
    }

    pub(super) fn bearer(&self, text: &str, now: i64) -> Bearer {
        let Some((token, good)) = self.0.get(text) else {
            return Bearer::Unknown;
        };
        Bearer::Of {
            installation: token.installation.clone(),
            cloud: token.cloud.clone(),
            speaker: token.speaker.clone(),
            good: *good && now < token.expires_at,
        }
    }
}
