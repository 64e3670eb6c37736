//! What is asked for, and what the answer must be.

use std::fmt;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    fits::Fit,
    site::{self, APP_TOKEN, USER_TOKEN},
};

/// Accounts that are impersonated.
const ACCOUNTS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// The verified invocation, no outgoing call, a token never seen before.
    #[value(name = "a")]
    Distinct,
    /// The same with one token for all requests, as a browser sends them.
    #[value(name = "b")]
    Reused,
    /// Content of the product as the user in session.
    #[value(name = "c")]
    AsUser,
    /// The same as an account that the app impersonates.
    #[value(name = "d")]
    AsAccount,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Distinct => "a. verified answer, no outgoing call, distinct tokens",
            Self::Reused => "b. verified answer, no outgoing call, one token reused",
            Self::AsUser => "c. content as the user",
            Self::AsAccount => "d. content as an impersonated account",
        })
    }
}

impl Scenario {
    /// Whether each request makes the remote ask the product.
    pub(crate) const fn calls_out(self) -> bool {
        matches!(self, Self::AsUser | Self::AsAccount)
    }

    /// How many tokens so many requests take, and one more request ahead of them.
    pub(crate) const fn tokens(self, requests: usize) -> usize {
        match self {
            Self::Reused => 1,
            Self::Distinct | Self::AsUser | Self::AsAccount => requests + 1,
        }
    }

    /// The bytes of a request.
    pub(crate) fn request(self, fit: &Fit) -> Vec<u8> {
        let path = match self {
            Self::Distinct | Self::Reused => "/api/invocation".to_owned(),
            Self::AsUser => "/api/content?as=user".to_owned(),
            Self::AsAccount => format!("/api/accounts/{}/content", other(fit)),
        };
        // Both come along wherever the manifest asks for both.
        let tokens = self.calls_out().then(|| {
            let (app, user) = (
                site::token(APP_TOKEN, "app"),
                site::token(USER_TOKEN, &fit.user()),
            );
            format!("x-forge-oauth-system: {app}\r\nx-forge-oauth-user: {user}\r\n")
        });
        format!(
            "GET {path} HTTP/1.1\r\nhost: remote\r\naccept: application/json\r\n\
             authorization: Bearer {}\r\nx-b3-traceid: {}\r\nx-b3-spanid: {:016x}\r\n{}\r\n",
            fit.token,
            trace(fit),
            fit.number,
            tokens.unwrap_or_default()
        )
        .into_bytes()
    }

    /// What a remote must answer. Claims that are the same for every token of the app may
    /// be in the answer or not: see [`essence`].
    pub(crate) fn expected(self, fit: &Fit, claims: &Value) -> Value {
        let answer = match self {
            Self::Distinct | Self::Reused => json!({
                "claims": claims, "appToken": false, "userToken": false, "traceId": trace(fit),
            }),
            Self::AsUser => site::content(&fit.user()),
            Self::AsAccount => site::content(&other(fit)),
        };
        essence(answer)
    }
}

/// An answer without the claims that say the same for every token of the app.
pub(crate) fn essence(mut answer: Value) -> Value {
    if let Some(claims) = answer.get_mut("claims").and_then(Value::as_object_mut) {
        claims.retain(|name, _| !matches!(name.as_str(), "iss" | "aud"));
    }
    answer
}

fn trace(fit: &Fit) -> String {
    format!("{:032x}", fit.number)
}

/// Whom the user wants to see as.
fn other(fit: &Fit) -> String {
    site::account(0x1000 + fit.number % ACCOUNTS)
}
