//! The list of hosts that may get a token, and what may stand behind a base URL.

use crate::outbound::ApiHosts;

fn hosts() -> ApiHosts {
    ApiHosts::new(["api.atlassian.com", "127.0.0.1", "localhost"], true)
}

fn allows(hosts: &ApiHosts, url: &str) -> bool {
    hosts.check(url.parse().unwrap()).is_ok()
}

#[test]
fn listed_hosts_get_a_token() {
    for url in [
        "https://api.atlassian.com/graphql",
        "https://API.atlassian.com:443/x",
        "http://127.0.0.1:4000/x",
        "http://localhost:1/x",
        "https://127.0.0.1:4000/x",
    ] {
        assert!(allows(&hosts(), url), "{url}");
    }
}

#[test]
fn no_other_host_gets_one() {
    for url in [
        "http://api.atlassian.com/graphql",
        "https://api.atlassian.com:8443/x",
        "https://api.atlassian.com.evil.example/x",
        "https://xapi.atlassian.com/x",
        "https://api.atlassian.com./x",
        "https://user@api.atlassian.com/x",
        "https://:pass@api.atlassian.com/x",
        "https://evil.example/api.atlassian.com",
        "https://api.atlassian.com@evil.example/",
        "http://127.0.0.2:4000/x",
        "ftp://api.atlassian.com/x",
        "data:text/plain,api.atlassian.com",
    ] {
        assert!(!allows(&hosts(), url), "{url}");
    }
}

#[test]
fn loopback_needs_https_in_production() {
    let production = ApiHosts::new(["127.0.0.1"], false);
    assert!(!allows(&production, "http://127.0.0.1:4000/x"));
    assert!(allows(&production, "https://127.0.0.1:4000/x"));
}

#[test]
fn a_path_goes_behind_the_base() {
    let base = hosts()
        .check("https://api.atlassian.com/ex/jira/1".parse().unwrap())
        .unwrap();
    let url = base.with_path("/rest/api/3/issue/QUA-1").unwrap();
    assert_eq!(
        url.url().as_str(),
        "https://api.atlassian.com/ex/jira/1/rest/api/3/issue/QUA-1"
    );
    let encoded = base.with_path("/rest/a b/ü").unwrap();
    assert_eq!(encoded.url().path(), "/ex/jira/1/rest/a%20b/%C3%BC");
}

#[test]
fn no_path_leaves_the_base() {
    let base = hosts()
        .check("https://api.atlassian.com/ex/jira/1".parse().unwrap())
        .unwrap();
    for path in [
        "",
        "x",
        "/../2",
        "/a/..",
        "/%2e%2E/2",
        "/.%2e/2",
        "//evil",
        "/a\\..\\b",
        "/a?b",
        "/a#b",
        "/a\n",
    ] {
        assert!(base.with_path(path).is_none(), "{path:?}");
    }
}
