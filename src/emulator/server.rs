//! One listener for all: console, key set, product APIs and gateway.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jsonwebtoken::jwk::JwkSet;

use super::{
    access::{gate, not_played},
    confluence, console, gateway, host, jira,
    stage::Stage,
    storage,
};

/// Larger than anything that the console's form sends.
const MAX_BODY_BYTES: usize = 1024 * 1024;

pub(super) fn router(stage: Arc<Stage>) -> Router {
    let apis = Router::new()
        .nest("/ex/confluence/{cloud}", confluence::routes())
        .nest("/ex/jira/{cloud}", jira::routes())
        .route("/ex/{*rest}", any(not_played))
        .merge(gateway::routes())
        .nest(storage::BASE, storage::routes())
        .layer(from_fn_with_state(Arc::clone(&stage), gate));
    Router::new()
        .route("/.well-known/jwks.json", get(key_set))
        .merge(apis)
        .merge(host::routes(&stage))
        .merge(console::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(local_names_only))
        .with_state(stage)
}

/// The listener of the apps' own pages: their files, and nothing that acts.
pub(super) fn pages_router(stage: Arc<Stage>) -> Router {
    host::pages()
        .layer(from_fn(local_names_only))
        .with_state(stage)
}

async fn key_set(
    State(stage): State<Arc<Stage>>,
) -> ([(header::HeaderName, HeaderValue); 1], Json<JwkSet>) {
    let cache = HeaderValue::from_static("public, max-age=300");
    let keys = stage.mint.key_set();
    ([(header::CACHE_CONTROL, cache)], Json(keys))
}

/// A page of another site whose name was made to point here would pass as same-origin
/// (DNS rebinding); its `Host` gives it away.
async fn local_names_only(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        next.run(request).await
    } else {
        let message = "The emulator answers to loopback names only.\n";
        (StatusCode::MISDIRECTED_REQUEST, message).into_response()
    }
}

fn is_local(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let Some(host) = host.and_then(|host| host.parse::<http::uri::Authority>().ok()) else {
        return false;
    };
    let name = host.host();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_answered() {
        let of = |host: &'static str| {
            is_local(&HeaderMap::from_iter([(
                header::HOST,
                HeaderValue::from_static(host),
            )]))
        };
        for host in [
            "localhost",
            "localhost:4000",
            "127.0.0.1:4000",
            "[::1]:4000",
        ] {
            assert!(of(host), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:4000",
            "192.168.0.7:4000",
            "localhost.evil.example",
            "",
        ] {
            assert!(!of(host), "{host}");
        }
        assert!(!is_local(&HeaderMap::new()));
    }
}
