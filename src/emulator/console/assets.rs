//! What the pages load besides themselves: all of it is in the binary.

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::emulator::stage::Stage;

/// A browser asks whether its copy is the present one; a newer binary has others.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

struct Asset {
    content_type: &'static str,
    text: &'static str,
}

const STYLE: Asset = Asset {
    content_type: "text/css; charset=utf-8",
    text: include_str!("style.css"),
};
const ICON: Asset = Asset {
    content_type: "image/svg+xml",
    text: include_str!("icon.svg"),
};
const SCRIPT: Asset = Asset {
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("console.js"),
};
/// htmx 2.0.11, see `htmx/README.md`.
const HTMX: Asset = Asset {
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("htmx/htmx.min.js"),
};

pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/console.css", get(async |headers| serve(&headers, &STYLE)))
        .route("/icon.svg", get(async |headers| serve(&headers, &ICON)))
        .route("/console.js", get(async |headers| serve(&headers, &SCRIPT)))
        .route("/htmx.js", get(async |headers| serve(&headers, &HTMX)))
}

fn serve(headers: &HeaderMap, asset: &Asset) -> Response {
    let tag = tag(asset.text);
    let held = headers.get(header::IF_NONE_MATCH);
    let is_present = held.is_some_and(|held| held.as_bytes() == tag.as_bytes());
    let mut response = if is_present {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static(asset.content_type);
        ([(header::CONTENT_TYPE, kind)], asset.text).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, REVALIDATE);
    headers.extend(HeaderValue::from_str(&tag).map(|tag| (header::ETAG, tag)));
    response
}

/// A strong validator: the text's SHA-256.
fn tag(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_htmx_is_the_version_that_is_credited() {
        let version = "2.0.11";
        assert!(HTMX.text.contains(&format!("version:\"{version}\"")));
        assert!(include_str!("htmx/README.md").starts_with(&format!("# htmx {version}\n")));
        assert!(include_str!("htmx/LICENSE").starts_with("Zero-Clause BSD"));
    }

    #[test]
    fn another_text_has_another_tag() {
        assert_eq!(tag("a"), tag("a"));
        assert_ne!(tag("a"), tag("b"));
        assert!(tag("a").starts_with('"') && tag("a").ends_with('"'));
    }
}
