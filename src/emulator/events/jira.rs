//! Events of Jira (Forge product events: Jira), with the site's issues.

use serde_json::{Value, json};

use super::{FireError, Scene};
use crate::emulator::{moment, world};

/// What can be made without a body of one's own.
pub(super) const EVENTS: &[&str] = &[
    "avi:jira:created:issue",
    "avi:jira:updated:issue",
    "avi:jira:commented:issue",
    "avi:jira:assigned:issue",
    "avi:jira:deleted:issue",
    "avi:jira:viewed:issue",
];

pub(super) fn event(name: &str, scene: &Scene<'_>) -> Result<Value, FireError> {
    if !EVENTS.contains(&scene.event_type) {
        return Err(FireError::NoTemplate(scene.event_type.to_owned()));
    }
    let issue = issue_of(scene.subject)?;
    let milliseconds = scene.serial % 1000;
    let mut event = json!({
        "eventType": scene.event_type,
        "selfGenerated": scene.self_generated,
        // Text, and in milliseconds.
        "timestamp": format!("{}{milliseconds:03}", scene.at.unix()),
        "atlassianId": scene.account_id,
        "issue": {"id": issue.id, "key": issue.key, "fields": fields(issue, scene)},
        "associatedUsers": {"associatedUsers": [{"accountId": scene.account_id}]},
    });
    let more = match name {
        "created:issue" => json!({"jiraEventTypeName": "issue_created"}),
        "updated:issue" => json!({
            "jiraEventTypeName": "issue_generic",
            "changelog": {"items": [{
                "field": "status",
                "fieldId": "status",
                "from": "10000",
                "fromString": "To Do",
                "to": status_id(issue.status),
                "toString": issue.status,
            }]},
            "associatedStatuses": [
                {"id": "10000", "name": "To Do"},
                {"id": status_id(issue.status), "name": issue.status},
            ],
        }),
        "assigned:issue" => json!({"changelog": {"items": [{
            "field": "assignee",
            "fieldId": "assignee",
            "from": null,
            "fromString": null,
            "to": issue.assignee,
            "toString": issue.assignee,
        }]}}),
        "commented:issue" => json!({"comment": comment(scene)}),
        "viewed:issue" => json!({"user": {"accountId": scene.account_id}}),
        _ => json!({}),
    };
    if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
        event.extend(more);
    }
    Ok(event)
}

/// The issue of that id or key, or the first.
fn issue_of(subject: Option<&str>) -> Result<&'static world::Issue, FireError> {
    let wanted = |issue: &&world::Issue| subject.is_none_or(|it| issue.id == it || issue.key == it);
    let issue = world::ISSUES.iter().find(wanted);
    issue.ok_or(FireError::UnknownSubject)
}

fn fields(issue: &world::Issue, scene: &Scene<'_>) -> Value {
    let (kind_id, kind) = issue.kind;
    let account = |account_id: &str| json!({"accountId": account_id});
    let updated = moment::jira(scene.at, scene.serial);
    let created = match scene.event_type {
        "avi:jira:created:issue" => updated.as_str(),
        _ => issue.updated,
    };
    json!({
        "summary": issue.summary,
        "issuetype": {
            "self": format!("{}/rest/api/2/issuetype/{kind_id}", world::SITE_URL),
            "id": kind_id,
            "name": kind,
            "description": "",
            "subtask": false,
        },
        "project": {
            "id": world::PROJECT_ID,
            "key": world::PROJECT_KEY,
            "name": world::PROJECT_NAME,
        },
        "status": {"id": status_id(issue.status), "name": issue.status},
        "creator": account(issue.reporter),
        "reporter": account(issue.reporter),
        "assignee": account(issue.assignee),
        "created": created,
        "updated": updated,
    })
}

fn comment(scene: &Scene<'_>) -> Value {
    let account = json!({"accountId": scene.account_id});
    let now = moment::jira(scene.at, scene.serial);
    json!({
        "id": (20_000 + scene.serial).to_string(),
        "author": account,
        "updateAuthor": account,
        "jsdPublic": true,
        "created": now,
        "updated": now,
    })
}

fn status_id(name: &str) -> &'static str {
    match name {
        "To Do" => "10000",
        "In Progress" => "3",
        _ => "10001",
    }
}
