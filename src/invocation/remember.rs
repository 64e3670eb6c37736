//! Keeps what a verified FIT tells of its installation, for work that no invocation starts.
//!
//! The comparison is made in memory, field by field and where the record lies: an invocation
//! that brings nothing new costs no allocation and no write. Nothing here can fail it.

use crate::{
    clock::Timestamp,
    fit::{Fit, InstallationContext},
    forge::Forge,
    store::{Installation, Remembered, StoredContext, TokenOrigin},
    token::AppToken,
};

/// Gives the token back: the one that is held already, where it is the same, so that the text
/// is kept once and what was read of it is not read again. Not where it says no expiry: it is
/// taken to live for so long from its arrival, and has just arrived anew.
pub(super) fn remember(forge: &Forge, fit: &Fit, app_token: Option<AppToken>) -> Option<AppToken> {
    let installations = forge.installations();
    let now = forge.clock().now();
    let brought = app_token.as_ref();
    let as_known = |known: &Remembered| {
        let same = known.app_token.as_ref().filter(|held| {
            brought.is_some_and(|it| it.secret() == held.secret()) && held.is_dated()
        });
        let is_as_known = known.was_seen_lately(now)
            && describes(known, fit)
            && !brought.is_some_and(|token| is_news(fit, token, Some(known), now));
        (is_as_known, same.cloned())
    };
    let looked = installations.look_at(&fit.app.installation_id, as_known);
    let (is_as_known, same) = looked.unwrap_or_default();
    if !is_as_known {
        take_in(forge, fit, brought, now);
    }
    same.or(app_token)
}

fn take_in(forge: &Forge, fit: &Fit, app_token: Option<&AppToken>, now: Timestamp) {
    let installations = forge.installations();
    let known = installations.known(&fit.app.installation_id);
    let known = known.as_deref();
    let installation = describe(fit, known);
    let token = app_token.filter(|token| is_news(fit, token, known, now));
    match token {
        Some(token) if fit.may_come_from_browser() => {
            installations.remember_from_browser(installation, token.clone());
        }
        token => installations.remember(installation, token.cloned()),
    }
}

/// Whether the token is worth keeping.
///
/// A FIT with a user in it may have come from a browser, and whoever sits there can put
/// any text beside it as the app's token. Such a token fills a gap and replaces nothing
/// that lives; the one of an event or a schedule always counts, and takes its place.
fn is_news(fit: &Fit, token: &AppToken, known: Option<&Remembered>, now: Timestamp) -> bool {
    let held = known.and_then(|known| Some((known.app_token.as_ref()?, known.token_origin)));
    let Some((held, origin)) = held else {
        return true;
    };
    if fit.may_come_from_browser() {
        return !held.lives_at(now) && held.secret() != token.secret();
    }
    origin == TokenOrigin::Browser || held.secret() != token.secret()
}

/// Whether what is known is what the FIT says. What a FIT leaves out is no change: events
/// name no site, and only some kinds of invocation carry the licence.
fn describes(known: &Remembered, fit: &Fit) -> bool {
    let known = &known.installation;
    let app = &fit.app;
    let site = fit
        .context
        .as_ref()
        .and_then(|context| context.site_url.as_ref());
    let license = app.license.as_ref().map(crate::fit::License::is_active);
    known.app_id == app.id
        && known.ic_label == fit.ic_label
        && app
            .contexts
            .iter()
            .all(|theirs| known.contexts.iter().any(|ours| is_same(ours, theirs)))
        && known
            .contexts
            .iter()
            .any(|context| context.api_base_url == known.api_base_url)
        && (site.is_none() || known.site_url.as_ref() == site)
        && (app.app_version.is_none() || known.app_version == app.app_version)
        && (license.is_none() || known.license_active == license)
        && app.environment.as_ref().is_none_or(|environment| {
            known.environment_id == Some(environment.id)
                && known.environment.as_deref() == Some(environment.kind.as_str())
        })
}

fn is_same(ours: &StoredContext, theirs: &InstallationContext) -> bool {
    ours.product == theirs.name
        && *ours.api_base_url == *theirs.api_base_url.as_str()
        && ours.cloud_id == theirs.cloud_id
        && ours.workspace_id == theirs.workspace_id
}

/// What the FIT says, over what is known. A FIT may name only the product that it came
/// from: the others stay, and so does the primary one.
fn describe(fit: &Fit, known: Option<&Remembered>) -> Installation {
    let app = &fit.app;
    let known = known.map(|known| &known.installation);
    let mut contexts: Vec<StoredContext> = app.contexts.iter().map(stored).collect();
    let theirs = known
        .map(|known| known.contexts.as_slice())
        .unwrap_or_default();
    let others = theirs
        .iter()
        .filter(|old| !app.contexts.iter().any(|new| new.name == old.product));
    contexts.extend(others.cloned());
    let primary = known
        .map(|known| &*known.api_base_url)
        .filter(|base| {
            contexts
                .iter()
                .any(|context| *context.api_base_url == **base)
        })
        .or_else(|| Some(fit.primary()?.api_base_url.as_str()))
        .unwrap_or(app.api_base_url.as_str());

    let mut installation = Installation::new(app.installation_id, app.id, primary);
    let site = fit
        .context
        .as_ref()
        .and_then(|context| context.site_url.clone());
    let license = app.license.as_ref().map(crate::fit::License::is_active);
    let environment = app.environment.as_ref();
    installation.contexts = contexts;
    installation.ic_label.clone_from(&fit.ic_label);
    installation.site_url = site.or_else(|| known?.site_url.clone());
    installation.app_version = app
        .app_version
        .clone()
        .or_else(|| known?.app_version.clone());
    installation.license_active = license.or_else(|| known?.license_active);
    installation.environment = environment
        .map(|environment| environment.kind.as_str().into())
        .or_else(|| known?.environment.clone());
    installation.environment_id = environment
        .map(|environment| environment.id)
        .or_else(|| known?.environment_id);
    installation
}

fn stored(context: &InstallationContext) -> StoredContext {
    StoredContext {
        product: context.name.clone(),
        cloud_id: context.cloud_id.clone(),
        workspace_id: context.workspace_id.clone(),
        api_base_url: context.api_base_url.as_str().into(),
    }
}
