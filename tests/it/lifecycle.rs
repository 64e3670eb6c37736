//! Installed, upgraded, and gone.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use forge_remote::{
    Event, Events, JobError,
    deadline::Deadline,
    inbox::{Lifecycle, Uninstalling},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{
    answer::Answer,
    app::TestApp,
    atlassian::json_answer,
    claims::INSTALLATION,
    kept::{Kept, acknowledged},
};

const INSTALLED: &str = "avi:forge:installed:app";
const UPGRADED: &str = "avi:forge:upgraded:app";
const UNINSTALLED: &str = "avi:forge:uninstalled:app";

fn installed() -> Value {
    json!({
        "id": "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647",
        "installerAccountId": "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458",
        "app": {"id": "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21", "version": "4.2.0"},
        "context": "ari:cloud:jira::site/3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85",
    })
}

fn upgraded() -> Value {
    let account = "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458";
    json!({"upgraderAccountId": account, "permissions": {"scopes": []}})
}

async fn is_known(app: &TestApp) -> bool {
    app.forge
        .installation(&INSTALLATION.parse().unwrap())
        .await
        .is_ok()
}

/// A remote that an installation has called, and that has a job for it which never ends.
async fn with_an_installation(events: Events) -> TestApp {
    let events = events.on("avi:test", async |_: Event| pending().await);
    let app = TestApp::setup().await.events(events).start().await;
    let event = json!({"eventType": "avi:test"});
    let _ = acknowledged(&app.as_platform().json(&event).post("/forge/events").await);
    assert!(is_known(&app).await);
    app
}

async fn uninstall(app: &TestApp) -> Answer {
    app.as_platform()
        .json(&json!({}))
        .post("/forge/uninstall")
        .await
}

async fn assert_gone(app: &TestApp) {
    let kept = Kept::by(app).await;
    assert!(!kept.knows_installation().await);
    assert_eq!(kept.jobs().await.len(), 0);
    assert!(!is_known(app).await);
}

#[tokio::test]
async fn an_installation_is_on_disk_when_its_event_is_acknowledged() {
    let mut typed = installed();
    typed["eventType"] = INSTALLED.into();
    for (path, body) in [
        ("/forge/lifecycle", &installed()),
        ("/forge/lifecycle", &upgraded()),
        ("/forge/events", &typed),
    ] {
        // Nobody handles it.
        let app = TestApp::setup().await.events(Events::new()).start().await;
        let _ = acknowledged(&app.as_platform().json(body).post(path).await);
        let kept = Kept::by(&app).await;
        assert!(kept.knows_installation().await, "{path} {body}");
        assert_eq!(kept.jobs().await.len(), 0);
    }
}

#[tokio::test]
async fn a_lifecycle_event_without_a_type_gets_its_handler() {
    let events = Events::new()
        .on_installed(async |_: Event<Lifecycle>| pending().await)
        .on_upgraded(async |_: Event<Lifecycle>| pending().await);
    let app = TestApp::setup().await.events(events).start().await;
    let kept = Kept::by(&app).await;
    for (body, name) in [(installed(), INSTALLED), (upgraded(), UPGRADED)] {
        for path in ["/forge/lifecycle", "/forge/events"] {
            let (id, _) = acknowledged(&app.as_platform().json(&body).post(path).await);
            assert_eq!(&*kept.job(id).await.name, name);
        }
    }
}

