//! The console's page of events.

use std::time::Duration;

use super::{
    remote::{Remote, Reply, fast, settled},
    *,
};

pub(super) async fn post(
    played: &Played,
    path: &str,
    form: &[(&str, &str)],
) -> (u16, String, String) {
    let url = format!("{}{path}", played.running.console_url());
    let sent = played.http.post(url).form(form).send().await.unwrap();
    let location = sent.headers().get("location");
    let location = location.map(|value| value.to_str().unwrap().to_owned());
    let status = sent.status().as_u16();
    (
        status,
        location.unwrap_or_default(),
        sent.text().await.unwrap(),
    )
}

pub(super) async fn page(played: &Played, path: &str) -> (u16, String) {
    let url = format!("{}{path}", played.running.console_url());
    let sent = played.http.get(url).send().await.unwrap();
    let policy = sent.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"));
    (sent.status().as_u16(), sent.text().await.unwrap())
}

#[tokio::test]
async fn a_form_fires_an_event_and_leads_to_its_delivery() {
    let echo = Reply::Status(500, "<script>alert(1)</script>");
    let played = Played::with(Remote::answering([echo]).router(), fast).await;
    let form = [
        ("event", "avi:confluence:updated:page"),
        ("subject", "7405573"),
        ("user", world::PRIYA),
        ("burst", "1"),
        ("delay", "0"),
        ("wrapped", "on"),
        ("body", ""),
    ];
    let (status, location, _) = post(&played, "events/fire", &form).await;
    assert_eq!((status, location.as_str()), (303, "/events/1"));
    let fired = played.running.delivery(1).unwrap();
    let fired = settled(&played, &[fired]).await.remove(0);
    assert_eq!(fired.attempts.len(), 2);
    let (status, html) = page(&played, "events/1").await;
    assert_eq!(status, 200);
    assert!(html.contains("Welcome to Quarry") && html.contains("INVALID_REMOTE_INVOCATION_ERROR"));
    assert!(!html.contains("<script>"), "an answer is escaped");
    assert!(!html.contains(&played.app_token()));
    let (_, html) = page(&played, "events").await;
    assert!(html.contains("/events/1") && html.contains("avi:confluence:updated:page"));
    assert_eq!(page(&played, "events/2").await.0, 404);
}

#[tokio::test]
async fn what_cannot_be_fired_is_said_on_the_page() {
    let played = Played::with(Remote::default().router(), fast).await;
    for (form, text) in [
        (
            ("event", "avi:jira:created:issue"),
            "No trigger of the manifest",
        ),
        (("burst", "x"), "The burst is a number"),
        (("burst", "101"), "A burst has 1 to 100 events"),
        (("delay", "-1"), "The delay is a number"),
        (("body", "{oops"), "The body is not JSON"),
        (("body", "[]"), "An event is a JSON object"),
        (("subject", "<b>"), "no page or issue"),
    ] {
        let base = ("event", "avi:confluence:updated:page");
        let form: Vec<_> = if form.0 == "event" {
            vec![form]
        } else {
            vec![base, form]
        };
        let (status, _, html) = post(&played, "events/fire", &form).await;
        assert_eq!(status, 422, "{form:?}");
        assert!(html.contains(text), "{form:?}");
    }
    assert!(played.running.deliveries().is_empty());
}

#[tokio::test]
async fn the_buttons_lead_through_the_apps_life() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    assert_eq!(post(&played, "events/install", &[]).await.1, "/events/1");
    assert_eq!(post(&played, "events/install", &[]).await.0, 422);
    let upgraded = post(&played, "events/upgrade", &[("version", " 2.0.0 ")]).await;
    assert_eq!(upgraded.1, "/events/2");
    assert_eq!(
        post(&played, "events/upgrade", &[("version", "<b>")])
            .await
            .0,
        422
    );
    let run = post(&played, "events/schedule", &[("key", "digest-hourly")]).await;
    assert_eq!(run.0, 303);
    assert_eq!(post(&played, "events/uninstall", &[]).await.0, 303);
    let (_, html) = page(&played, "events").await;
    assert!(html.contains("The app is not installed"));
    let settling = [("refused", "403"), ("lasts", "600000")];
    assert_eq!(post(&played, "events/install", &settling).await.0, 303);
    assert!(
        page(&played, "events")
            .await
            .1
            .contains("products answer 403")
    );
    let paths: Vec<_> = remote.came().into_iter().map(|came| came.path).collect();
    for path in [
        "/forge/lifecycle",
        "/forge/scheduled/digest-hourly",
        "/forge/uninstall",
    ] {
        assert!(paths.iter().any(|came| came == path), "{path}");
    }
}

#[tokio::test]
async fn an_uninstall_that_takes_long_goes_on_behind_the_page() {
    let played = Played::with(Remote::answering([Reply::Never]).router(), |settings| {
        fast(settings);
        settings.uninstall_limit = Duration::from_millis(2500);
    })
    .await;
    let (status, location, _) = post(&played, "events/uninstall", &[]).await;
    assert_eq!((status, location.as_str()), (303, "/events"));
    let first = played.running.installation_id();
    let limit = Duration::from_secs(5);
    let ended = played.running.settled(1, limit).await.unwrap();
    assert_eq!(ended.occasion, Occasion::PreUninstall);
    // The install waits until the old one is removed.
    played.running.install().await.unwrap();
    assert_ne!(played.running.installation_id(), first);
}
