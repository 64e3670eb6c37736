//! The FIT: verified with jsonwebtoken, and with what that leaves out.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::Value;

use super::{Remote, answers::Refusal};
use crate::check::flaws::authentication;

/// A verified invocation.
pub(super) struct Invocation {
    pub(super) claims: Value,
    pub(super) app_token: Option<String>,
    pub(super) user_token: Option<String>,
}

/// One that no page of the app can have made.
pub(super) struct FromPlatform(pub(super) Invocation);

const UNVERIFIED: Refusal = Refusal(
    StatusCode::UNAUTHORIZED,
    "The invocation token cannot be verified.",
);

impl Invocation {
    pub(super) fn installation(&self) -> &str {
        self.claims["app"]["installationId"]
            .as_str()
            .unwrap_or_default()
    }

    pub(super) fn principal(&self) -> Option<&str> {
        self.claims["principal"].as_str()
    }
}

impl FromRequestParts<Remote> for Invocation {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, remote: &Remote) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers).ok_or(UNVERIFIED)?;
        let claims = verify(remote, token).await.ok_or(UNVERIFIED)?;
        let forwarded = |name| {
            let value = parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        Ok(Self {
            claims,
            app_token: forwarded("x-forge-oauth-system"),
            user_token: forwarded("x-forge-oauth-user"),
        })
    }
}

impl FromRequestParts<Remote> for FromPlatform {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, remote: &Remote) -> Result<Self, Refusal> {
        let invocation = Invocation::from_request_parts(parts, remote).await?;
        if invocation.principal().is_some() || invocation.claims.get("context").is_some() {
            return Err(Refusal(
                StatusCode::FORBIDDEN,
                "Only the platform calls here.",
            ));
        }
        Ok(Self(invocation))
    }
}

/// The token of the one `authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

async fn verify(remote: &Remote, token: &str) -> Option<Value> {
    if remote.has(authentication::REFUSES_ALL) {
        return None;
    }
    let header = decode_header(token).ok()?;
    if header.alg != Algorithm::RS256 || says_crit(token) {
        return None;
    }
    let key = remote.key(header.kid.as_deref()?).await?;
    let mut validation = Validation::new(Algorithm::RS256);
    let app = remote.0.trust.app_id.to_string();
    validation.set_audience(&[&app]);
    validation.set_issuer(&["forge/invocation-token"]);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    validation.validate_nbf = true;
    validation.leeway = 5;
    validation.validate_exp = !remote.has(authentication::TAKES_EXPIRED);
    let claims = decode::<Value>(token, &key, &validation).ok()?.claims;
    let consistent = claims["app"]["id"] == app.as_str()
        && claims["app"]["installationId"].is_string()
        && claims["app"]["installation"]["id"] == claims["app"]["installationId"];
    consistent.then_some(claims)
}

/// A header that must be understood and is not (RFC 7515, 4.1.11): jsonwebtoken looks over it.
fn says_crit(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    header.get("crit").is_some()
}
