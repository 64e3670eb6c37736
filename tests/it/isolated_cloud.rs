//! An installation in an Isolated Cloud: its app token goes to that cloud's storage alone.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, routing::get};
use forge_remote::{AppActor, Error, Event, Events, storage::Key};
use serde_json::json;
use tokio::{sync::Notify, time::timeout};

use crate::support::{
    app::TestApp,
    atlassian::json_answer,
    caller::Fit,
    keys::{OTHER_KEY, OTHER_KID},
};

const PAGE_CREATED: &str = "avi:confluence:created:page";

async fn note(app: &AppActor) -> Result<(), Error> {
    let key = Key::new("seen")?;
    Ok(app.storage().set(&key, &true).await?)
}

fn of_orange(fit: Fit) -> Fit {
    let fit = fit.claim("/icLabel", "orange");
    fit.key(OTHER_KEY).header("kid", OTHER_KID)
}

/// A service that keeps a note for each call and event, and where its storage calls went.
struct Scene {
    app: TestApp,
    event_noted: Arc<Notify>,
}

impl Scene {
    async fn start(template: Option<&str>) -> Self {
        let event_noted = Arc::new(Notify::new());
        let noted = Arc::clone(&event_noted);
        let events = Events::new().on(PAGE_CREATED, move |event: Event| {
            let noted = Arc::clone(&noted);
            async move {
                note(&event.as_app()?).await?;
                noted.notify_one();
                Ok(())
            }
        });
        let route = get(async |app: AppActor| note(&app).await.map(Json));
        let setup = TestApp::setup().await.without_digest();
        let api = setup.atlassian().url();
        let mut setup = setup
            .set(
                "FIT__ISOLATED_CLOUD_JWKS_URL",
                &format!("{api}/keys/{{IC_LABEL}}/jwks.json"),
            )
            .routes(Router::new().route("/api/note", route))
            .events(events);
        if let Some(template) = template {
            let url = template.replace("{API}", &api);
            setup = setup.set("ATLASSIAN__ISOLATED_CLOUD_STORAGE_URL", &url);
        }
        let app = setup.start().await;
        app.atlassian.answers(|call| match call.path.as_str() {
            "/keys/orange/jwks.json" => {
                json_answer(200, json!({"keys": [OTHER_KEY.jwk(OTHER_KID)]}))
            }
            _ => json_answer(200, json!(null)),
        });
        Self { app, event_noted }
    }

    /// A page of that installation calls.
    async fn page(&self, fit: impl FnOnce(Fit) -> Fit) {
        let caller = self.app.anybody().fit(fit).with_fit().app_token();
        let _ = caller.user_token().get("/api/note").await.ok();
    }

    /// Something happens in that installation, and is handled.
    async fn event(&self, fit: impl FnOnce(Fit) -> Fit) {
        let event = json!({"eventType": PAGE_CREATED, "content": {"id": "7"}});
        let forge = self.app.as_platform_with(fit).json(&event);
        assert_eq!(forge.post("/forge/events").await.status, 202);
        let noted = timeout(Duration::from_secs(20), self.event_noted.notified());
        noted.await.expect("the event is handled");
    }

    fn written_to(&self) -> Vec<String> {
        let calls = self.app.atlassian.calls().into_iter();
        let calls = calls.filter(|call| call.path.ends_with("/v1/set"));
        calls.map(|call| call.path).collect()
    }
}

#[tokio::test]
async fn what_an_isolated_installation_keeps_goes_to_the_storage_of_its_cloud() {
    let scene = Scene::start(Some("{API}/storage-of-{IC_LABEL}/kvs")).await;
    scene.page(of_orange).await;
    scene.event(of_orange).await;
    scene.page(|fit| fit).await;
    assert_eq!(
        scene.written_to(),
        [
            "/storage-of-orange/kvs/v1/set",
            "/storage-of-orange/kvs/v1/set",
            "/forge/storage/kvs/v1/set",
        ]
    );
}

#[tokio::test]
async fn without_a_template_there_is_one_storage_for_all() {
    let scene = Scene::start(None).await;
    scene.page(of_orange).await;
    assert_eq!(scene.written_to(), ["/forge/storage/kvs/v1/set"]);
}

#[tokio::test]
async fn a_storage_whose_host_is_not_listed_gets_nothing() {
    let scene = Scene::start(Some("http://localhost:9/{IC_LABEL}/kvs")).await;
    let caller = scene.app.anybody().fit(of_orange).with_fit().app_token();
    let answer = caller.user_token().get("/api/note").await;
    let _ = answer.refused(502, "upstream_error");
    assert!(scene.written_to().is_empty());
}
