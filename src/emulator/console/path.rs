//! What of a URL stands on a page.

use url::Url;

/// Path and query of a URL.
pub(super) fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
