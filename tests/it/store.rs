//! What the remote keeps of its installations, and that no invocation depends on it.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{Router, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use forge_remote::{Error, Event, Events, Forge, Invocation, error::ErrorCode};
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::support::{
    app::TestApp,
    atlassian::json_answer,
    caller::Fit,
    claims::{APP_TOKEN, CLOUD, COLLEAGUE, INSTALLATION, now},
    kept::acknowledged,
    log::MARK,
};

/// A database that fails: another process has taken a table away.
pub(crate) struct Failing(SqliteConnection);

impl Failing {
    pub(crate) async fn new(folder: &Path) -> Self {
        let url = format!("sqlite://{}/store/test.db", folder.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let rename = "ALTER TABLE installations RENAME TO elsewhere";
        sqlx::query(rename).execute(&mut connection).await.unwrap();
        Self(connection)
    }

    pub(crate) async fn mended(mut self) {
        let rename = "ALTER TABLE elsewhere RENAME TO installations";
        sqlx::query(rename).execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}

async fn app_token_of(app: &TestApp) -> Option<String> {
    let id = INSTALLATION.parse().unwrap();
    let actor = app.forge.installation(&id).await.ok()?.as_app();
    app.atlassian
        .answers(|call| axum::response::IntoResponse::into_response(call.token().to_owned()));
    let confluence = actor.ok()?.confluence().unwrap();
    Some(
        confluence
            .get("/wiki/rest/api/whoami")
            .send()
            .await
            .unwrap()
            .text()
            .unwrap(),
    )
}

#[tokio::test]
async fn background_work_finds_an_installation_by_id_and_by_site() {
    let app = TestApp::start().await;
    assert!(
        app.forge
            .installation(&INSTALLATION.parse().unwrap())
            .await
            .is_err()
    );
    let _ = app.as_forge().get("/api/invocation").await.ok();
    assert_eq!(app_token_of(&app).await.as_deref(), Some(APP_TOKEN));
    let there = app
        .forge
        .installations_of_cloud(&CLOUD.parse().unwrap())
        .await
        .unwrap();
    assert_eq!(there.len(), 1);
    assert_eq!(
        there[0].record().site_url.as_deref(),
        Some("https://quarry.atlassian.net")
    );
}

#[tokio::test]
async fn an_installation_outlives_a_restart_and_its_token_is_not_readable_on_disk() {
    let app = TestApp::setup()
        .await
        .set(
            "STORE__ENCRYPTION_KEY",
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        )
        .start()
        .await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    let folder = app.stopped().await;
    for file in std::fs::read_dir(folder.path().join("store")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(MARK));
    }
    let again = TestApp::setup()
        .await
        .set(
            "STORE__ENCRYPTION_KEY",
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        )
        .folder(folder)
        .start()
        .await;
    let id = INSTALLATION.parse().unwrap();
    let known = again.forge.installation(&id).await.unwrap();
    assert_eq!(known.record().app_version.as_deref(), Some("4.2.0"));
    assert!(known.as_app().is_ok());
}

#[tokio::test]
async fn an_invocation_does_not_wait_for_a_store_that_fails() {
    let app = TestApp::start().await;
    let failing = Failing::new(app.folder.path()).await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    // In memory it is known all the same.
    assert_eq!(app_token_of(&app).await.as_deref(), Some(APP_TOKEN));
    let ready = app.operator().get("/readyz").await;
    assert_eq!(
        (ready.status.as_u16(), &ready.json()["store"]),
        (503, &false.into())
    );
    failing.mended().await;
    let _ = app.operator().get("/readyz").await.ok();
    let folder = app.stopped().await;
    // What was remembered meanwhile was written once that was possible.
    let again = TestApp::setup().await.folder(folder).start().await;
    assert!(
        again
            .forge
            .installation(&INSTALLATION.parse().unwrap())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_page_does_not_replace_the_app_token_that_lives() {
    let app = TestApp::start().await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    // Whoever sits at a browser has a FIT, and may put any header beside it.
    let forged = app
        .anybody()
        .with_fit()
        .header("x-forge-oauth-system", "forged-t0psecret");
    let _ = forged.get("/api/invocation").await.ok();
    assert_eq!(app_token_of(&app).await.as_deref(), Some(APP_TOKEN));
}

#[tokio::test]
async fn the_platforms_token_takes_the_place_of_one_that_a_page_made_up() {
    let app = TestApp::start().await;
    // It claims to live longer than any that the platform sends.
    let claims = URL_SAFE_NO_PAD.encode(json!({"exp": now() + 14_000}).to_string());
    let forged = format!("t0psecret.{claims}.t0psecret");
    let page = || {
        let caller = app.anybody().with_fit();
        caller.header("x-forge-oauth-system", &forged)
    };
    let _ = page().get("/api/invocation").await.ok();
    assert_eq!(app_token_of(&app).await.as_ref(), Some(&forged));
    let event = json!({"eventType": "avi:test"});
    let _ = acknowledged(&app.as_platform().json(&event).post("/forge/events").await);
    assert_eq!(app_token_of(&app).await.as_deref(), Some(APP_TOKEN));
    let _ = page().get("/api/invocation").await.ok();
    assert_eq!(app_token_of(&app).await.as_deref(), Some(APP_TOKEN));
}

#[tokio::test]
async fn a_job_does_not_take_the_token_of_a_page() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::clone(&seen);
    let (ran, mut runs) = tokio::sync::mpsc::unbounded_channel();
    let events = Events::new().on("avi:test", move |event: Event| {
        let outcome = event.as_app().map(drop);
        let code = outcome.as_ref().err().map(Error::code);
        inside.lock().unwrap().push(code);
        let _ = ran.send(());
        async { Ok(outcome?) }
    });
    let app = TestApp::setup().await.events(events).start().await;
    let page = app.anybody().with_fit();
    let page = page.header("x-forge-oauth-system", "forged-t0psecret");
    let _ = page.get("/api/invocation").await.ok();
    let event = json!({"eventType": "avi:test"});
    // The endpoint's manifest has no token for it.
    let bare = app.anybody().fit(Fit::of_platform).with_fit();
    let _ = acknowledged(&bare.json(&event).post("/forge/events").await);
    runs.recv().await.unwrap();
    // The next event brings one: both have it.
    let _ = acknowledged(&app.as_platform().json(&event).post("/forge/events").await);
    for _ in 0..2 {
        runs.recv().await.unwrap();
    }
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, [Some(ErrorCode::MissingAppToken), None, None]);
}

#[tokio::test]
async fn a_page_does_not_get_the_app_token_for_one_that_it_made_up() {
    let app = TestApp::setup().await.routes(routes()).start().await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    app.atlassian.answers(|call| {
        let status = if call.token() == APP_TOKEN { 200 } else { 401 };
        json_answer(status, json!({"results": []}))
    });
    let forged = || {
        let caller = app.anybody().with_fit().user_token();
        caller.header("x-forge-oauth-system", "forged-t0psecret")
    };
    for path in ["/api/content?as=app", "/test/as"] {
        let answer = forged().get(path).await;
        let _ = answer.refused(502, "upstream_unauthorized");
    }
    let calls = app.atlassian.calls();
    assert!(calls.iter().all(|call| call.token() == "forged-t0psecret"));
    // What is remembered is untouched.
    assert_eq!(app_token_of(&app).await.as_deref(), Some(APP_TOKEN));
}

fn routes() -> Router<Forge> {
    let as_colleague = async |invocation: Invocation| -> Result<(), Error> {
        invocation.as_account(&COLLEAGUE.parse().unwrap()).await?;
        Ok(())
    };
    Router::new().route("/test/as", get(as_colleague))
}

#[tokio::test]
async fn background_work_knows_the_primary_product_however_its_base_is_written() {
    let app = TestApp::start().await;
    for base in [
        "{api}/ex/confluence/{cloud}/",
        "{api}/x/ex/confluence/{cloud}",
    ] {
        let base = base
            .replace("{api}", &app.atlassian.url())
            .replace("{cloud}", CLOUD);
        let caller = app.anybody().fit(|fit| fit.claim("/app/apiBaseUrl", base));
        let _ = caller
            .with_fit()
            .app_token()
            .get("/api/invocation")
            .await
            .ok();
        let known = app.forge.installation(&INSTALLATION.parse().unwrap()).await;
        let actor = known.unwrap().as_account(&COLLEAGUE.parse().unwrap()).await;
        assert!(actor.is_ok(), "{actor:?}");
    }
}
