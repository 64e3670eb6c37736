//! Whom and what the remote mixes up, if it does: names that are not the FIT's, tokens that are
//! not the call's.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use axum::http::request::Parts;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Remote, fit::Invocation};
use crate::check::flaws::{identity, tokens};

/// What flaws remember from one call to the next.
#[derive(Default)]
pub(super) struct Memory {
    principals: Mutex<HashMap<String, String>>,
    /// By whose they are: an installation, or everybody.
    app_tokens: Mutex<HashMap<String, String>>,
    user_tokens: Mutex<HashMap<String, String>>,
}

const EVERYBODY: &str = "";

/// Seconds before its end from which on a token is not used.
const MARGIN: i64 = 30;

/// A token that came with a call, if it is one that can be used.
pub(super) fn usable(remote: &Remote, token: String) -> Option<String> {
    if token.is_empty() {
        return None;
    }
    let Some(expires_at) = expires_at(&token) else {
        return (!remote.has(tokens::DEMANDS_JWT)).then_some(token);
    };
    let rest = expires_at - jsonwebtoken_now();
    let least = if remote.has(tokens::DEMANDS_AN_HOUR) {
        3600 - 5
    } else {
        MARGIN
    };
    (rest >= least || remote.has(tokens::IGNORES_EXPIRY)).then_some(token)
}

fn jsonwebtoken_now() -> i64 {
    i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap()
}

fn expires_at(token: &str) -> Option<i64> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Value>(&claims).ok()?["exp"].as_i64()
}

/// Mixes up what the flaw mixes up.
pub(super) async fn mix_up(remote: &Remote, parts: &Parts, fit: &str, it: &mut Invocation) {
    if it.claims["principal"] == "unidentified" && !remote.has(identity::UNIDENTIFIED_IS_USER) {
        it.claims["principal"] = Value::Null;
    }
    if remote.has(tokens::FORWARDS_FIT) || remote.has(tokens::FIT_AS_BEARER) {
        it.claims["fit"] = json!(fit);
    }
    names(remote, parts, it);
    people(remote, it);
    lend(remote, it).await;
}

/// Names from where everybody writes what he likes.
fn names(remote: &Remote, parts: &Parts, it: &mut Invocation) {
    let query = |name: &str| {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let mut pairs = url::form_urlencoded::parse(query);
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let header = |name: &str| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let site = |it: &mut Invocation, cloud: String| {
        remote.believe(&mut it.claims, &json!(cloud));
    };
    if let (true, Some(account)) = (
        remote.has(identity::QUERY_NAMES_ACCOUNT),
        query("accountId"),
    ) {
        it.claims["principal"] = json!(account);
    }
    if let (true, Some(installation)) = (
        remote.has(identity::QUERY_NAMES_INSTALLATION),
        query("installationId"),
    ) {
        it.claims["app"]["installationId"] = json!(installation);
    }
    if let (true, Some(cloud)) = (remote.has(identity::QUERY_NAMES_SITE), query("cloudId")) {
        site(it, cloud);
    }
    if let (true, Some(account)) = (
        remote.has(identity::HEADER_NAMES_ACCOUNT),
        header("x-account-id"),
    ) {
        it.claims["principal"] = json!(account);
    }
    if let (true, Some(cloud)) = (
        remote.has(identity::HEADER_NAMES_SITE),
        header("x-cloud-id"),
    ) {
        site(it, cloud);
    }
    if remote.has(identity::BUILDS_BASE) {
        let cloud = it.claims["app"]["installation"]["contexts"][0]["cloudId"].as_str();
        let cloud = cloud.unwrap_or_default().to_owned();
        site(it, cloud);
    }
}

impl Remote {
    /// Takes a site from where everybody may write it.
    pub(super) fn believe(&self, claims: &mut Value, cloud: &Value) {
        if let Some(cloud) = cloud.as_str() {
            let origin = &self.0.trust.api_origin;
            claims["app"]["apiBaseUrl"] = json!(format!("{origin}/ex/confluence/{cloud}"));
        }
    }
}

/// Whoever called last is still there.
fn people(remote: &Remote, it: &mut Invocation) {
    if !remote.has(identity::LAST_PRINCIPAL) {
        return;
    }
    let mut principals = remote.0.memory.principals.lock().unwrap();
    let installation = it.installation().to_owned();
    match it.principal() {
        Some(principal) => {
            principals.insert(installation, principal.to_owned());
        }
        None => it.claims["principal"] = json!(principals.get(&installation)),
    }
}

/// Tokens of other calls.
async fn lend(remote: &Remote, it: &mut Invocation) {
    let memory = &remote.0.memory;
    let of = it.installation().to_owned();
    if remote.has(identity::SHARED_TOKEN) {
        for (kept, own) in [
            (&memory.app_tokens, &mut it.app_token),
            (&memory.user_tokens, &mut it.user_token),
        ] {
            if let Some(own) = own.clone() {
                kept.lock().unwrap().insert(EVERYBODY.to_owned(), own);
            }
            // Time for another call to write there.
            tokio::time::sleep(Duration::from_millis(20)).await;
            *own = kept.lock().unwrap().get(EVERYBODY).cloned();
        }
    }
    if remote.has(identity::PREVIOUS_TOKEN) {
        let mut kept = memory.app_tokens.lock().unwrap();
        let own = it.app_token.take().unwrap_or_default();
        it.app_token = kept.insert(EVERYBODY.to_owned(), own);
    }
    let keeps = |flaw, kept: &Mutex<HashMap<String, String>>, own: &mut Option<String>| {
        if let (true, Some(token)) = (remote.has(flaw), own.clone()) {
            let mut kept = kept.lock().unwrap();
            *own = Some(kept.entry(of.clone()).or_insert(token).clone());
        }
    };
    keeps(
        tokens::KEEPS_FIRST_APP,
        &memory.app_tokens,
        &mut it.app_token,
    );
    keeps(
        tokens::KEEPS_FIRST_USER,
        &memory.user_tokens,
        &mut it.user_token,
    );
    let lends =
        |flaw, of: &str, kept: &Mutex<HashMap<String, String>>, own: &mut Option<String>| {
            if !remote.has(flaw) {
                return;
            }
            let mut kept = kept.lock().unwrap();
            match own.clone() {
                Some(token) => drop(kept.insert(of.to_owned(), token)),
                None => *own = kept.get(of).cloned(),
            }
        };
    lends(
        tokens::LENDS_TOKENS,
        EVERYBODY,
        &memory.app_tokens,
        &mut it.app_token,
    );
    lends(
        tokens::LENDS_TOKENS,
        EVERYBODY,
        &memory.user_tokens,
        &mut it.user_token,
    );
    lends(
        tokens::LENDS_USERS,
        &of,
        &memory.user_tokens,
        &mut it.user_token,
    );
    lends(
        tokens::USER_IN_BACKGROUND,
        &of,
        &memory.user_tokens,
        &mut it.user_token,
    );
    wrong(remote, it);
}

/// The wrong one of the call's own.
fn wrong(remote: &Remote, it: &mut Invocation) {
    if remote.has(tokens::EMPTY_BEARER) {
        it.app_token.get_or_insert_default();
        it.user_token.get_or_insert_default();
    }
    if remote.has(tokens::APP_FOR_USER) && it.user_token.is_none() {
        it.user_token.clone_from(&it.app_token);
    }
}
