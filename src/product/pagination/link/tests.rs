use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::outbound::ApiHosts;

fn base(url: &str) -> ApiUrl {
    ApiHosts::new(["api.atlassian.com", "api.bitbucket.org"], false)
        .check(url.parse().unwrap())
        .unwrap()
}

fn site() -> ApiUrl {
    base("https://api.atlassian.com/ex/confluence/1")
}

#[test]
fn an_allowed_link_keeps_its_path_and_query() {
    for (link, url) in [
        (
            "/rest/api/content?start=2#x",
            "/wiki/rest/api/content?start=2",
        ),
        (
            "/wiki/api/v2/pages?cursor=a%3D",
            "/wiki/api/v2/pages?cursor=a%3D",
        ),
        ("/ex/confluence/1/wiki/x?", "/wiki/x?"),
        (
            "https://api.atlassian.com/ex/confluence/1/wiki/x",
            "/wiki/x",
        ),
        (
            "HTTPS://API.atlassian.com:443/ex/confluence/1/wiki/a%20b?c=d",
            "/wiki/a%20b?c=d",
        ),
        ("/wikis/x", "/wiki/wikis/x"),
    ] {
        let resolved = resolve(Api::Confluence, &site(), link).unwrap();
        assert_eq!(
            resolved.url().as_str(),
            format!("https://api.atlassian.com/ex/confluence/1{url}"),
            "{link}"
        );
    }
}

#[test]
fn only_confluence_has_a_wiki() {
    let base = base("https://api.bitbucket.org/");
    let resolved = resolve(Api::Bitbucket, &base, "/2.0/x?page=2").unwrap();
    assert_eq!(
        resolved.url().as_str(),
        "https://api.bitbucket.org/2.0/x?page=2"
    );
}

#[test]
fn next_is_found_among_links() {
    for (header, next) in [
        (r#"</a?x=1,2>; rel="next""#, Some("/a?x=1,2")),
        (r"</a>;rel=next", Some("/a")),
        (
            r#"</p>; rel="prev", </n>; title="a, b"; REL="last Next""#,
            Some("/n"),
        ),
        (r#"</p>; rel="prev""#, None),
        (r#"</a>; title="rel""#, None),
        (r"</a", None),
        ("", None),
        (r#"; rel="next""#, None),
    ] {
        let headers = HeaderMap::from_iter([(header::LINK, HeaderValue::from_static(header))]);
        let found = next_of(&headers);
        assert_eq!(found.as_deref(), next, "{header}");
    }
}

/// Texts that are nearly links.
fn link() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/",
        "//",
        "..",
        ".",
        "%2e",
        "%2F",
        "..%2F",
        "/..%5c",
        "%5c",
        "\\",
        "?",
        "#",
        "@",
        ":",
        "&",
        "=",
        "ex",
        "confluence",
        "1",
        "2",
        "wiki",
        "https:",
        "http:",
        "api.atlassian.com",
        "evil.example",
        "443",
        "8443",
        "rest",
        "api",
        "cursor",
        " ",
        "\t",
        "\n",
        "ü",
        "\u{202e}",
        "%",
        "%00",
    ]);
    prop_oneof![
        prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat()),
        "\\PC{0,60}",
        "(https://api\\.atlassian\\.com)?/ex/confluence/1[/.%a-z0-9?]{0,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_link_leaves_the_base(link in link(), api in prop::sample::select(vec![Api::Confluence, Api::Jira, Api::Bitbucket])) {
        let site = site();
        if let Ok(resolved) = resolve(api, &site, &link) {
            let url = resolved.url();
            prop_assert_eq!(url.origin(), site.url().origin());
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(url.path().starts_with("/ex/confluence/1/"), "{}", url);
            prop_assert!(!climbs(url.path()), "{}", url);
            // What the HTTP client parses again is what was checked.
            let again: Url = url.as_str().parse().unwrap();
            prop_assert_eq!(&again, url);
        }
    }

    #[test]
    fn no_link_header_breaks_it(header in "\\PC{0,80}|(<[^>]{0,10}>?;? ?rel=\"?(next|prev)\"?,? ?){0,4}") {
        if let Ok(value) = HeaderValue::from_bytes(header.as_bytes()) {
            let headers = HeaderMap::from_iter([(header::LINK, value)]);
            let _ = next_of(&headers);
        }
    }
}
