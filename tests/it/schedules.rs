//! Scheduled triggers: however a tick names its schedule, it is one job.

use std::{future::pending, time::Duration};

use forge_remote::{
    Schedule, Tick,
    inbox::Interval,
    store::jobs::{JobId, JobKind},
};
use serde_json::json;

use crate::support::{
    answer::Answer,
    app::TestApp,
    caller::Caller,
    claims::INSTALLATION,
    kept::{Kept, acknowledged},
};

async fn app() -> TestApp {
    let schedule = Schedule::new()
        .on_every(Interval::Hour, "digest-hourly", async |_: Tick| {
            pending().await
        })
        .on("often", async |_: Tick| pending().await);
    TestApp::setup().await.schedule(schedule).start().await
}

/// A tick whose FIT names that module.
fn of_module(app: &TestApp, key: &str) -> Caller {
    app.as_platform_with(|fit| fit.claim("/app/module/key", key))
}

async fn name_of(app: &TestApp, answer: &Answer) -> String {
    let (id, duplicate) = acknowledged(answer);
    assert!(!duplicate);
    Kept::by(app).await.job(id).await.name.to_string()
}

#[tokio::test]
async fn a_tick_is_on_disk_when_it_is_acknowledged() {
    let app = app().await;
    let answer = app
        .as_platform()
        .post("/forge/scheduled/digest-hourly")
        .await;
    let (id, _) = acknowledged(&answer);
    let kept = Kept::by(&app).await;
    let job = kept.job(id).await;
    assert_eq!(job.kind, JobKind::Tick);
    assert_eq!(&*job.name, "digest-hourly");
    assert_eq!(job.installation, INSTALLATION.parse().unwrap());
    assert!(kept.knows_installation().await);
}

#[tokio::test]
async fn the_path_the_module_or_the_body_names_the_schedule() {
    let named = json!({"context": {"cloudId": "x", "moduleKey": "digest-hourly"}});
    let app = app().await;
    let answer = of_module(&app, "digest-hourly")
        .post("/forge/scheduled")
        .await;
    assert_eq!(name_of(&app, &answer).await, "digest-hourly");
    // The FIT's word counts before the body's.
    let answer = of_module(&app, "often")
        .json(&named)
        .post("/forge/scheduled")
        .await;
    assert_eq!(name_of(&app, &answer).await, "often");

    let app = self::app().await;
    let answer = app
        .as_platform()
        .json(&named)
        .post("/forge/scheduled")
        .await;
    assert_eq!(name_of(&app, &answer).await, "digest-hourly");
    // The path's counts before both.
    let path = "/forge/scheduled/often";
    let answer = of_module(&app, "digest-hourly")
        .json(&named)
        .post(path)
        .await;
    assert_eq!(name_of(&app, &answer).await, "often");
}

#[tokio::test]
async fn any_body_will_do() {
    for (content_type, body) in [
        ("", ""),
        ("application/json", ""),
        ("application/json", "{}"),
        ("text/plain", "not JSON at all"),
        ("application/json", r#"{"context": 7}"#),
        ("application/json", "\u{0}"),
    ] {
        let app = app().await;
        let tick = || of_module(&app, "digest-hourly").body(content_type, body);
        let answer = tick().post("/forge/scheduled").await;
        assert_eq!(name_of(&app, &answer).await, "digest-hourly");
        let answer = tick().post("/forge/scheduled/often").await;
        assert_eq!(name_of(&app, &answer).await, "often");
    }
}

#[tokio::test]
async fn a_tick_that_comes_twice_is_one_job() {
    let app = app().await;
    let tick = async |path: &'static str| acknowledged(&app.as_platform().post(path).await);
    let (id, duplicate) = tick("/forge/scheduled/digest-hourly").await;
    assert!(!duplicate);
    assert_eq!(tick("/forge/scheduled/digest-hourly").await, (id, true));
    assert!(!tick("/forge/scheduled/often").await.1, "another schedule");
    let theirs = app.as_platform_with(|fit| {
        let other = "ari:cloud:ecosystem::installation/00000000-4d08-4b6f-a3e1-5f20d8b9c647";
        fit.claim("/app/installationId", other)
            .claim("/app/installation/id", other)
    });
    let answer = theirs.post("/forge/scheduled/digest-hourly").await;
    assert!(!acknowledged(&answer).1, "another installation");
    assert_eq!(Kept::by(&app).await.jobs().await.len(), 3);
}

#[tokio::test]
async fn a_schedule_without_a_handler_is_acknowledged_and_not_kept() {
    let app = app().await;
    let paths = [
        "/forge/scheduled/weekly",
        "/forge/scheduled",
        "/forge/scheduled/a%2Fb%00",
    ];
    let mut ids: Vec<JobId> = Vec::new();
    for path in paths {
        let (id, duplicate) = acknowledged(&app.as_platform().post(path).await);
        assert!(!duplicate && !ids.contains(&id));
        ids.push(id);
    }
    assert_eq!(Kept::by(&app).await.jobs().await.len(), 0);
}

#[tokio::test]
async fn the_platforms_patience_bounds_each_route() {
    use axum::{Router, routing::get};
    use forge_remote::Invocation;

    async fn left(invocation: Invocation) -> String {
        invocation.deadline().remaining().as_millis().to_string()
    }
    let routes = Router::new()
        .route("/forge/mine", get(left))
        .route("/mine", get(left));
    let app = TestApp::setup().await.routes(routes).start().await;
    let left = async |path: &'static str| {
        let text = String::from_utf8(app.as_forge().get(path).await.body).unwrap();
        Duration::from_millis(text.parse().unwrap())
    };
    assert!(left("/forge/mine").await <= Duration::from_millis(4500));
    assert!(left("/mine").await > Duration::from_secs(10));
}
