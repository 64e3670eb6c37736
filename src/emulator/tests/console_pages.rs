//! The console's timeline: its filters, its trees, its news, and what it never shows.

use std::time::Duration;

use super::{
    events_console::{page, post},
    remote::{Remote, Reply, fast, fired},
    *,
};
use crate::emulator::{
    console::MAX_LISTENERS,
    events::FireEvent,
    world::{JONAS, MIRA},
};

const UPDATED: &str = "avi:confluence:updated:page";

/// An invocation that is good, one that is rejected, an event, a tick, and a call of nobody's.
async fn busy() -> Played {
    let remote = Remote::answering([
        Reply::Status(200, "{}"),
        Reply::Status(404, r#"{"error": {"message": "no"}}"#),
    ]);
    let played = Played::with(remote.router(), fast).await;
    for (user, path) in [(MIRA, "/api/good"), (JONAS, "/api/missing")] {
        let invoke = Invoke::get(user, "digest-page", path);
        played.running.invoke(invoke).await.unwrap();
    }
    fired(&played, &FireEvent::new(UPDATED)).await;
    let tick = played.running.fire_schedule("digest-hourly").unwrap();
    let limit = Duration::from_secs(10);
    played.running.settled(tick.id, limit).await.unwrap();
    let url = played.api("confluence", "/wiki/rest/api/stray");
    played.http.get(url).send().await.unwrap();
    played
}

/// What each row of the list leads to, in its order.
fn rows(html: &str) -> Vec<&str> {
    let rows = html.split("<a id=\"row-").skip(1);
    rows.map(|row| {
        row.split("href=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
    })
    .collect()
}

#[tokio::test]
async fn the_timeline_has_everything_and_each_filter_its_part() {
    let played = busy().await;
    let installation = played.running.installation_id().to_string();
    let installation = format!("?installation={}", installation.replace(':', "%3A"));
    let all = [
        "/calls/1",
        "/events/2",
        "/events/1",
        "/invocations/2",
        "/invocations/1",
    ];
    for (query, found) in [
        ("", &all[..]),
        ("?kind=invocation", &all[3..]),
        ("?kind=event", &all[2..3]),
        ("?kind=tick", &all[1..2]),
        ("?kind=call", &all[..1]),
        ("?kind=fired", &all[1..3]),
        ("?outcome=error", &all[..1]),
        ("?outcome=failed", &all[3..4]),
        ("?outcome=good&kind=invocation", &all[4..]),
        ("?module=digest-hourly", &all[1..2]),
        (installation.as_str(), &all[1..]),
        ("?installation=other", &[]),
        ("?kind=nonsense&outcome=nonsense&before=nonsense", &all),
        ("?before=4", &all[2..]),
    ] {
        let (status, html) = page(&played, query).await;
        assert_eq!(status, 200);
        assert_eq!(rows(&html), found, "{query}");
    }
    let (_, html) = page(&played, "?kind=tick").await;
    assert!(html.contains("<option value=\"tick\" selected>"));
    assert!(html.contains("1 of 5 entries"));
    let (_, html) = page(&played, "events").await;
    assert_eq!(rows(&html), &all[1..3]);
    let (_, html) = page(&played, "?module=%3Cscript%3E").await;
    assert!(!html.contains("<script>"));
}

#[tokio::test]
async fn a_long_list_is_turned_page_by_page() {
    let played = Played::with(Remote::default().router(), fast).await;
    let url = played.api("confluence", "/wiki/rest/api/stray");
    for _ in 0..120 {
        played.http.get(&url).send().await.unwrap();
    }
    let (mut seen, mut path) = (Vec::new(), String::new());
    for _ in 0..3 {
        let (_, html) = page(&played, &path).await;
        seen.extend(rows(&html).into_iter().map(str::to_owned));
        let Some(next) = html.split("rel=\"next\" href=\"/").nth(1) else {
            break;
        };
        path = next.split('"').next().unwrap().replace("&amp;", "&");
        assert!(html.contains("120 entries"));
    }
    let expected: Vec<_> = (1..=120).rev().map(|id| format!("/calls/{id}")).collect();
    assert_eq!(seen, expected);
    // Older pages do not change under whoever reads them.
    let (_, html) = page(&played, "?before=100").await;
    assert!(!html.contains("id=\"pulse\"") && html.contains("← Newest"));
}

#[tokio::test]
async fn news_are_parts_of_the_page_and_come_when_there_are_any() {
    let played = busy().await;
    let old = page(&played, "live/timeline?since=0").await.1;
    let html = page(&played, "").await.1;
    for part in ["count", "rows"] {
        let of = |html: &str| {
            let start = html.find(&format!("id=\"{part}\"")).unwrap();
            let text = html[start..].replace(" hx-swap-oob=\"true\"", "");
            let text = text.replace(" hx-swap-oob=\"innerHTML\"", "");
            let end = if part == "count" { "</p>" } else { "</table>" };
            text.split_once(end).unwrap().0.to_owned()
        };
        assert_eq!(of(&old), of(&html), "{part}");
    }
    assert!(
        html.contains("<tbody>") && rows(&html).len() == 5,
        "no script is needed"
    );
    // It waits as long as nothing happens, and no longer.
    let since = html.split("since=").nth(1).unwrap();
    let since = since.split('"').next().unwrap();
    let path = format!("live/timeline?kind=tick&since={since}");
    let happening = async {
        until_somebody_waits(&played).await;
        played.running.fire_schedule("digest-hourly").unwrap();
    };
    let ((status, news), ()) = tokio::join!(page(&played, &path), happening);
    assert_eq!((status, rows(&news)), (200, vec!["/events/3", "/events/2"]));
    assert!(news.contains("id=\"banner\"") && !news.contains("<html"));
}

async fn until_somebody_waits(played: &Played) {
    while played.running.stage.listeners.available_permits() == MAX_LISTENERS {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_page_of_one_is_told_of_a_call_that_comes_after_its_answer() {
    let played = busy().await;
    for path in ["invocations/1", "events/1"] {
        let html = page(&played, path).await.1;
        let address = html.split("hx-get=\"/").nth(1).unwrap();
        let address = address.split('"').next().unwrap().replace("&amp;", "&");
        let url = played.api("confluence", "/wiki/rest/api/content");
        let trace = match path {
            "events/1" => played.running.delivery(1).unwrap().attempts[0]
                .trace_id
                .clone(),
            _ => played.running.journal().pop().unwrap().trace_id,
        };
        let call = played.http.get(url).header("x-b3-traceid", trace.as_str());
        let calling = async {
            until_somebody_waits(&played).await;
            call.send().await.unwrap();
        };
        let ((_, news), ()) = tokio::join!(page(&played, &address), calling);
        assert!(news.contains("/wiki/rest/api/content"));
        assert!(news.contains("The remote's work after its answer"));
        let swapped = news.matches("hx-swap-oob=\"true\"").count();
        assert_eq!(swapped, 2, "the tree and the banner: {news}");
        let address = address.replace("settled=true", "settled=false");
        let (_, news) = page(&played, &address).await;
        assert!(news.contains("id=\"answered\""), "until it is settled");
    }
    let gone = page(&played, "live/invocations/99").await;
    assert!(
        !gone.1.contains("pulse"),
        "nobody asks again for what is forgotten"
    );
}

#[tokio::test]
async fn so_many_pages_wait_and_no_more_and_a_stop_ends_them() {
    let played = Played::start().await;
    let version = played.running.stage.journal.version();
    let url = format!(
        "{}live/timeline?since={version}",
        played.running.console_url()
    );
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..MAX_LISTENERS {
        waiting.spawn(played.http.get(&url).send());
    }
    while played.running.stage.listeners.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let refused = played.http.get(&url).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let Played { running, .. } = played;
    let stage = std::sync::Arc::clone(&running.stage);
    running.stop().await;
    while let Some(ended) = waiting.join_next().await {
        assert_eq!(ended.unwrap().unwrap().status(), 200);
    }
    assert_eq!(stage.listeners.available_permits(), MAX_LISTENERS);
}

#[tokio::test]
async fn every_post_from_elsewhere_is_turned_away() {
    let played = busy().await;
    for path in [
        "invoke",
        "invocations/1/again",
        "invocations/1/curl",
        "events/1/again",
        "events/1/curl",
        "events/fire",
        "events/schedule",
        "events/install",
        "events/upgrade",
        "events/uninstall",
        "faults",
        "faults/off",
        "faults/rotate",
        "faults/retire",
    ] {
        let url = format!("{}{path}", played.running.console_url());
        let sent = played
            .http
            .post(url)
            .header("origin", "https://evil.example");
        let sent = sent.form(&[("fault", "all")]).send().await.unwrap();
        assert_eq!(sent.status(), 403, "{path}");
    }
    assert_eq!(played.running.journal().len(), 2);
}

#[tokio::test]
async fn no_page_shows_a_token_that_nobody_asked_for() {
    let remote =
        Router::new().fallback(axum::routing::any(|headers: http::HeaderMap| async move {
            axum::Json(serde_json::json!({"seen": format!("{headers:?}")}))
        }));
    let played = Played::with(remote, fast).await;
    let invoke = Invoke::get(MIRA, "digest-page", "/api/echo");
    played.running.invoke(invoke).await.unwrap();
    fired(&played, &FireEvent::new(UPDATED)).await;
    post(&played, "invocations/1/curl", &[]).await;
    post(&played, "events/1/curl", &[]).await;
    let tokens = [played.app_token(), played.user_token(MIRA)];
    for path in [
        "",
        "events",
        "storage",
        "faults",
        "site",
        "invocations/1",
        "events/1",
        "live/timeline?since=0",
        "live/invocations/1?since=0",
        "live/events/1?since=0",
    ] {
        let (_, html) = page(&played, path).await;
        for token in &tokens {
            assert!(!html.contains(token), "{path}");
        }
        assert!(!html.contains("Bearer eyJ0eXAiOiJ"), "{path}");
    }
}

#[tokio::test]
async fn what_pages_load_is_embedded_and_asked_for_once() {
    let played = Played::start().await;
    let html = page(&played, "").await.1;
    for (name, kind) in [
        ("htmx.js", "text/javascript; charset=utf-8"),
        ("console.js", "text/javascript; charset=utf-8"),
        ("console.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        assert!(html.contains(&format!("\"/{name}\"")), "{name}");
        let url = format!("{}{name}", played.running.console_url());
        let sent = played.http.get(&url).send().await.unwrap();
        assert_eq!(sent.headers()["content-type"], kind);
        assert_eq!(sent.headers()["cache-control"], "no-cache");
        let tag = sent.headers()["etag"].clone();
        assert!(tag.as_bytes().starts_with(b"\""), "it is strong");
        let again = played.http.get(&url).header("if-none-match", &tag);
        let again = again.send().await.unwrap();
        assert_eq!(
            (again.status().as_u16(), &again.headers()["etag"]),
            (304, &tag)
        );
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let sent = played.http.get(played.running.console_url()).send().await;
    assert_eq!(sent.unwrap().headers()["cache-control"], "no-store");
}
