//! Content security policies: of the product's page, and of the app's.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use crate::emulator::stage::Stage;
use crate::manifest::PagePermissions;

/// The page under the policy of host pages: their own script, the app in a frame, and the
/// remote, which `requestRemote` calls from here.
pub(super) fn with(stage: &Stage, page: impl IntoResponse) -> Response {
    let remote = stage.remote.load().origin().ascii_serialization();
    let pages = &stage.pages_origin;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; \
         connect-src 'self' {remote}; frame-src {pages}; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    under(&policy, page)
}

/// What an app's page may load: its own files, and what its manifest says.
pub(super) fn of_app(stage: &Stage) -> String {
    let allowed = &stage.manifest.page_permissions;
    let host = &stage.origin;
    let scripts = sources(allowed, "scripts", &allowed.scripts);
    let styles = sources(allowed, "styles", &allowed.styles);
    let of = |kind: &str| sources(allowed, kind, &[]);
    format!(
        "default-src 'self'; script-src 'self'{scripts}; style-src 'self'{styles}; \
         img-src 'self' data: blob:{}; font-src 'self' data:{}; media-src 'self' data: blob:{}; \
         connect-src 'self'{}; frame-src 'self'{}; form-action 'self'; base-uri 'self'; \
         frame-ancestors {host}",
        of("images"),
        of("fonts"),
        of("media"),
        of("fetch"),
        of("frames"),
    )
}

pub(super) fn under(policy: &str, page: impl IntoResponse) -> Response {
    let mut response = page.into_response();
    // Not a header only if the manifest's words are none: then nothing at all is allowed.
    let policy = HeaderValue::from_str(policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Keywords in quotes and addresses bare, each after a space.
fn sources(allowed: &PagePermissions, kind: &str, keywords: &[String]) -> String {
    let addresses = allowed.external.get(kind).into_iter().flatten();
    let keywords = keywords
        .iter()
        .map(|word| format!(" '{}'", word.trim_matches('\'')));
    let addresses = addresses.map(|address| format!(" {address}"));
    // A `;` would begin a directive of its own.
    keywords
        .chain(addresses)
        .filter(|source| !source.contains([';', ',']))
        .collect()
}
