//! `/rest/api/3/search/jql`: pages by token. Of JQL only what an app needs to try it out.

use axum::body::Bytes;
use axum::{Extension, Json, extract::Query};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{WORK, error, issue_json};
use crate::emulator::{
    access::Refusal,
    tokens::Grant,
    world::{self, Issue},
};

const DEFAULT_RESULTS: usize = 50;
const MAX_RESULTS: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetQuery {
    jql: Option<String>,
    max_results: Option<String>,
    next_page_token: Option<String>,
    /// Names, separated by commas.
    fields: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    jql: Option<String>,
    max_results: Option<usize>,
    next_page_token: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
}

pub(super) async fn get(
    Extension(grant): Extension<Grant>,
    Query(query): Query<GetQuery>,
) -> Result<Json<Value>, Refusal> {
    let max_results = query
        .max_results
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| bad("The 'maxResults' parameter must be a number."))?;
    let fields = query.fields.as_deref().unwrap_or_default();
    let fields = fields
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    search(
        &grant,
        &Body {
            jql: query.jql,
            max_results,
            next_page_token: query.next_page_token,
            fields: fields.map(str::to_owned).collect(),
        },
    )
}

pub(super) async fn post(
    Extension(grant): Extension<Grant>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let body = serde_json::from_slice(&body).map_err(|_| {
        bad("Invalid request payload. Refer to the REST API documentation and try again.")
    })?;
    search(&grant, &body)
}

fn search(grant: &Grant, body: &Body) -> Result<Json<Value>, Refusal> {
    grant.require(WORK)?;
    let jql = body.jql.as_deref().unwrap_or_default();
    let matches = clause(jql)?;
    let limit = body
        .max_results
        .unwrap_or(DEFAULT_RESULTS)
        .clamp(1, MAX_RESULTS);
    let start = start(body.next_page_token.as_deref())?;
    let found: Vec<_> = world::ISSUES
        .iter()
        .filter(|issue| issue.audience.admits(&grant.sub) && matches.admits(issue))
        .collect();
    let shown: Vec<_> = found.iter().skip(start).take(limit).collect();
    let end = start + shown.len();
    let mut answer = json!({
        "issues": shown.iter().map(|issue| hit(issue, &body.fields)).collect::<Vec<_>>(),
        "isLast": end >= found.len(),
    });
    if end < found.len() {
        answer["nextPageToken"] = URL_SAFE_NO_PAD.encode(format!("issue-offset:{end}")).into();
    }
    Ok(Json(answer))
}

/// Without `fields` a hit is its id alone, as on the platform.
fn hit(issue: &Issue, fields: &[String]) -> Value {
    if fields.is_empty() {
        return json!({"id": issue.id});
    }
    let mut value = issue_json(issue);
    let everything = fields
        .iter()
        .any(|name| matches!(name.as_str(), "*all" | "*navigable"));
    if let (false, Some(all)) = (everything, value["fields"].as_object_mut()) {
        all.retain(|name, _| fields.iter().any(|wanted| wanted == name));
    }
    value
}

/// The queries that are played.
#[derive(Debug, PartialEq, Eq)]
enum Clause {
    Project,
    Keys(Vec<String>),
}

impl Clause {
    fn admits(&self, issue: &Issue) -> bool {
        match self {
            Self::Project => true,
            Self::Keys(keys) => keys.iter().any(|key| key.eq_ignore_ascii_case(issue.key)),
        }
    }
}

/// `project = QUA`, `key = QUA-17`, `key in (QUA-17, QUA-18)`, each with or without `ORDER BY`.
fn clause(jql: &str) -> Result<Clause, Refusal> {
    let lower = jql.to_ascii_lowercase();
    let end = lower.find("order by").unwrap_or(jql.len());
    let text = jql[..end].trim();
    if text.is_empty() {
        return Err(bad(
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
        ));
    }
    let values = |rest: &str| -> Vec<String> {
        rest.trim_matches(['(', ')', ' '])
            .split(',')
            .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
            .collect()
    };
    let (field, rest) = text.split_once([' ', '=']).unwrap_or((text, ""));
    let rest = rest.trim_start();
    let operand = rest
        .strip_prefix('=')
        .or_else(|| {
            rest.strip_prefix("in ")
                .or_else(|| rest.strip_prefix("IN "))
        })
        .unwrap_or(rest);
    match (field.to_ascii_lowercase().as_str(), values(operand)) {
        ("key" | "issuekey", keys) => Ok(Clause::Keys(keys)),
        ("project", projects) => {
            if projects.iter().any(|project| {
                project.eq_ignore_ascii_case(world::PROJECT_KEY) || project == world::PROJECT_ID
            }) {
                Ok(Clause::Project)
            } else {
                Err(bad(&format!(
                    "The value '{}' does not exist for the field 'project'.",
                    projects.join(", ").escape_debug()
                )))
            }
        }
        _ => Err(bad(
            "Error in the JQL Query: the emulator plays `project = …`, `key = …` and `key in (…)` only.",
        )),
    }
}

fn start(token: Option<&str>) -> Result<usize, Refusal> {
    let Some(token) = token else { return Ok(0) };
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix("issue-offset:")?.parse::<u32>().ok())
        .map(|offset| offset as usize)
        .ok_or_else(|| bad("The provided next page token is invalid."))
}

fn bad(message: &str) -> Refusal {
    error(StatusCode::BAD_REQUEST, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_played_queries_are_understood_and_others_are_refused() {
        assert_eq!(
            clause("project = QUA ORDER BY updated DESC").unwrap(),
            Clause::Project
        );
        assert_eq!(clause("project=QUA").unwrap(), Clause::Project);
        let keys = |list: &[&str]| Clause::Keys(list.iter().map(ToString::to_string).collect());
        assert_eq!(clause("key = QUA-17").unwrap(), keys(&["QUA-17"]));
        assert_eq!(
            clause("key in (QUA-17, \"QUA-18\")").unwrap(),
            keys(&["QUA-17", "QUA-18"])
        );
        for refused in [
            "",
            "ORDER BY key",
            "project = OTHER",
            "assignee = currentUser()",
        ] {
            assert!(clause(refused).is_err(), "{refused}");
        }
    }
}
