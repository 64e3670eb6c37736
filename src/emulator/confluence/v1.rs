//! `/wiki/rest/api`: offsets, `_links.next`, expansions.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{visible, web_path};
use crate::emulator::{
    access::Refusal,
    stage::Stage,
    tokens::Grant,
    world::{self, Page, SITE_URL},
};

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 250;
/// Content without expansions.
const SUMMARY: &[&str] = &[
    "read:confluence-content.summary",
    "read:confluence-content.all",
    "read:content-details:confluence",
];
/// Content with expansions.
const ALL: &[&str] = &[
    "read:confluence-content.all",
    "read:content-details:confluence",
];
const USER: &[&str] = &["read:confluence-user", "read:content-details:confluence"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListQuery {
    limit: Option<String>,
    start: Option<String>,
    r#type: Option<String>,
    space_key: Option<String>,
    title: Option<String>,
    expand: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OneQuery {
    expand: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Id {
    id: String,
}

pub(super) async fn list(
    Extension(grant): Extension<Grant>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    let expand = Expansions::of(query.expand.as_deref());
    grant.require(if expand.any() { ALL } else { SUMMARY })?;
    let limit = number("limit", query.limit.as_deref(), DEFAULT_LIMIT)?.min(MAX_LIMIT);
    let start = number("start", query.start.as_deref(), 0)?;
    let kind = query.r#type.as_deref().unwrap_or("page");
    if !matches!(kind, "page" | "blogpost") {
        return Err(bad_request(&format!(
            "Unsupported content type: {}",
            kind.escape_debug()
        )));
    }
    let pages: Vec<_> = visible(&grant.sub, |page| {
        kind == "page"
            && query
                .space_key
                .as_deref()
                .is_none_or(|key| key == page.space)
            && query
                .title
                .as_deref()
                .is_none_or(|title| title == page.title)
    })
    .collect();
    let shown: Vec<_> = pages.iter().skip(start).take(limit).collect();
    let mut links = json!({
        "base": format!("{SITE_URL}/wiki"),
        "context": "/wiki",
        "self": format!("{SITE_URL}/wiki/rest/api/content"),
    });
    if limit > 0 && start + shown.len() < pages.len() {
        links["next"] = next_link(&query, limit, start + shown.len()).into();
    }
    Ok(Json(json!({
        "results": shown.iter().map(|page| content(page, expand)).collect::<Vec<_>>(),
        "start": start,
        "limit": limit,
        "size": shown.len(),
        "_links": links,
    })))
}

pub(super) async fn one(
    Extension(grant): Extension<Grant>,
    Path(Id { id }): Path<Id>,
    Query(query): Query<OneQuery>,
) -> Result<Json<Value>, Refusal> {
    let expand = Expansions::of(query.expand.as_deref());
    grant.require(if expand.any() { ALL } else { SUMMARY })?;
    match visible(&grant.sub, |page| page.id == id).next() {
        Some(page) => Ok(Json(content(page, expand))),
        None => Err(error(
            StatusCode::NOT_FOUND,
            &format!(
                "com.atlassian.confluence.api.service.exceptions.NotFoundException: No content found with id: ContentId{{id={}}}",
                id.escape_debug()
            ),
        )),
    }
}

pub(super) async fn current_user(
    State(stage): State<Arc<Stage>>,
    Extension(grant): Extension<Grant>,
    Query(query): Query<OneQuery>,
) -> Result<Json<Value>, Refusal> {
    grant.require(USER)?;
    let user = world::user(&grant.sub);
    let name = user.map_or("Digest", |user| user.name);
    let mut body = json!({
        "type": "known",
        "accountId": grant.sub,
        "accountType": if user.is_some() { "atlassian" } else { "app" },
        "email": user.map_or("", |user| user.email),
        "publicName": name,
        "displayName": name,
        "timeZone": user.map(|user| user.time_zone),
        "isExternalCollaborator": false,
        "_expandable": {"operations": "", "personalSpace": ""},
        "_links": {
            "self": format!("{SITE_URL}/wiki/rest/api/user?accountId={}", grant.sub),
            "base": format!("{SITE_URL}/wiki"),
            "context": "/wiki",
        },
    });
    if Expansions::of(query.expand.as_deref()).asks("operations") {
        let mut operations = vec![json!({"operation": "use", "targetType": "application"})];
        if stage.session.get().administers(&grant.sub) {
            operations.push(json!({"operation": "administer", "targetType": "application"}));
        }
        body["operations"] = operations.into();
    }
    Ok(Json(body))
}

/// `expand`: names, separated by commas. What is not played stays in `_expandable`.
#[derive(Debug, Clone, Copy)]
struct Expansions<'a>(&'a str);

impl<'a> Expansions<'a> {
    fn of(expand: Option<&'a str>) -> Self {
        Self(expand.unwrap_or_default())
    }

    fn asks(self, wanted: &str) -> bool {
        self.0.split(',').any(|name| name.trim() == wanted)
    }

    /// Any expansion at all needs the larger scope.
    fn any(self) -> bool {
        !self.0.trim().is_empty()
    }
}

fn content(page: &Page, expand: Expansions<'_>) -> Value {
    let mut value = json!({
        "id": page.id,
        "type": "page",
        "ari": format!("ari:cloud:confluence:{}:page/{}", world::cloud_id(), page.id),
        "status": "current",
        "title": page.title,
        "macroRenderedOutput": {},
        "extensions": {"position": 0},
        "_expandable": {"space": format!("/rest/api/space/{}", page.space), "version": "", "body": ""},
        "_links": {
            "self": format!("{SITE_URL}/wiki/rest/api/content/{}", page.id),
            "webui": web_path(page),
            "tinyui": format!("/x/{}", page.id),
        },
    });
    if expand.asks("space") {
        let space = page.space();
        value["space"] = json!({
            "id": space.and_then(|space| space.id.parse::<u64>().ok()),
            "key": page.space,
            "name": space.map(|space| space.name),
            "type": "global",
        });
    }
    if expand.asks("version") {
        value["version"] = json!({
            "number": page.version,
            "when": page.created,
            "minorEdit": false,
            "by": {"type": "known", "accountId": page.author},
        });
    }
    if expand.asks("body.storage") {
        value["body"] = json!({"storage": {"value": page.body, "representation": "storage"}});
    }
    value
}

fn next_link(query: &ListQuery, limit: usize, start: usize) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("next", "true");
    let kept = [
        ("type", &query.r#type),
        ("spaceKey", &query.space_key),
        ("title", &query.title),
        ("expand", &query.expand),
    ];
    for (name, value) in kept {
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
    }
    pairs.append_pair("limit", &limit.to_string());
    pairs.append_pair("start", &start.to_string());
    format!("/rest/api/content?{}", pairs.finish())
}

fn number(name: &str, text: Option<&str>, default: usize) -> Result<usize, Refusal> {
    text.map_or(Ok(default), |text| {
        text.parse::<u32>()
            .map(|number| number as usize)
            .map_err(|_| bad_request(&format!("{name} must be a number of 0 or more")))
    })
}

fn bad_request(message: &str) -> Refusal {
    error(StatusCode::BAD_REQUEST, message)
}

fn error(status: StatusCode, message: &str) -> Refusal {
    Refusal::new(
        status,
        json!({
            "statusCode": status.as_u16(),
            "data": {"authorized": false, "valid": true, "errors": [], "successful": false},
            "message": message,
        }),
    )
}