#[tokio::test]
async fn an_uninstall_runs_its_handler_and_then_everything_goes() {
    let seen: Arc<Mutex<Option<(String, Deadline)>>> = Arc::default();
    let inside = Arc::clone(&seen);
    let events = Events::new().on_uninstalling(move |leaving: Uninstalling| {
        let seen = Arc::clone(&inside);
        async move {
            let jira = leaving.as_app()?.jira()?;
            jira.get("/rest/api/3/serverInfo").send().await?;
            let deadline = leaving.deadline();
            let record = (leaving.installation().to_string(), deadline);
            *seen.lock().unwrap() = Some(record);
            Ok(())
        }
    });
    let app = with_an_installation(events).await;
    app.atlassian.answers(|_| json_answer(200, json!({})));
    let answer = uninstall(&app).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    let (installation, deadline) = seen.lock().unwrap().take().expect("the handler ran");
    assert_eq!(installation, INSTALLATION);
    let left = deadline.remaining();
    assert!(
        left > Duration::from_secs(40) && left < Duration::from_secs(55),
        "{left:?}"
    );
    assert_gone(&app).await;
    // And again: there is nothing left to do.
    assert_eq!(uninstall(&app).await.status, 204);
    assert_gone(&app).await;
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_spares_nothing() {
    let fails = Events::new().on_uninstalling(async |_| Err(JobError::retry("it went wrong")));
    let panics = Events::new().on_uninstalling(async |_| panic!("a bug"));
    let panics_at_once = Events::new()
        .on_uninstalling(|_| -> std::future::Ready<Result<(), JobError>> { panic!("a bug") });
    for events in [Events::new(), fails, panics, panics_at_once] {
        let app = with_an_installation(events).await;
        assert_eq!(uninstall(&app).await.status, 204);
        assert_gone(&app).await;
    }
}

#[tokio::test]
async fn the_body_of_an_uninstall_does_not_matter() {
    for (content_type, body) in [("", ""), ("application/json", "{"), ("text/plain", "bye")] {
        let app = with_an_installation(Events::new()).await;
        let forge = app.as_platform().body(content_type, body);
        assert_eq!(forge.post("/forge/uninstall").await.status, 204);
        assert_gone(&app).await;
    }
}

#[tokio::test]
async fn a_platform_that_hangs_up_spares_nothing() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, released) = (Arc::clone(&entered), Arc::clone(&release));
    let events = Events::new().on_uninstalling(move |_| {
        let (entered, release) = (Arc::clone(&inside), Arc::clone(&released));
        async move {
            entered.notify_one();
            release.notified().await;
            Ok(())
        }
    });
    let app = with_an_installation(events).await;
    let request = tokio::spawn(app.as_platform().post("/forge/uninstall"));
    entered.notified().await;
    request.abort();
    let _ = request.await;
    assert!(is_known(&app).await);
    release.notify_one();
    let deadline = Deadline::after(Duration::from_secs(10));
    deadline
        .bound(async {
            while is_known(&app).await {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("it is deleted");
    assert_gone(&app).await;
}

#[tokio::test]
async fn the_old_event_of_an_uninstall_deletes_where_nobody_handles_it() {
    let event = json!({"eventType": UNINSTALLED});
    let app = with_an_installation(Events::new()).await;
    let _ = acknowledged(
        &app.as_platform()
            .json(&event)
            .post("/forge/lifecycle")
            .await,
    );
    assert_gone(&app).await;

    let events = Events::new().on(UNINSTALLED, async |_: Event| pending().await);
    let app = with_an_installation(events).await;
    let (id, _) = acknowledged(&app.as_platform().json(&event).post("/forge/events").await);
    let kept = Kept::by(&app).await;
    assert_eq!(&*kept.job(id).await.name, UNINSTALLED);
    assert!(kept.knows_installation().await);
}

#[tokio::test]
async fn an_uninstall_that_the_store_does_not_take_is_told() {
    let app = with_an_installation(Events::new()).await;
    let failing = crate::store::Failing::new(app.folder.path()).await;
    let _ = uninstall(&app).await.refused(503, "store_unavailable");
    failing.mended().await;
    assert_eq!(uninstall(&app).await.status, 204);
    assert_gone(&app).await;
}

#[tokio::test]
async fn what_comes_right_after_an_uninstall_is_acknowledged_and_dropped() {
    let app = with_an_installation(Events::new()).await;
    assert_eq!(uninstall(&app).await.status, 204);
    let event = json!({"eventType": "avi:test"});
    for _ in 0..2 {
        let answer = app.as_platform().json(&event).post("/forge/events").await;
        assert!(!acknowledged(&answer).1);
    }
    assert_gone(&app).await;
}

#[tokio::test]
async fn an_uninstall_keeps_no_event_out() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, released) = (Arc::clone(&entered), Arc::clone(&release));
    let events = Events::new().on_uninstalling(move |_| {
        let (entered, release) = (Arc::clone(&inside), Arc::clone(&released));
        async move {
            entered.notify_one();
            release.notified().await;
            Ok(())
        }
    });
    let app = TestApp::setup().await.events(events);
    let app = app.set("SERVER__MAX_IN_FLIGHT", "1").start().await;
    let request = tokio::spawn(app.as_platform().post("/forge/uninstall"));
    entered.notified().await;
    let _ = app
        .as_platform()
        .post("/forge/uninstall")
        .await
        .refused(503, "overloaded");
    let event = json!({"eventType": "avi:test"});
    let _ = acknowledged(&app.as_platform().json(&event).post("/forge/events").await);
    let _ = app.as_forge().get("/api/invocation").await.ok();
    release.notify_one();
    assert_eq!(request.await.unwrap().status, 204);
}

#[tokio::test]
async fn a_stop_lets_an_uninstall_delete() {
    let entered = Arc::new(Notify::new());
    let inside = Arc::clone(&entered);
    let events = Events::new().on_uninstalling(move |leaving: Uninstalling| {
        let entered = Arc::clone(&inside);
        async move {
            entered.notify_one();
            // Ends with the drain, and not by itself.
            let _ = leaving.deadline().bound(pending::<()>()).await;
            Ok(())
        }
    });
    let mut app = TestApp::setup().await.events(events).start().await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    let kept = Kept::by(&app).await;
    let request = tokio::spawn(app.as_platform().post("/forge/uninstall"));
    entered.notified().await;
    app.tell_to_stop();
    let _folder = app.stopped().await;
    assert!(!kept.knows_installation().await);
    let _ = request.await;
}
