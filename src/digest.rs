//! The app that ships: the routes that its frontends call, and the example of how the
//! library is used. No room of the library imports it.
//!
//! ```no_run
//! use forge_remote::{Config, Forge, digest};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let forge = Forge::from_config(Config::load()?).await?;
//! let ui = digest::router(&forge);
//! forge_remote::serve(forge, ui, digest::events(), digest::schedule()).await?;
//! # Ok(()) }
//! ```

mod administrators;
mod changes;
mod content;
mod delivery;
mod issues;
mod lifecycle;
mod me;
mod records;
mod subscription;

use axum::{
    Router,
    extract::FromRef,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::CONTENT_TYPE;
use serde::Serialize;

use self::administrators::Administrators;
use crate::{
    Error, Events, Forge, Invocation, Schedule,
    fit::Claims,
    inbox::Interval,
    residency::{self, NothingToMove},
};

/// The digest app's routes.
pub fn router(forge: &Forge) -> Router<Forge> {
    let digest = Digest {
        forge: forge.clone(),
        administrators: Administrators::default(),
    };
    Router::new()
        .route("/api/invocation", get(invocation))
        .route("/api/me", get(me::me))
        .route("/api/content", get(content::own))
        .route("/api/accounts/{account}/content", get(content::of_account))
        .route("/api/issues/{key}", get(issues::issue))
        .route(
            "/api/subscription",
            get(subscription::get)
                .put(subscription::put)
                .delete(subscription::delete),
        )
        .route("/api/digest", get(subscription::digest))
        .with_state(digest)
        .merge(residency::routes(NothingToMove))
}

/// The events that the digest app takes.
pub fn events() -> Events {
    Events::new()
        .on_ordered(
            "avi:confluence:created:page",
            "/content/id",
            changes::page_changed,
        )
        .on_ordered(
            "avi:confluence:updated:page",
            "/content/id",
            changes::page_changed,
        )
        .on_installed(lifecycle::welcome)
        .on_upgraded(lifecycle::welcome)
        .on_uninstalling(lifecycle::purge)
}

/// Its schedule: the key is the trigger's in the manifest.
pub fn schedule() -> Schedule {
    Schedule::new().on_every(Interval::Hour, "digest-hourly", delivery::send_digests)
}

/// What the handlers share.
#[derive(Clone)]
struct Digest {
    forge: Forge,
    administrators: Administrators,
}

impl FromRef<Digest> for Forge {
    fn from_ref(digest: &Digest) -> Self {
        digest.forge.clone()
    }
}

impl FromRef<Digest> for Administrators {
    fn from_ref(digest: &Digest) -> Self {
        digest.administrators.clone()
    }
}

/// The verified invocation as its caller may see it: no outgoing call, no token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen<'a> {
    claims: &'a Claims,
    app_token: bool,
    user_token: bool,
    trace_id: &'a str,
}

async fn invocation(invocation: Invocation) -> Result<Response, Error> {
    let seen = Seen {
        claims: invocation.claims(),
        app_token: invocation.as_app().is_ok(),
        user_token: invocation.as_user().is_ok(),
        trace_id: invocation.trace().as_str(),
    };
    // In one piece from the start: claims take one or two kilobytes.
    let mut json = Vec::with_capacity(2048);
    serde_json::to_writer(&mut json, &seen).map_err(Error::internal)?;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}
