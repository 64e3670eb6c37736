//! What holds of any value in a path: it stays in its place.

use proptest::{prelude::*, sample::select};

use super::*;
use crate::outbound::ApiHosts;

fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(vec![
            "/", "\\", ".", "..", "%", "%2e", "%2E", "%2f", "%252e", "%5C", "?", "#", ";", "&",
            "=", "@", ":", "//", "{id}", "{", "}", " ", "+", "\0", "\r\n", "ü", "\u{202e}",
            "\u{ff0e}", "\u{2024}", "~", "a",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-zA-Z0-9._~-]{1,8}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn filled(value: &str) -> Result<String, PathError> {
    fill("/before/{id}/after", &[("id".to_owned(), value.to_owned())]).map(Cow::into_owned)
}

fn percent_decoded(text: &str) -> Vec<u8> {
    // A form's `+` is the only thing that this reader takes for more than it is.
    let pair = format!("={}", text.replace('+', "%2B"));
    let (_, value) = url::form_urlencoded::parse(pair.as_bytes()).next().unwrap();
    value.into_owned().into_bytes()
}

proptest! {
    #[test]
    fn a_value_stays_in_its_place(value in value()) {
        let Ok(path) = filled(&value) else { return Ok(()) };
        let segments: Vec<_> = path.split('/').collect();
        let [empty, before, segment, after] = segments[..] else {
            return Err(TestCaseError::fail(path));
        };
        prop_assert_eq!((empty, before, after), ("", "before", "after"));
        prop_assert!(!segment.is_empty());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        prop_assert!(segment.bytes().all(plain), "{}", segment);
        prop_assert_eq!(percent_decoded(segment), value.as_bytes());

        // And so it does for whoever parses the URL, however often it is decoded.
        let base = ApiHosts::new(["api.atlassian.com"], false)
            .check("https://api.atlassian.com/ex/jira/1".parse().unwrap())
            .unwrap();
        let url = base.with_path(&path).unwrap();
        let whole = format!("https://api.atlassian.com/ex/jira/1{path}");
        prop_assert_eq!(url.url().as_str(), &whole);
        prop_assert!(!climbs(url.url().path()));
    }

    #[test]
    fn only_what_is_empty_or_climbs_is_refused(value in value()) {
        let dots = value.to_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
        let climbs = dots.split(['/', '\\']).any(|part| part == "." || part == "..");
        let refused = filled(&value).is_err();
        prop_assert_eq!(refused, value.is_empty() || climbs);
    }

    #[test]
    fn any_route_is_filled_or_refused(
        route in "(/|\\{[a-z_]{0,3}\\}?|[a-z.{}%]|ü){0,12}",
        values in prop::collection::vec(("[a-z_]{0,3}", value()), 0..4),
    ) {
        if let Ok(path) = fill(&route, &values) {
            // A name that is left would have been an error; what is left is no name.
            let names = values.iter().map(|(name, _)| format!("{{{name}}}"));
            let left: Vec<_> = names.filter(|name| name.len() > 2 && path.contains(name.as_str())).collect();
            prop_assert!(left.is_empty(), "{left:?} in {path}");
            prop_assert_eq!(
                path.matches('/').count(),
                route.matches('/').count()
            );
        }
    }
}
