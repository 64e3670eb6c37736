//! Tokens where none belongs: anywhere in a request but in `authorization`, and FITs even there.

use axum::http::{header, request::Parts};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Beginnings of every token: a JWT's, and that of those without a form.
const BEGINNINGS: [&str; 2] = ["eyJ", "OPQ"];

/// What says in its claims that a JWT is a FIT.
const ISSUER: &[u8] = b"forge/invocation-token";

/// A token that was found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stray {
    pub(crate) is_fit: bool,
    /// `the query`, `the header x-token`, …
    pub(crate) place: String,
}

/// The strays of one request. `is_ours` knows the OAuth tokens of the run.
pub(super) fn find(parts: &Parts, body: &[u8], is_ours: impl Fn(&str) -> bool) -> Vec<Stray> {
    let mut found = Vec::new();
    let mut look = |place: &str, text: &str, for_fits_only: bool| {
        for word in words(text) {
            let is_fit = is_fit(word);
            if is_fit || !for_fits_only && is_ours(word) {
                let place = place.to_owned();
                found.push(Stray { is_fit, place });
            }
        }
    };
    look("the path", parts.uri.path(), false);
    look("the query", parts.uri.query().unwrap_or_default(), false);
    look("the body", &String::from_utf8_lossy(body), false);
    for (name, value) in &parts.headers {
        let value = value.to_str().unwrap_or_default();
        let place = format!("the header {name}");
        look(&place, value, name == header::AUTHORIZATION);
    }
    found
}

/// Whatever could be a token in a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_token = |symbol: char| symbol.is_ascii_alphanumeric() || "-_.".contains(symbol);
    let words = text.split(move |symbol| !is_of_token(symbol));
    words.filter_map(|word| {
        let start = BEGINNINGS.iter().filter_map(|start| word.find(start)).min();
        start.and_then(|start| word.get(start..))
    })
}

fn is_fit(word: &str) -> bool {
    let claims = word.split('.').nth(1).unwrap_or_default();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
    memchr::memmem::find(&claims, ISSUER).is_some()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(uri: &str, authorization: &str) -> Parts {
        let request = Request::get(uri).header("authorization", authorization);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_token_is_at_home_in_authorization_alone() {
        let ours = |word: &str| word == "OPQ1";
        assert_eq!(find(&parts("/a", "Bearer OPQ1"), b"", ours), []);
        let places = |found: Vec<Stray>| found.into_iter().map(|it| it.place).collect::<Vec<_>>();
        assert_eq!(
            places(find(&parts("/a?t=OPQ1", ""), b"{\"t\":\"OPQ1\"}", ours)),
            ["the query", "the body"]
        );
        assert_eq!(find(&parts("/a?t=OPQ2", ""), b"", ours), []);
    }

    #[test]
    fn a_fit_is_at_home_nowhere() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"forge/invocation-token"}"#);
        let fit = format!("Bearer eyJh.{claims}.c2ln");
        let found = find(&parts("/a", &fit), b"", |_| false);
        assert_eq!(found.len(), 1);
        assert!(found[0].is_fit);
        assert_eq!(found[0].place, "the header authorization");
    }
}
