//! In whose name something was done: what the platform was asked, and what an answer tells.

use std::sync::Arc;

use serde_json::Value;

use crate::conformance::{
    check::{Door, Run},
    platform::{Bearer, Kind, Seen, Speaker, Tenant},
    rule::{Miss, Outcome},
    wire::{Answer, Call},
};

/// What the products say to the app and to the users of a tenant. An answer that holds one of
/// these holds what was said to this tenant; a name that somebody sent along is not among them.
pub(super) fn words(tenant: &Tenant) -> Vec<String> {
    let users = tenant.users().iter().cloned().map(Speaker::User);
    let speakers = users.chain([Speaker::App]);
    speakers.map(|speaker| word(tenant, &speaker)).collect()
}

/// What the products say to this one.
pub(super) fn word(tenant: &Tenant, speaker: &Speaker) -> String {
    format!("{}.{}", tenant.mark(), speaker.mark())
}

/// Whatever names a tenant.
pub(super) fn names(tenant: &Tenant) -> [String; 3] {
    [
        tenant.mark().to_owned(),
        tenant.installation_uuid(),
        tenant.cloud_id().to_owned(),
    ]
}

/// Fails if the answer holds one of these texts.
pub(super) fn tells_none(call: &Call, answer: &Answer, texts: &[String], whose: &str) -> Outcome {
    if texts.iter().any(|text| answer.holds(text)) {
        let came = format!("an answer that tells of {whose}: {}", answer.describe());
        return Err(Miss::failed(call.describe(), came));
    }
    Ok(())
}

/// Fails if something was asked with another tenant's token, of another's site, or for another's
/// context.
pub(super) fn stays_at_home(call: &Call, seen: &[Arc<Seen>], tenant: &Tenant) -> Outcome {
    let installation = tenant.installation();
    let strays = |seen: &&Arc<Seen>| {
        let other_token =
            matches!(&seen.bearer, Bearer::Of { installation: of, .. } if *of != installation);
        let other_site = seen
            .cloud
            .as_ref()
            .is_some_and(|cloud| cloud != tenant.cloud_id());
        let contexts = seen.body["variables"]["input"]["contextIds"].as_array();
        let other_context = contexts
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .any(|context| !context.contains(tenant.cloud_id()));
        other_token || other_site || seen.kind == Kind::Exchange && other_context
    };
    match seen.iter().find(strays) {
        Some(stray) => Err(Miss::failed(
            call.describe(),
            format!(
                "the platform was asked for another tenant: {}",
                stray.describe()
            ),
        )),
        None => Ok(()),
    }
}

/// Fails if anything was asked for `other` since there were `before` requests of it.
pub(super) fn nothing_for(run: &Run, call: &Call, other: &Tenant, before: usize) -> Outcome {
    match run.platform.journal().of(other).get(before) {
        Some(seen) => Err(Miss::failed(
            call.describe(),
            format!(
                "the platform was asked for another tenant: {}",
                seen.describe()
            ),
        )),
        None => Ok(()),
    }
}

/// Whether something was done in the name of this account, or with what is kept under its id.
pub(super) fn is_for(seen: &Seen, account: &str) -> bool {
    match seen.kind {
        Kind::Product => {
            matches!(&seen.bearer, Bearer::Of { speaker: Speaker::User(id) | Speaker::Account(id), .. } if id == account)
        }
        Kind::Exchange => seen.body["variables"]["input"]["userId"] == account,
        Kind::Storage => {
            // Ids are escaped in keys, as each remote likes it.
            let plain = Speaker::User(account.to_owned()).mark();
            keys(&seen.body)
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .contains(&plain)
        }
        Kind::Keys | Kind::Foreign | Kind::Elsewhere => false,
    }
}

/// Every text of a request to storage but for the values that are kept.
pub(super) fn keys(body: &Value) -> String {
    match body {
        Value::String(text) => format!(" {text}"),
        Value::Array(items) => items.iter().map(keys).collect(),
        Value::Object(members) => {
            let names = members.iter().filter(|(name, _)| *name != "value");
            names.map(|(_, member)| keys(member)).collect()
        }
        _ => String::new(),
    }
}

/// What this tenant's requests were since there were `before`.
pub(super) fn since(run: &Run, tenant: &Tenant, before: usize) -> Vec<Arc<Seen>> {
    run.platform.journal().of(tenant).split_off(before)
}

/// How many requests of it there were so far.
pub(super) fn count(run: &Run, tenant: &Tenant) -> usize {
    run.platform.journal().of(tenant).len()
}

/// A page's call as it should be, made by this account; `{account}` in the path is `named`.
pub(super) fn page_of(run: &Run, door: &Door, tenant: &Tenant, account: &str, named: &str) -> Call {
    let user = Speaker::User(account.to_owned());
    run.tokenless(door, tenant)
        .target(&door.path.replace("{account}", named))
        .app_token(&run.platform.token(tenant, Speaker::App))
        .user_token(&run.platform.token(tenant, user))
        .fit(&run.fit(door, tenant).user(account).token())
}
