//! Calls that a browser makes straight to the remote (`requestRemote`).

use std::time::Duration;

use http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::forge::Forge;

/// How long a browser may remember that an origin is allowed.
const PREFLIGHT_AGE: Duration = Duration::from_hours(1);

/// What the layer says of every answer: a cache must not hand one page's to another.
pub(super) const VARIES_BY: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-headers");

/// Preflights are answered here, without a FIT and without touching state.
pub(super) fn cors(forge: Forge) -> CorsLayer {
    let allowed = AllowOrigin::predicate(move |origin: &HeaderValue, _| {
        origin
            .to_str()
            .is_ok_and(|origin| forge.allows_origin(origin))
    });
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        // An app sends headers of its own; no cookie is ever looked at.
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(PREFLIGHT_AGE)
}
