use axum::routing::get;

use super::*;
use crate::emulator::world::{JONAS, MIRA};

fn remote() -> Router {
    Router::new().route(
        "/api/content",
        get(|| async {
            axum::Json(serde_json::json!({"results": [
                {"id": "5341191", "title": "On-call handbook"},
                {"id": "7405594", "title": "Salary bands 2027"},
                {"id": "1", "title": "<script>alert(1)</script>"},
            ]}))
        }),
    )
}

async fn send(
    played: &Played,
    form: &[(&str, &str)],
    headers: &[(&str, &str)],
) -> reqwest::Response {
    let url = format!("{}invoke", played.running.console_url());
    let mut request = played.http.post(url).form(form);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

const FORM: [(&str, &str); 5] = [
    ("user", MIRA),
    ("module", "digest-page"),
    ("method", "GET"),
    ("path", "/api/content?limit=10"),
    ("body", ""),
];

#[tokio::test]
async fn a_form_leads_to_the_page_of_its_invocation() {
    let played = Played::with(remote(), |_| {}).await;
    let sent = send(&played, &FORM, &[]).await;
    assert_eq!(sent.status(), 303);
    assert_eq!(sent.headers()["location"], "/invocations/1");
    let url = format!("{}invocations/1", played.running.console_url());
    let page = played.http.get(url).send().await.unwrap();
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    assert!(!policy.contains("unsafe"));
    let html = page.text().await.unwrap();
    assert!(html.contains("Salary bands 2027"));
    assert!(html.contains(" 2 of 9"));
    assert!(!html.contains("<script>"), "HTML of an answer is escaped");
    for token in [played.app_token(), played.user_token(MIRA)] {
        assert!(!html.contains(&token));
    }
}

#[tokio::test]
async fn a_preset_overrides_what_stands_in_the_form() {
    let played = Played::with(remote(), |_| {}).await;
    let mut form = FORM.to_vec();
    form[2] = ("method", "DELETE");
    form.push(("preset", "/api/content?as=app"));
    send(&played, &form, &[]).await;
    let request = &played.running.journal()[0].request;
    assert_eq!(request.method, "GET");
    assert_eq!(request.url.query(), Some("as=app"));
}

#[tokio::test]
async fn posts_from_other_sites_are_turned_away() {
    let played = Played::start().await;
    let ours = played.running.stage.origin.clone();
    for headers in [
        [("origin", "https://evil.example"), ("x-a", "b")],
        [("origin", "null"), ("x-a", "b")],
        [("origin", ours.as_str()), ("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(
            send(&played, &FORM, &headers).await.status(),
            403,
            "{headers:?}"
        );
    }
    assert!(played.running.journal().is_empty());
    let own = [("origin", ours.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(send(&played, &FORM, &own).await.status(), 303);
}

#[tokio::test]
async fn another_site_loads_and_frames_nothing_and_may_link_to_a_page() {
    let played = Played::start().await;
    let loads = async |mode: &str, dest: &str, site: &str| {
        let url = format!("{}/live/timeline?since=9", played.running.stage.origin);
        let request = played.http.get(url).header("sec-fetch-mode", mode);
        let request = request.header("sec-fetch-dest", dest);
        let sent = request.header("sec-fetch-site", site).send().await.unwrap();
        sent.status().as_u16()
    };
    for site in ["cross-site", "same-site"] {
        assert_eq!(loads("no-cors", "empty", site).await, 403);
        assert_eq!(loads("no-cors", "image", site).await, 403);
        assert_eq!(loads("navigate", "iframe", site).await, 403);
        assert_eq!(loads("navigate", "document", site).await, 200);
    }
    assert_eq!(loads("cors", "empty", "same-origin").await, 200);
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_on_the_page() {
    let played = Played::start().await;
    for (at, field, text) in [
        (
            3,
            ("path", "//evil.example"),
            "must stay on the remote: start it with a single <code>/</code>.",
        ),
        (2, ("method", "G ET"), "The method is none"),
        (
            0,
            ("user", world::TOMAS),
            "No active user has that account id.",
        ),
    ] {
        let mut form = FORM.to_vec();
        form[at] = field;
        let sent = send(&played, &form, &[]).await;
        assert_eq!(sent.status(), 422);
        assert!(sent.text().await.unwrap().contains(text));
    }
    let mut form = FORM.to_vec();
    form[2] = ("method", "POST");
    form[4] = ("body", "{oops");
    assert!(
        send(&played, &form, &[])
            .await
            .text()
            .await
            .unwrap()
            .contains("not JSON")
    );
}

#[tokio::test]
async fn home_and_missing_pages_are_pages() {
    let played = Played::start().await;
    let home = played
        .http
        .get(played.running.console_url())
        .send()
        .await
        .unwrap();
    let html = home.text().await.unwrap();
    assert!(html.contains("A Forge platform on your machine") && html.contains(JONAS));
    let site = format!("{}site", played.running.console_url());
    let site = played.http.get(site).send().await.unwrap();
    assert!(
        site.text()
            .await
            .unwrap()
            .contains("Who may see which page")
    );
    for path in ["invocations/9", "nowhere"] {
        let url = format!("{}{path}", played.running.console_url());
        assert_eq!(played.http.get(url).send().await.unwrap().status(), 404);
    }
}
