//! Who is answered: a host page's own script, and nobody else.

use super::*;

const DOORS: [&str; 5] = ["invoke", "fit", "fetched", "session", "theme"];

#[tokio::test]
async fn another_site_and_the_apps_own_page_are_turned_away() {
    let hosted = Hosted::start().await;
    let pages = hosted.pages_url("");
    for door in DOORS {
        let url = hosted.url(&format!("/host/page/{door}"));
        for (name, value) in [
            ("origin", pages.as_str()),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let request = hosted.played.http.post(&url).header(name, value).body("{}");
            let sent = request.send().await.unwrap();
            assert_eq!(sent.status(), 403, "{door} {name} {value}");
        }
    }
    assert!(hosted.played.running.journal().is_empty());
}

#[tokio::test]
async fn the_context_is_read_by_the_pages_own_script_only() {
    let hosted = Hosted::start().await;
    let read = async |site: &str| {
        let request = hosted.played.http.get(hosted.url("/host/page/context"));
        let request = request
            .header("sec-fetch-mode", "cors")
            .header("sec-fetch-site", site);
        let sent = request.send().await.unwrap();
        assert!(!sent.headers().contains_key("access-control-allow-origin"));
        sent.status().as_u16()
    };
    assert_eq!(read("same-origin").await, 200);
    assert_eq!(read("same-site").await, 403);
    assert_eq!(read("cross-site").await, 403);
}

#[tokio::test]
async fn the_listener_of_pages_has_no_doors() {
    let hosted = Hosted::start().await;
    for path in [
        "/",
        "/host",
        "/host/page/context",
        "/.well-known/jwks.json",
        "/graphql",
        "/ex/confluence/x/wiki/rest/api/content",
    ] {
        let sent = hosted.played.http.get(hosted.pages_url(path)).send().await;
        assert_eq!(sent.unwrap().status(), 404, "{path}");
    }
    let foreign = hosted
        .played
        .http
        .get(hosted.pages_url("/ui/index.html"))
        .header("host", "evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 421);
}
