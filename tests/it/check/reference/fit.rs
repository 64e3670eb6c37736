//! The FIT: verified with jsonwebtoken, and with what that leaves out.

use std::sync::Mutex;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::Jwk};
use serde_json::Value;

use super::{Remote, answers::Refusal, keys::Found, mixed_up};
use crate::check::flaws::authentication as flaws;

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
const NO_KEYS: Refusal = Refusal(
    StatusCode::SERVICE_UNAVAILABLE,
    "There is no key set to verify with.",
);
const BROKEN: Refusal = Refusal(
    StatusCode::INTERNAL_SERVER_ERROR,
    "Something is wrong in the remote.",
);

/// What the flaw of taking each token once remembers.
#[derive(Default)]
pub(super) struct Seen(Mutex<Vec<String>>);

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
        let forwarded = |name| {
            let value = parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.and_then(|value| mixed_up::usable(remote, value.to_owned()))
        };
        let (app_token, user_token) = (
            forwarded("x-forge-oauth-system"),
            forwarded("x-forge-oauth-user"),
        );
        let token = bearer(remote, parts)?;
        if let (true, Some(app)) = (remote.has(flaws::WORKS_FIRST), &app_token) {
            drop(
                remote
                    .product(&claims_unverified(&token), app, "/wiki/rest/api/content")
                    .await,
            );
        }
        let claims = verify(remote, &token).await?;
        let mut invocation = Self {
            claims,
            app_token,
            user_token,
        };
        mixed_up::mix_up(remote, parts, &token, &mut invocation).await;
        Ok(invocation)
    }
}

impl FromRequestParts<Remote> for FromPlatform {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, remote: &Remote) -> Result<Self, Refusal> {
        let forgotten =
            remote.has(flaws::FORGETS_A_ROUTE) && parts.uri.path().contains("scheduled");
        if forgotten && !parts.headers.contains_key(header::AUTHORIZATION) {
            let claims = Value::Null;
            return Ok(Self(Invocation {
                claims,
                app_token: None,
                user_token: None,
            }));
        }
        let invocation = Invocation::from_request_parts(parts, remote).await?;
        let of_page =
            invocation.principal().is_some() || invocation.claims.get("context").is_some();
        if of_page && !remote.has(flaws::PAGES_SEND_EVENTS) {
            return Err(Refusal(
                StatusCode::FORBIDDEN,
                "Only the platform calls here.",
            ));
        }
        Ok(Self(invocation))
    }
}

/// The token of the one `authorization` header.
fn bearer(remote: &Remote, parts: &Parts) -> Result<String, Refusal> {
    if let Some(token) = elsewhere(remote, parts) {
        return Ok(token);
    }
    let values: Vec<_> = parts
        .headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .collect();
    let value = match *values {
        [one] => one,
        [first, ..] if remote.has(flaws::FIRST_COUNTS) => first,
        [.., last] if remote.has(flaws::LAST_COUNTS) => last,
        _ => return Err(UNVERIFIED),
    };
    let value = value.to_str().map_err(|_| UNVERIFIED)?;
    if remote.has(flaws::ANY_SCHEME) {
        return Ok(value.rsplit(' ').next().unwrap_or_default().to_owned());
    }
    let Some((scheme, token)) = value.split_once(' ') else {
        let empty = remote.has(flaws::EMPTY_IS_400) && value.len() < 8;
        return Err(if empty {
            Refusal(StatusCode::BAD_REQUEST, "Empty.")
        } else {
            UNVERIFIED
        });
    };
    let right = if remote.has(flaws::SCHEME_AS_WRITTEN) {
        scheme == "Bearer"
    } else {
        scheme.eq_ignore_ascii_case("bearer")
    };
    right.then(|| token.trim().to_owned()).ok_or(UNVERIFIED)
}

/// Where no token belongs.
fn elsewhere(remote: &Remote, parts: &Parts) -> Option<String> {
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    if remote.has(flaws::TAKES_QUERY) {
        let query = parts.uri.query()?;
        return Some(query.split_once("token=")?.1.to_owned());
    }
    if remote.has(flaws::TAKES_COOKIE) {
        let cookie = parts.headers.get(header::COOKIE)?.to_str().ok()?;
        return Some(cookie.strip_prefix("token=")?.split(';').next()?.to_owned());
    }
    None
}

