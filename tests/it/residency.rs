//! Data residency: the hooks that the platform calls when a site moves.

use std::sync::{Arc, Mutex};

use forge_remote::{
    Invocation,
    residency::{self, DataResidency, Migration, MigrationError, MigrationId, Progress},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{answer::Answer, app::TestApp};

type NewError = fn() -> MigrationError;

/// An app that says what a test wants, and remembers what it was asked.
#[derive(Clone, Default)]
struct Hooks {
    asked: Arc<Mutex<Vec<String>>>,
    refuses: Arc<Mutex<Option<NewError>>>,
}

impl Hooks {
    fn says<T>(&self, asked: String, answer: T) -> Result<T, MigrationError> {
        self.asked.lock().unwrap().push(asked);
        match *self.refuses.lock().unwrap() {
            Some(error) => Err(error()),
            None => Ok(answer),
        }
    }

    fn refuse(&self, error: fn() -> MigrationError) {
        *self.refuses.lock().unwrap() = Some(error);
    }

    async fn app(&self) -> TestApp {
        let routes = residency::routes(self.clone());
        TestApp::setup()
            .await
            .without_digest()
            .routes(routes)
            .start()
            .await
    }
}

impl DataResidency for Hooks {
    async fn schedule(&self, by: &Invocation, it: &Migration) -> Result<(), MigrationError> {
        let (from, to) = (it.start_time.as_deref(), it.end_time.as_deref());
        let window = format!("{} {}", from.unwrap_or("-"), to.unwrap_or("-"));
        let site = by.installation().uuid();
        self.says(
            format!("schedule {} {} {window} {site}", it.id, it.location),
            (),
        )
    }

    async fn start(&self, _: &Invocation, it: &Migration) -> Result<(), MigrationError> {
        self.says(format!("start {} {}", it.id, it.location), ())
    }

    async fn status(&self, _: &Invocation, id: MigrationId) -> Result<Progress, MigrationError> {
        self.says(format!("status {id}"), Progress::Running)
    }

    async fn commit(&self, _: &Invocation, id: MigrationId) -> Result<(), MigrationError> {
        self.says(format!("commit {id}"), ())
    }

    async fn rollback(&self, _: &Invocation, id: MigrationId) -> Result<(), MigrationError> {
        self.says(format!("rollback {id}"), ())
    }
}

fn plan() -> Value {
    json!({
        "startTime": "2026-09-05T00:00:00.000Z", "endTime": "2026-09-06T00:00:00.000Z",
        "location": "EU", "migrationId": 57500,
    })
}

/// All five hooks, in the order of a migration.
async fn migrate(app: &TestApp) -> Vec<Answer> {
    let named = json!({"migrationId": 57500});
    let post = |hook: &str, body: &Value| {
        let path = format!("/forge/migration/{hook}");
        let caller = app.as_platform().json(body);
        async move { caller.post(&path).await }
    };
    let status = "/forge/migration/status?migrationId=57500";
    vec![
        post("schedule", &plan()).await,
        post("start", &plan()).await,
        app.as_platform().get(status).await,
        post("commit", &named).await,
        post("rollback", &named).await,
    ]
}

#[tokio::test]
async fn the_hooks_get_what_the_platform_says() {
    let hooks = Hooks::default();
    let app = hooks.app().await;
    let answers = migrate(&app).await;
    let statuses: Vec<_> = answers.iter().map(|it| it.status.as_u16()).collect();
    assert_eq!(statuses, [204, 204, 200, 204, 204]);
    assert_eq!(answers[2].json(), json!({"status": "in-progress"}));
    assert_eq!(answers[2].header("content-type"), "application/json");
    assert_eq!(
        *hooks.asked.lock().unwrap(),
        [
            "schedule 57500 EU 2026-09-05T00:00:00.000Z 2026-09-06T00:00:00.000Z \
             9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647",
            "start 57500 EU",
            "status 57500",
            "commit 57500",
            "rollback 57500",
        ]
    );
}

#[tokio::test]
async fn the_app_that_ships_has_nothing_to_move() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        let answers = migrate(&app).await;
        assert_eq!(answers[2].ok(), json!({"status": "ready-to-commit"}));
        for (at, answer) in answers.iter().enumerate() {
            assert!(answer.status.is_success(), "{at}");
        }
    }
}

#[tokio::test]
async fn each_failure_has_the_platforms_code() {
    let hooks = Hooks::default();
    let app = hooks.app().await;
    let errors: [(NewError, &str); 5] = [
        (|| MigrationError::NotScheduled, "E0001"),
        (|| MigrationError::RegionUnsupported, "E0002"),
        (|| MigrationError::Unsupported, "E0003"),
        (|| MigrationError::TooMany, "E0004"),
        (|| MigrationError::failed("the bucket is gone"), "E9999"),
    ];
    for (error, code) in errors {
        hooks.refuse(error);
        for (at, answer) in migrate(&app).await.into_iter().enumerate() {
            assert_eq!(answer.header("content-type"), "application/json");
            if at == 2 {
                let failed = json!({"status": "failed", "errorResponseCode": code});
                assert_eq!(answer.ok(), failed);
            } else {
                assert!(
                    !answer.status.is_success() && answer.status != 401,
                    "{code} {at}"
                );
                assert_eq!(answer.json(), json!({"errorResponseCode": code}));
            }
        }
    }
}

#[tokio::test]
async fn what_may_go_better_later_has_no_code() {
    let hooks = Hooks::default();
    let app = hooks.app().await;
    hooks.refuse(|| MigrationError::try_again("the bucket is slow"));
    for answer in migrate(&app).await {
        let _ = answer.refused(503, "overloaded");
        assert!(answer.json().get("errorResponseCode").is_none());
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_documented_one_is_refused() {
    let hooks = Hooks::default();
    let app = hooks.app().await;
    for (body, status, code) in [
        ("", 400, "bad_request"),
        ("[", 400, "bad_request"),
        ("[]", 422, "invalid_body"),
        ("{}", 422, "invalid_body"),
        (r#"{"migrationId":"x"}"#, 422, "invalid_body"),
        (r#"{"migrationId":-1,"location":"EU"}"#, 422, "invalid_body"),
    ] {
        for hook in ["schedule", "start", "commit", "rollback"] {
            let forge = app.as_platform().body("application/json", body);
            let answer = forge.post(&format!("/forge/migration/{hook}")).await;
            let _ = answer.refused(status, code);
        }
    }
    let no_region = r#"{"migrationId":1,"location":"a b"}"#;
    let forge = app.as_platform().body("application/json", no_region);
    let _ = forge
        .post("/forge/migration/start")
        .await
        .refused(422, "invalid_body");
    for query in ["", "?migrationId=", "?migrationId=x", "?migration=1"] {
        let answer = app
            .as_platform()
            .get(&format!("/forge/migration/status{query}"))
            .await;
        let _ = answer.refused(400, "bad_request");
    }
    let large = format!("{{\"migrationId\":1,\"x\":\"{}\"}}", "x".repeat(65 * 1024));
    let forge = app.as_platform().body("application/json", large);
    let _ = forge
        .post("/forge/migration/commit")
        .await
        .refused(413, "payload_too_large");
    assert!(hooks.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_app_without_hooks_has_no_such_routes() {
    let app = TestApp::setup().await.without_digest().start().await;
    for answer in migrate(&app).await {
        let _ = answer.refused(404, "not_found");
    }
    let hooks = Hooks::default().app().await;
    let answer = hooks
        .as_platform()
        .send(Method::GET, "/forge/migration/start")
        .await;
    let _ = answer.refused(405, "method_not_allowed");
}
