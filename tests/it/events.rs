//! Events: acknowledged when they are on disk, and taken from the platform alone.

use std::{future::pending, path::Path};

use forge_remote::{
    Event, Events,
    store::jobs::{JobKind, JobState},
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::support::{
    app::{Setup, TestApp},
    claims::INSTALLATION,
    held::Held,
    kept::{Kept, acknowledged},
};

const PAGE_UPDATED: &str = "avi:confluence:updated:page";
const PAGE_CREATED: &str = "avi:confluence:created:page";

/// Handlers that take events and never end, so that what they were given stays to be seen.
fn events() -> Events {
    Events::new()
        .on_ordered(PAGE_UPDATED, "/content/id", async |_: Event| {
            pending().await
        })
        .on(PAGE_CREATED, async |_: Event| pending().await)
}

async fn setup() -> Setup {
    TestApp::setup().await.events(events())
}

async fn app() -> TestApp {
    setup().await.start().await
}

fn created(page: &str) -> Value {
    json!({
        "eventType": PAGE_CREATED,
        "atlassianId": "5f3c9a1be8d2470071b64c0d",
        "eventCreatedDate": "2026-07-29T08:00:03.114Z",
        "content": {"id": page, "type": "page", "title": "Wöche 31"},
    })
}

fn again(event: &Value) -> Value {
    let mut event = event.clone();
    event["retryContext"] =
        json!({"retryCount": 2, "retryReason": "TIMEOUT_ERROR", "retryData": null});
    event
}

#[tokio::test]
async fn an_event_is_on_disk_when_it_is_acknowledged() {
    let app = app().await;
    let event = created("4456481");
    let forge = app.as_platform();
    let trace = "463ac35c9f6413ad48485a3953bb6124";
    let answer = forge
        .header("x-b3-traceid", trace)
        .json(&event)
        .post("/forge/events");
    let (id, duplicate) = acknowledged(&answer.await);
    assert!(!duplicate);

    let kept = Kept::by(&app).await;
    let job = kept.job(id).await;
    assert_eq!(job.kind, JobKind::Event);
    assert_eq!(&*job.name, PAGE_CREATED);
    assert_eq!(job.installation, INSTALLATION.parse().unwrap());
    assert_eq!(job.trace.as_str(), trace);
    assert_eq!(kept.payload(id).await, event);
    assert!(kept.knows_installation().await);
}

#[tokio::test]
async fn what_comes_with_the_same_token_is_one_event() {
    let app = app().await;
    let forge = app.as_platform().json(&created("1"));
    let first = acknowledged(&forge.clone().post("/forge/events").await);
    let second = acknowledged(&forge.post("/forge/events").await);
    assert_eq!((first.1, second), (false, (first.0, true)));
    assert_eq!(Kept::by(&app).await.jobs().await.len(), 1);
}

#[tokio::test]
async fn a_redelivery_of_what_is_held_is_a_duplicate_in_any_form() {
    let app = app().await;
    let event = created("1");
    let (id, duplicate) = acknowledged(&app.as_platform().json(&event).post("/forge/events").await);
    assert!(!duplicate);
    for redelivery in [
        again(&event),
        json!({"payload": again(&event)}),
        json!({"payload": event, "retryContext": again(&event)["retryContext"]}),
    ] {
        let answer = app
            .as_platform()
            .json(&redelivery)
            .post("/forge/events")
            .await;
        assert_eq!(acknowledged(&answer), (id, true), "{redelivery}");
    }
    let kept = Kept::by(&app).await;
    assert_eq!(kept.jobs().await.len(), 1);
    assert_eq!(kept.payload(id).await, event);
}

#[tokio::test]
async fn a_redelivery_of_what_was_never_seen_is_taken() {
    let app = app().await;
    let event = created("1");
    let (_, duplicate) = acknowledged(
        &app.as_platform()
            .json(&again(&event))
            .post("/forge/events")
            .await,
    );
    assert!(!duplicate);
    // Of another installation, or for another module, it is another event.
    let theirs = app.as_platform_with(|fit| {
        let other = "ari:cloud:ecosystem::installation/00000000-4d08-4b6f-a3e1-5f20d8b9c647";
        fit.claim("/app/installationId", other)
            .claim("/app/installation/id", other)
    });
    let (_, duplicate) = acknowledged(&theirs.json(&again(&event)).post("/forge/events").await);
    assert!(!duplicate);
    let module = app.as_platform_with(|fit| fit.claim("/app/module/key", "more-events"));
    let (_, duplicate) = acknowledged(&module.json(&again(&event)).post("/forge/events").await);
    assert!(!duplicate);
}

#[tokio::test]
async fn two_first_deliveries_that_look_alike_are_two_events() {
    let app = app().await;
    let post = || app.as_platform().json(&created("1")).post("/forge/events");
    let (first, second) = (acknowledged(&post().await), acknowledged(&post().await));
    assert_ne!(first.0, second.0);
    assert_eq!((first.1, second.1), (false, false));
}

#[tokio::test]
async fn events_of_one_page_wait_for_each_other() {
    let app = app().await;
    let updated = |page: &str, n: u32| {
        let event = json!({"eventType": PAGE_UPDATED, "n": n, "content": {"id": page}});
        app.as_platform().json(&event).post("/forge/events")
    };
    let _ = acknowledged(&updated("1", 1).await);
    let (second, _) = acknowledged(&updated("1", 2).await);
    let (other, _) = acknowledged(&updated("2", 3).await);
    let kept = Kept::by(&app).await;
    assert_eq!(kept.job(second).await.state, JobState::Blocked);
    assert_ne!(kept.job(other).await.state, JobState::Blocked);
}

#[tokio::test]
async fn an_event_without_a_handler_is_acknowledged_counted_and_not_kept() {
    let app = app().await;
    let event = json!({"eventType": "avi:confluence:viewed:page"});
    let (_, duplicate) = acknowledged(&app.as_platform().json(&event).post("/forge/events").await);
    assert!(!duplicate);
    // Names are compared whole.
    let event = json!({"eventType": "avi:confluence:created:pag"});
    let _ = acknowledged(&app.as_platform().json(&event).post("/forge/events").await);
    assert_eq!(Kept::by(&app).await.jobs().await.len(), 0);
    let metrics = app.operator().get("/metrics").await;
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(text.contains("forge_events_unhandled_total"), "{text}");
}

#[tokio::test]
async fn a_token_that_a_browser_holds_is_refused_everywhere() {
    let app = TestApp::start().await;
    let paths = [
        (Method::POST, "/forge/events"),
        (Method::POST, "/forge/lifecycle"),
        (Method::POST, "/forge/scheduled"),
        (Method::POST, "/forge/scheduled/digest-hourly"),
        (Method::POST, "/forge/uninstall"),
        (Method::POST, "/forge/migration/schedule"),
        (Method::POST, "/forge/migration/start"),
        (Method::GET, "/forge/migration/status?migrationId=1"),
        (Method::POST, "/forge/migration/commit"),
        (Method::POST, "/forge/migration/rollback"),
    ];
    for (method, path) in paths {
        // Somebody who is signed in, and somebody on a public page.
        let user = app.as_forge();
        let visitor = app
            .anybody()
            .fit(|fit| fit.without("/principal"))
            .with_fit();
        // A FIT with a user in it is a page's, whatever module it names.
        let module = |fit: crate::support::caller::Fit| {
            fit.without("/context")
                .claim("/app/module/type", "core:endpoint")
        };
        let endpoint = app.anybody().fit(module).with_fit();
        for caller in [user, visitor, endpoint] {
            let answer = caller.json(&created("1")).send(method.clone(), path).await;
            let _ = answer.refused(403, "forbidden");
        }
        let answer = app.anybody().json(&created("1")).send(method, path).await;
        let _ = answer.refused(401, "missing_token");
    }
    assert!(Kept::by(&app).await.jobs().await.is_empty());
}

#[tokio::test]
async fn an_event_may_have_a_context() {
    let app = app().await;
    let forge = app.anybody().fit(|fit| {
        fit.without("/principal")
            .claim("/app/module/type", "core:endpoint")
    });
    let answer = forge
        .with_fit()
        .json(&created("1"))
        .post("/forge/events")
        .await;
    let _ = acknowledged(&answer);
}

#[tokio::test]
async fn a_body_that_is_no_event_is_refused() {
    let app = setup()
        .await
        .set("SERVER__MAX_BODY_BYTES", "4096")
        .start()
        .await;
    for (body, status, code) in [
        ("", 400, "bad_request"),
        ("{", 400, "bad_request"),
        ("[]", 422, "invalid_body"),
        ("{}", 422, "invalid_body"),
        (r#"{"eventType":"avi a"}"#, 422, "invalid_body"),
        (r#"{"eventType":7}"#, 422, "invalid_body"),
        (r#"{"payload":{}}"#, 422, "invalid_body"),
    ] {
        for path in ["/forge/events", "/forge/lifecycle"] {
            let answer = app
                .as_platform()
                .body("application/json", body)
                .post(path)
                .await;
            let _ = answer.refused(status, code);
        }
    }
    let large = created(&"1".repeat(4096));
    let answer = app.as_platform().json(&large).post("/forge/events").await;
    let _ = answer.refused(413, "payload_too_large");
    let answer = app.as_platform().get("/forge/events").await;
    let _ = answer.refused(405, "method_not_allowed");
    // The type of the body is not looked at.
    let body = created("1").to_string();
    let answer = app.as_platform().body("", body).post("/forge/events").await;
    let _ = acknowledged(&answer);
}

#[tokio::test]
async fn what_cannot_be_written_is_not_acknowledged() {
    let app = app().await;
    let first = app
        .as_platform()
        .json(&created("1"))
        .post("/forge/events")
        .await;
    let _ = acknowledged(&first);
    let mut database = database(app.folder.path()).await;
    let rename = "ALTER TABLE jobs RENAME TO elsewhere";
    sqlx::query(rename).execute(&mut database).await.unwrap();
    let event = created("2");
    let answer = app.as_platform().json(&event).post("/forge/events").await;
    let _ = answer.refused(503, "store_unavailable");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);

    let rename = "ALTER TABLE elsewhere RENAME TO jobs";
    sqlx::query(rename).execute(&mut database).await.unwrap();
    let answer = app
        .as_platform()
        .json(&again(&event))
        .post("/forge/events")
        .await;
    assert!(!acknowledged(&answer).1);
}

async fn database(folder: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}/store/test.db", folder.display());
    SqliteConnection::connect(&url).await.unwrap()
}

#[tokio::test]
async fn people_on_a_page_do_not_keep_events_out() {
    let held = Held::default();
    let app = setup().await.routes(held.route());
    let app = app.set("SERVER__MAX_IN_FLIGHT", "1").start().await;
    let request = tokio::spawn(app.anybody().get("/test/held"));
    held.entered().await;
    let _ = app
        .as_forge()
        .get("/api/invocation")
        .await
        .refused(503, "overloaded");
    let answer = app
        .as_platform()
        .json(&created("1"))
        .post("/forge/events")
        .await;
    let _ = acknowledged(&answer);
    held.release();
    assert_eq!(request.await.unwrap().status, 200);
}

#[tokio::test]
async fn many_at_once_are_all_kept() {
    let app = app().await;
    let posts = (0..200).map(|n| {
        let event = created(&n.to_string());
        tokio::spawn(app.as_platform().json(&event).post("/forge/events"))
    });
    let posts: Vec<_> = posts.collect();
    let mut ids = std::collections::HashSet::new();
    for post in posts {
        ids.insert(acknowledged(&post.await.unwrap()).0);
    }
    let kept: std::collections::HashSet<_> = Kept::by(&app)
        .await
        .jobs()
        .await
        .iter()
        .map(|job| job.id)
        .collect();
    assert_eq!((ids.len(), &kept), (200, &ids));
}