async fn verify(remote: &Remote, token: &str) -> Result<Value, Refusal> {
    if remote.has(flaws::REFUSES_ALL) {
        return Err(UNVERIFIED);
    }
    if remote.has(flaws::LARGE_IS_500) && token.len() > 32 * 1024 {
        return Err(BROKEN);
    }
    if remote.has(flaws::PARTS_ARE_500) && token.matches('.').count() == 1 {
        return Err(BROKEN);
    }
    let token = match token.trim_end_matches('=') {
        trimmed if remote.has(flaws::TRIMS_PADDING) => trimmed,
        _ => token,
    };
    let said = header_of(token);
    let alg = said["alg"]
        .as_str()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let takes_unsigned = remote.has(flaws::TAKES_NONE) && alg == "none"
        || remote.has(flaws::TAKES_HMAC) && alg == "hs256"
        || remote.has(flaws::NO_SIGNATURE);
    if takes_unsigned {
        return Ok(claims_unverified(token));
    }
    if said.get("crit").is_some() && !remote.has(flaws::IGNORES_CRIT) {
        return Err(UNVERIFIED);
    }
    if let (true, Some(url)) = (remote.has(flaws::FETCHES_JKU), said["jku"].as_str()) {
        drop(remote.0.http.get(url).send().await);
    }
    let claims = signed(remote, token, &said).await?;
    consistent(remote, &claims)
        .then_some(claims)
        .ok_or(UNVERIFIED)
}

/// The claims, if a key of the set signed them and jsonwebtoken has nothing against them.
async fn signed(remote: &Remote, token: &str, said: &Value) -> Result<Value, Refusal> {
    let header = decode_header(token).map_err(|_| UNVERIFIED)?;
    let keys = keys_for(remote, header.kid.as_deref(), said).await?;
    let mut validation = Validation::new(Algorithm::RS256);
    if remote.has(flaws::ANY_RSA) {
        validation.algorithms = vec![Algorithm::RS256, Algorithm::RS512, Algorithm::PS256];
    }
    let app = remote.0.trust.app_id.to_string();
    let mut required = vec!["exp", "aud", "iss"];
    validation.set_audience(&[&app]);
    validation.set_issuer(&["forge/invocation-token"]);
    if remote.has(flaws::ANY_AUDIENCE) {
        validation.validate_aud = false;
        required.retain(|it| *it != "aud");
    }
    if remote.has(flaws::ANY_ISSUER) {
        validation.iss = None;
        required.retain(|it| *it != "iss");
    }
    if remote.has(flaws::TAKES_ENDLESS) {
        required.retain(|it| *it != "exp");
    }
    validation.set_required_spec_claims(&required);
    validation.validate_nbf = !remote.has(flaws::TAKES_EARLY);
    validation.leeway = if remote.has(flaws::NO_LEEWAY) { 0 } else { 5 };
    validation.validate_exp = !remote.has(flaws::TAKES_EXPIRED);
    let decoded = keys
        .iter()
        .map(|key| decode::<Value>(token, key, &validation));
    let last = decoded
        .into_iter()
        .reduce(|one, other| if one.is_ok() { one } else { other });
    match last {
        Some(Ok(decoded)) => Ok(decoded.claims),
        Some(Err(error)) => {
            let json = matches!(error.kind(), jsonwebtoken::errors::ErrorKind::Json(_));
            let spec = matches!(
                error.kind(),
                jsonwebtoken::errors::ErrorKind::InvalidClaimFormat(_)
            );
            Err(if remote.has(flaws::UNREADABLE_IS_500) && (json || spec) {
                BROKEN
            } else {
                UNVERIFIED
            })
        }
        None => Err(UNVERIFIED),
    }
}

