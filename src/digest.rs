//! The app that ships: the routes that its frontends call, and the example of how the
//! library is used. No room of the library imports it.

mod administrators;
mod content;
mod issues;
mod me;

use axum::{
    Json, Router,
    extract::FromRef,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;

use self::administrators::Administrators;
use crate::{Forge, Invocation, fit::Claims};

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
        .with_state(digest)
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

async fn invocation(invocation: Invocation) -> Response {
    let seen = Seen {
        claims: invocation.claims(),
        app_token: invocation.as_app().is_ok(),
        user_token: invocation.as_user().is_ok(),
        trace_id: invocation.trace().as_str(),
    };
    Json(seen).into_response()
}
