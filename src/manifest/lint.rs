//! The platform's linter, as far as it speaks of remotes: its rules and its words.

use std::collections::BTreeSet;

use super::{
    APP_TOKEN_SCOPE, USER_TOKEN_SCOPE,
    document::{BaseUrl, Document, Remote},
    entities, is_token_scope,
};
use crate::ids::AppId;

pub(super) const BAD_APP_ID: &str = "`app.id` must be `ari:cloud:ecosystem::app/<uuid>`: take the one that `forge register` or `forge create` gave you.";
pub(super) const NOTHING_TO_CALL: &str = "Nothing calls a remote: give a Confluence or Jira UI module a `resource` or a `resolver.endpoint`, or a trigger an `endpoint`.";
pub(super) const NO_PRODUCT: &str = "The app is in no product that is played here: name `confluence` or `jira` in app.compatibility.";
const ONLY_TOKEN_SCOPES: &str = "Missing app scopes. If OAuth tokens are required, add valid scopes in addition to OAuth token config scopes (see https://go.atlassian.com/forgescopes). Otherwise, remove OAuth token config.";
const MAX_KEY: usize = 23;

/// Every problem of the manifest, in the order of the manifest's chain.
pub(super) fn problems(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    let full_ari = document.app.id.starts_with("ari:cloud:ecosystem::app/");
    if !full_ari || document.app.id.parse::<AppId>().is_err() {
        found.push(BAD_APP_ID.to_owned());
    }
    module_keys(document, &mut found);
    resolvers(document, &mut found);
    endpoints(document, &mut found);
    remotes(document, &mut found);
    token_scopes(document, &mut found);
    super::trigger_lint::problems(document, &mut found);
    entities::problems(&document.app.storage.entities, &mut found);
    found
}

fn module_keys(document: &Document, found: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for entry in document.modules.values().flatten() {
        let well_formed = !entry.key.is_empty()
            && entry
                .key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !well_formed {
            found.push(format!(
                "Module key '{}' must match ^[a-zA-Z0-9_-]+$.",
                entry.key.escape_debug()
            ));
        } else if !seen.insert(&entry.key) {
            found.push(format!(
                "Module key '{}' is used twice: every module needs a key of its own.",
                entry.key
            ));
        }
    }
}

fn resolvers(document: &Document, found: &mut Vec<String>) {
    for (kind, entries) in &document.modules {
        for entry in entries {
            let endpoint = entry
                .resolver
                .as_ref()
                .and_then(|resolver| resolver.endpoint.as_deref());
            if let Some(endpoint) = endpoint.filter(|key| document.endpoint(key).is_none()) {
                found.push(format!(
                    "{kind} module: '{}' names endpoint '{endpoint}', which is not in modules.endpoint.",
                    entry.key
                ));
            }
        }
    }
}

fn endpoints(document: &Document, found: &mut Vec<String>) {
    for endpoint in document.entries("endpoint") {
        if endpoint.key.len() > MAX_KEY {
            found.push(format!(
                "Endpoint key '{}' must have 1 to {MAX_KEY} characters.",
                endpoint.key.escape_debug()
            ));
        }
        let remote = endpoint.remote.as_deref();
        match remote {
            Some(key) if document.remotes.iter().any(|remote| remote.key == key) => {}
            Some(key) => found.push(format!(
                "Endpoint module: '{}' names remote '{key}', which is not in remotes.",
                endpoint.key
            )),
            None => found.push(format!(
                "Endpoint module: '{}' has no remote: the emulator serves endpoints of remotes only.",
                endpoint.key
            )),
        }
    }
}

fn remotes(document: &Document, found: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for remote in &document.remotes {
        if remote.key.is_empty() || remote.key.len() > MAX_KEY {
            found.push(format!(
                "Remote key '{}' must have 1 to {MAX_KEY} characters.",
                remote.key.escape_debug()
            ));
        }
        if !seen.insert(&remote.key) {
            found.push(format!("Remote key '{}' is used twice.", remote.key));
        }
        base_url(remote, found);
        let stores = remote
            .operations
            .iter()
            .any(|operation| operation == "storage");
        let flagged = remote
            .storage
            .as_ref()
            .is_some_and(|storage| storage.in_scope_eud.is_some());
        if stores && !flagged {
            found.push(format!(
                "missing storage.inScopeEUD in remote {}. storage.inScopeEUD is required if storage is present in operations.",
                remote.key
            ));
        }
    }
}

fn base_url(remote: &Remote, found: &mut Vec<String>) {
    match &remote.base_url {
        None if remote.configurable.is_none() => found.push(format!(
            "A remote must declare either baseUrl or configurable for {}",
            remote.key
        )),
        Some(BaseUrl::Regions(regions)) if !regions.contains_key("default") => {
            found.push(format!(
                "The baseUrl of remote {} lists regions and must have a 'default' among them.",
                remote.key
            ));
        }
        Some(BaseUrl::One(url)) if url::Url::parse(url).is_err() => {
            found.push(format!(
                "The baseUrl of remote {} is not a URL.",
                remote.key
            ));
        }
        _ => {}
    }
}

fn token_scopes(document: &Document, found: &mut Vec<String>) {
    let scopes = document.permissions.scopes.names();
    let mut any_token = false;
    for endpoint in document.entries("endpoint") {
        let switches = endpoint.auth.switches();
        any_token |= switches.app || switches.user;
        for (enabled, scope) in [
            (switches.app, APP_TOKEN_SCOPE),
            (switches.user, USER_TOKEN_SCOPE),
        ] {
            if enabled && !scopes.contains(&scope) {
                found.push(format!(
                    "Endpoint module: '{}' requires '{scope}' scope.",
                    endpoint.key
                ));
            }
        }
    }
    for remote in &document.remotes {
        let switches = remote.auth.switches();
        any_token |= switches.app || switches.user;
    }
    if any_token && scopes.iter().all(|scope| is_token_scope(scope)) {
        found.push(ONLY_TOKEN_SCOPES.to_owned());
    }
}