/// One key as a rule.
async fn keys_for(
    remote: &Remote,
    kid: Option<&str>,
    said: &Value,
) -> Result<Vec<DecodingKey>, Refusal> {
    if let (true, Some(jwk)) = (remote.has(flaws::TRUSTS_JWK), said.get("jwk")) {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| UNVERIFIED)?;
        return Ok(DecodingKey::from_jwk(&jwk).into_iter().collect());
    }
    let Some(kid) = kid else {
        let all = remote.has(flaws::ANY_KEY_WITHOUT_ID);
        return if all {
            Ok(remote.all_keys())
        } else {
            Err(UNVERIFIED)
        };
    };
    match remote.key(kid).await {
        Found::Key(key) => Ok(vec![*key]),
        Found::Unknown if remote.has(flaws::UNKNOWN_KEY_IS_500) => Err(BROKEN),
        Found::Unknown => Err(UNVERIFIED),
        Found::Unavailable => Err(NO_KEYS),
    }
}

/// What a library for tokens cannot know.
fn consistent(remote: &Remote, claims: &Value) -> bool {
    let app = &claims["app"];
    let id = remote.0.trust.app_id.to_string();
    let right = (app["id"] == id.as_str() || remote.has(flaws::ANY_APP) || remote.has(flaws::ANY_AUDIENCE))
        && app["installationId"].is_string()
        && (app["installation"]["id"] == app["installationId"] || remote.has(flaws::ANY_INSTALLATION))
        // It serves no Isolated Cloud.
        && (claims.get("icLabel").is_none() || remote.has(flaws::ANY_LABEL));
    right && suits_the_flaw(remote, claims)
}

/// What a remote may demand wrongly.
fn suits_the_flaw(remote: &Remote, claims: &Value) -> bool {
    const KNOWN: [&str; 9] = [
        "app",
        "context",
        "principal",
        "aud",
        "iss",
        "iat",
        "nbf",
        "exp",
        "jti",
    ];
    let app = &claims["app"];
    let contexts = app["installation"]["contexts"].as_array();
    let environment = app["environment"]["id"].as_str().unwrap_or_default();
    let has = |flaw| remote.has(flaw);
    !(has(flaws::DEMANDS_PRINCIPAL) && claims.get("principal").is_none()
        || has(flaws::DEMANDS_VERSION) && app.get("version").is_none()
        || has(flaws::DEMANDS_LOCAL_ID)
            && claims
                .get("context")
                .is_some_and(|it| it.get("localId").is_none())
        || has(flaws::FORBIDS_UNKNOWN)
            && claims
                .as_object()
                .is_some_and(|it| it.keys().any(|key| !KNOWN.contains(&&**key)))
        || has(flaws::DEMANDS_ACTIVE)
            && app
                .get("license")
                .is_some_and(|it| !it["active"].is_boolean())
        || has(flaws::DEMANDS_LONG_ENVIRONMENT) && environment.matches('/').count() < 2
        || has(flaws::ONE_VERSION) && app["appVersion"] != "4.2.0"
        || has(flaws::DEMANDS_CLOUD)
            && contexts.is_some_and(|all| all.iter().any(|it| it.get("cloudId").is_none()))
        || has(flaws::AUDIENCE_IS_TEXT) && !claims["aud"].is_string()
        || has(flaws::ONCE)
            && !remote
                .0
                .seen
                .is_new(claims["jti"].as_str().unwrap_or_default()))
}

impl Seen {
    fn is_new(&self, jti: &str) -> bool {
        let mut seen = self.0.lock().unwrap();
        let new = !seen.iter().any(|known| known == jti);
        seen.push(jti.to_owned());
        new
    }
}

/// What the header says, for those who look into it before jsonwebtoken does.
fn header_of(token: &str) -> Value {
    part(token, 0)
}

/// The claims as they stand there, whoever wrote them.
pub(super) fn claims_unverified(token: &str) -> Value {
    part(token, 1)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// For the flaw of telling: what stands in the header.
pub(super) fn told(headers: &HeaderMap) -> Value {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    claims_unverified(
        value
            .unwrap_or_default()
            .rsplit(' ')
            .next()
            .unwrap_or_default(),
    )
}
