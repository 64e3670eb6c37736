//! What `view.getContext` answers: the FIT's context, and what the product tells pages besides.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::emulator::{place, session::Session, stage::Stage, world};
use crate::manifest::UiModule;

/// `GET /host/{module}/context`
pub(super) async fn answer(State(stage): State<Arc<Stage>>, Path(key): Path<String>) -> Response {
    match stage.manifest.module(&key) {
        Some(module) => Json(of(&stage, module, &stage.session.get())).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn of(stage: &Stage, module: &UiModule, session: &Session) -> Value {
    let mut context = place::context(module, session);
    let app = stage.manifest.app_id;
    let scopes: Map<_, _> = stage
        .manifest
        .scopes
        .names()
        .map(|scope| (scope.to_owned(), json!({})))
        .collect();
    let more = json!({
        "accountId": session.user.account_id,
        "environmentId": format!(
            "ari:cloud:ecosystem::environment/{}/{}",
            app.uuid(),
            world::environment()
        ),
        "environmentType": session.environment.name(),
        "locale": "en-GB",
        "timezone": session.user.time_zone,
        "theme": {
            "colorMode": session.theme.name(),
            "light": "light",
            "dark": "dark",
            "spacing": "spacing",
            "typography": "typography",
        },
        "surfaceColor": null,
        "userAccess": {"enabled": true, "hasAccess": true},
        "permissions": {"scopes": scopes},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        context[name.as_str()] = value.clone();
    }
    if let Some(mut license) = session.license.claim(stage.clock.now()) {
        // The bridge's type has it always, the FIT for trials only.
        if license.get("trialEndDate").is_none() {
            license["trialEndDate"] = Value::Null;
        }
        context["license"] = license;
    }
    context
}
