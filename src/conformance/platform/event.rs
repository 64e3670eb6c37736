//! Bodies of what the platform sends by itself.

use serde_json::{Map, Value, json};

use super::{Platform, tenant::Tenant};

/// The body of an event of this type about the object `id`, which the tenant's first user caused.
/// A type that is not known gets what every event has.
pub(crate) fn event(platform: &Platform, tenant: &Tenant, event_type: &str, id: &str) -> Value {
    let now = platform.clock().now_millis();
    let user = tenant.user();
    let mut body = json!({"eventType": event_type, "selfGenerated": false, "atlassianId": user});
    let special = match event_type.strip_prefix("avi:").unwrap_or(event_type) {
        name if name.starts_with("forge:") => lifecycle(platform, tenant, name),
        name if name.starts_with("confluence:") => confluence(tenant, name, id, now),
        name if name.starts_with("jira") => jira(tenant, name, id, now),
        name if name.starts_with("bitbucket:") => bitbucket(tenant, id, now),
        _ => json!({"id": id, "timestamp": now.to_string()}),
    };
    if let (Value::Object(body), Value::Object(special)) = (&mut body, special) {
        body.extend(special);
    }
    body
}

fn lifecycle(platform: &Platform, tenant: &Tenant, name: &str) -> Value {
    let app = platform.app().to_string();
    let uuid = app.rsplit('/').next().unwrap_or_default().to_owned();
    let who = if name.contains("upgraded") {
        "upgraderAccountId"
    } else {
        "installerAccountId"
    };
    json!({
        "id": tenant.installation_uuid(), who: tenant.user(),
        "app": {"id": uuid, "version": "4.2.0", "name": "Checked", "ownerAccountId": tenant.user()},
        "environment": {"id": uuid::Uuid::new_v4()},
        "context": format!("ari:cloud:{}::site/{}", platform.primary(), tenant.cloud_id()),
    })
}

fn confluence(tenant: &Tenant, name: &str, id: &str, now: i64) -> Value {
    let user = tenant.user();
    let moment = moment(now);
    let author = json!({"type": "known", "accountId": user, "accountType": "atlassian",
        "username": user, "email": user, "displayName": user, "publicName": user});
    let space = json!({"id": 65_538, "key": "ENG", "alias": "ENG", "name": "Engineering",
        "type": "global", "status": "current"});
    let kind = name.rsplit(':').next().unwrap_or("page");
    let title = format!("{} {id}", tenant.mark());
    let history =
        json!({"latest": true, "createdDate": moment, "createdBy": author, "ownedBy": author});
    let mut content = json!({"id": id, "type": kind, "status": "current", "title": title,
        "space": space, "history": history,
        "version": {"by": author, "when": moment, "number": 1}});
    if kind == "comment" {
        content["ancestors"] = json!([]);
        content["container"] =
            json!({"id": 4_456_481, "type": "page", "status": "current", "title": title});
        content["extensions"] = json!({"location": "footer"});
    }
    let mut body = Map::new();
    body.insert("eventCreatedDate".to_owned(), json!(moment));
    body.insert("suppressNotifications".to_owned(), json!(false));
    let member = match kind {
        "task" | "space" | "attachment" | "label" | "user" | "group" | "relation" => kind,
        "V2" => "space",
        _ => "content",
    };
    body.insert(member.to_owned(), content);
    Value::Object(body)
}

fn jira(tenant: &Tenant, name: &str, id: &str, now: i64) -> Value {
    let user = json!({"accountId": tenant.user()});
    let issue = json!({"id": id, "key": format!("QUA-{id}"), "fields": {
        "summary": format!("{} {id}", tenant.mark()),
        "issuetype": {"id": "10002", "name": "Task", "subtask": false},
        "project": {"id": "10001", "key": "QUA", "name": "Quarry"},
        "status": {"id": "10000", "name": "To Do"}, "creator": user, "reporter": user,
    }});
    let mut body = json!({"timestamp": now.to_string(), "issue": issue,
        "associatedUsers": {"associatedUsers": [user]}});
    if name.contains("updated") {
        body["changelog"] = json!({"items": [{"field": "status", "fieldId": "status", "from": "10000",
            "fromString": "To Do", "to": "3", "toString": "In Progress"}]});
    }
    if name.contains("comment") {
        body["comment"] = json!({"id": id, "author": user});
    }
    body
}

fn bitbucket(tenant: &Tenant, id: &str, now: i64) -> Value {
    json!({"timestamp": moment(now),
        "actor": {"type": "user", "accountId": tenant.user(), "uuid": format!("{{{}}}", uuid::Uuid::new_v4())},
        "repository": {"uuid": format!("{{{id}}}"), "slug": tenant.mark()},
        "workspace": {"uuid": format!("{{{}}}", tenant.workspace_id())}})
}

/// ISO 8601 with milliseconds, in UTC, by way of the one form of dates that a crate at hand writes.
fn moment(millis: i64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let seconds = u64::try_from(millis / 1000).unwrap_or_default();
    let since = std::time::Duration::from_secs(seconds);
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + since);
    // `Sun, 06 Nov 1994 08:49:37 GMT`: every part has its place.
    let part = |range| date.get(range).unwrap_or_default();
    let month = MONTHS
        .iter()
        .position(|name| *name == part(8..11))
        .unwrap_or_default()
        + 1;
    let (year, day, time) = (part(12..16), part(5..7), part(17..25));
    format!(
        "{year}-{month:02}-{day}T{time}.{:03}Z",
        millis.rem_euclid(1000)
    )
}
