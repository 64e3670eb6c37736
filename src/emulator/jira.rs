//! A small Jira: the user, the user's permissions, issues and their search.

mod search;

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access::{Refusal, not_played},
    stage::Stage,
    tokens::Grant,
    world::{self, Issue, SITE_URL},
};

const USER: &[&str] = &["read:jira-user", "read:user:jira"];
const WORK: &[&str] = &["read:jira-work", "read:issue:jira"];
const PERMISSION: &[&str] = &["read:jira-work", "read:permission:jira"];

/// The API under `/ex/jira/<cloudId>`.
pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/rest/api/3/myself", get(myself))
        .route("/rest/api/3/mypermissions", get(my_permissions))
        .route("/rest/api/3/issue/{key}", get(issue))
        .route(
            "/rest/api/3/search/jql",
            get(search::get).post(search::post),
        )
        .fallback(not_played)
}

#[derive(Debug, Deserialize)]
struct Key {
    key: String,
}

#[derive(Debug, Deserialize)]
struct PermissionsQuery {
    permissions: Option<String>,
}

async fn myself(Extension(grant): Extension<Grant>) -> Result<Json<Value>, Refusal> {
    grant.require(USER)?;
    let mut body = person(&grant.sub);
    body["locale"] = "en_GB".into();
    Ok(Json(body))
}

async fn my_permissions(
    State(stage): State<Arc<Stage>>,
    Extension(grant): Extension<Grant>,
    Query(query): Query<PermissionsQuery>,
) -> Result<Json<Value>, Refusal> {
    grant.require(PERMISSION)?;
    let Some(asked) = query.permissions.filter(|asked| !asked.is_empty()) else {
        return Err(error(
            StatusCode::BAD_REQUEST,
            "The 'permissions' query parameter is required.",
        ));
    };
    let administrator = stage.session.get().administers(&grant.sub);
    let mut permissions = Map::new();
    for key in asked.split(',').map(str::trim) {
        let (id, name, kind, have) = match key {
            "ADMINISTER" => ("0", "Administer Jira", "GLOBAL", administrator),
            "BROWSE_PROJECTS" => ("10", "Browse Projects", "PROJECT", true),
            _ => {
                return Err(error(
                    StatusCode::BAD_REQUEST,
                    &format!("Unrecognized permission: {}", key.escape_debug()),
                ));
            }
        };
        permissions.insert(
            key.to_owned(),
            json!({"id": id, "key": key, "name": name, "type": kind, "description": name, "havePermission": have}),
        );
    }
    Ok(Json(json!({"permissions": permissions})))
}

async fn issue(
    Extension(grant): Extension<Grant>,
    Path(Key { key }): Path<Key>,
) -> Result<Json<Value>, Refusal> {
    grant.require(WORK)?;
    world::ISSUES
        .iter()
        .filter(|issue| issue.audience.admits(&grant.sub))
        .find(|issue| issue.key.eq_ignore_ascii_case(&key) || issue.id == key)
        .map(|issue| Json(issue_json(issue)))
        .ok_or_else(|| {
            error(
                StatusCode::NOT_FOUND,
                "Issue does not exist or you do not have permission to see it.",
            )
        })
}

fn issue_json(issue: &Issue) -> Value {
    let (type_id, type_name) = issue.kind;
    json!({
        "id": issue.id,
        "key": issue.key,
        "self": format!("{SITE_URL}/rest/api/3/issue/{}", issue.id),
        "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
        "fields": {
            "summary": issue.summary,
            "issuetype": {"id": type_id, "name": type_name, "subtask": false},
            "status": {"name": issue.status},
            "project": {"id": world::PROJECT_ID, "key": world::PROJECT_KEY, "name": world::PROJECT_NAME},
            "assignee": person(issue.assignee),
            "reporter": person(issue.reporter),
            "updated": issue.updated,
        },
    })
}

fn person(account_id: &str) -> Value {
    let user = world::user(account_id);
    json!({
        "self": format!("{SITE_URL}/rest/api/3/user?accountId={account_id}"),
        "accountId": account_id,
        "accountType": if user.is_some() { "atlassian" } else { "app" },
        "displayName": user.map_or("Digest", |user| user.name),
        "emailAddress": user.map_or("", |user| user.email),
        "active": user.is_none_or(|user| user.active),
        "timeZone": user.map_or("Etc/UTC", |user| user.time_zone),
    })
}

fn error(status: StatusCode, message: &str) -> Refusal {
    Refusal::new(status, json!({"errorMessages": [message], "errors": {}}))
}
