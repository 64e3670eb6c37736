//! `/wiki/api/v2`: cursors, `_links.next` and a `Link` header.

use axum::{
    Extension, Json,
    extract::{Path, Query},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{visible, web_path};
use crate::emulator::{
    access::Refusal,
    tokens::Grant,
    world::{Page, SITE_URL},
};

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 250;
const PAGE: &[&str] = &["read:page:confluence"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    /// Ids, separated by commas.
    id: Option<String>,
    space_id: Option<String>,
    title: Option<String>,
    body_format: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct OneQuery {
    body_format: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Id {
    id: String,
}

pub(super) async fn list(
    Extension(grant): Extension<Grant>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Refusal> {
    grant.require(PAGE)?;
    let limit = limit(query.limit.as_deref())?;
    let start = start(query.cursor.as_deref())?;
    let body = with_body(query.body_format.as_deref())?;
    let pages: Vec<_> = visible(&grant.sub, |page| {
        let in_space = query
            .space_id
            .as_deref()
            .is_none_or(|ids| page.space().is_some_and(|space| listed(ids, space.id)));
        in_space
            && query.id.as_deref().is_none_or(|ids| listed(ids, page.id))
            && query
                .title
                .as_deref()
                .is_none_or(|title| title == page.title)
    })
    .collect();
    let shown: Vec<_> = pages.iter().skip(start).take(limit).collect();
    let mut links = json!({"base": format!("{SITE_URL}/wiki")});
    let mut next = None;
    if start + shown.len() < pages.len() {
        let link = next_link(&query, limit, start + shown.len());
        next = HeaderValue::from_str(&format!("<{link}>; rel=\"next\"")).ok();
        links["next"] = link.into();
    }
    let results: Vec<_> = shown.iter().map(|page| page_json(page, body)).collect();
    let mut response = Json(json!({"results": results, "_links": links})).into_response();
    if let Some(next) = next {
        response.headers_mut().insert(header::LINK, next);
    }
    Ok(response)
}

pub(super) async fn one(
    Extension(grant): Extension<Grant>,
    Path(Id { id }): Path<Id>,
    Query(query): Query<OneQuery>,
) -> Result<Json<Value>, Refusal> {
    grant.require(PAGE)?;
    if id.parse::<u64>().is_err() {
        return Err(invalid(
            "Provided value for 'id' is not the correct type. Expected type is long",
        ));
    }
    let body = with_body(query.body_format.as_deref())?;
    visible(&grant.sub, |page| page.id == id)
        .next()
        .map(|page| Json(page_json(page, body)))
        .ok_or_else(|| error(StatusCode::NOT_FOUND, "NOT_FOUND", "Not Found"))
}

fn page_json(page: &Page, with_body: bool) -> Value {
    let body = if with_body {
        json!({"storage": {"representation": "storage", "value": page.body}})
    } else {
        json!({})
    };
    json!({
        "id": page.id,
        "status": "current",
        "title": page.title,
        "spaceId": page.space().map(|space| space.id),
        "parentId": null,
        "parentType": null,
        "position": null,
        "authorId": page.author,
        "ownerId": page.author,
        "createdAt": page.created,
        "version": {
            "number": page.version,
            "message": "",
            "minorEdit": false,
            "authorId": page.author,
            "createdAt": page.created,
        },
        "body": body,
        "_links": {"webui": web_path(page), "tinyui": format!("/x/{}", page.id)},
    })
}

fn listed(ids: &str, id: &str) -> bool {
    ids.split(',').any(|listed| listed.trim() == id)
}

fn limit(text: Option<&str>) -> Result<usize, Refusal> {
    let limit = text.map_or(Some(DEFAULT_LIMIT), |text| text.parse().ok());
    limit
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| invalid("Provided value for 'limit' must be between 1 and 250"))
}

/// A cursor is the offset in disguise: callers must take it as it comes.
fn start(cursor: Option<&str>) -> Result<usize, Refusal> {
    let Some(cursor) = cursor else { return Ok(0) };
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix("page-offset:")?.parse::<u32>().ok())
        .map(|offset| offset as usize)
        .ok_or_else(|| invalid("Invalid cursor"))
}

fn with_body(format: Option<&str>) -> Result<bool, Refusal> {
    match format {
        None => Ok(false),
        Some("storage") => Ok(true),
        Some(_) => Err(invalid("The emulator plays body-format 'storage' only")),
    }
}

fn next_link(query: &ListQuery, limit: usize, start: usize) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    let kept = [
        ("id", &query.id),
        ("space-id", &query.space_id),
        ("title", &query.title),
        ("body-format", &query.body_format),
    ];
    for (name, value) in kept {
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
    }
    pairs.append_pair("limit", &limit.to_string());
    let cursor = URL_SAFE_NO_PAD.encode(format!("page-offset:{start}"));
    pairs.append_pair("cursor", &cursor);
    format!("/wiki/api/v2/pages?{}", pairs.finish())
}

fn invalid(title: &str) -> Refusal {
    error(StatusCode::BAD_REQUEST, "INVALID_REQUEST_PARAMETER", title)
}

fn error(status: StatusCode, code: &str, title: &str) -> Refusal {
    let error = json!({"status": status.as_u16(), "code": code, "title": title, "detail": null});
    Refusal::new(status, json!({"errors": [error]}))
}
