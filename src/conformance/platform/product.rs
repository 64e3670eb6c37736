//! What the products say. Everything holds the tenant's mark and that of whoever asked, so that
//! an answer that lands with somebody else is known.

use serde_json::{Value, json};

use super::{journal::Bearer, tenant::Tenant};

/// The body of a 200 for this request.
pub(super) fn body(tenant: &Tenant, bearer: &Bearer, path: &str, query: &str) -> Value {
    let speaker = match bearer {
        Bearer::Of { speaker, .. } => speaker.mark(),
        Bearer::None | Bearer::Unknown => "nobody".to_owned(),
    };
    let mark = format!("{}.{speaker}", tenant.mark());
    let me = match bearer {
        Bearer::Of {
            speaker: super::Speaker::User(id) | super::Speaker::Account(id),
            ..
        } => id.clone(),
        _ => format!("712020:bot-{}", tenant.mark()),
    };
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let page = |id: &str| page(id, &mark, &me);
    match path {
        "/wiki/rest/api/user/current" | "/wiki/rest/api/user" => user(&me, &mark),
        "/rest/api/3/myself" | "/rest/api/2/myself" => json!({"accountId": me, "displayName": mark,
            "active": true, "accountType": "atlassian", "timeZone": "UTC", "locale": "en_US"}),
        "/rest/api/3/mypermissions" | "/rest/api/2/mypermissions" => {
            json!({"permissions": {"ADMINISTER":
            {"id": "0", "key": "ADMINISTER", "name": mark, "havePermission": true}}})
        }
        "/wiki/rest/api/content" | "/wiki/rest/api/search" | "/wiki/rest/api/content/search" => {
            json!({"results": [page("4456481"), page("4456482")], "start": 0, "limit": 25, "size": 2,
                "_links": {"base": tenant.site_url(), "context": "/wiki"}})
        }
        "/wiki/api/v2/pages" => {
            json!({"results": asked_ids(query).iter().map(|id| page(id)).collect::<Vec<_>>(),
            "_links": {"base": tenant.site_url()}})
        }
        _ if path.starts_with("/wiki/api/v2/")
            && last.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            page(last)
        }
        _ if path.starts_with("/wiki/rest/api/content/") => page(last),
        _ if path.contains("/issue/") => issue(last, &mark),
        _ if path.contains("/search") => json!({"issues": [issue("QUA-17", &mark)], "isLast": true,
            "startAt": 0, "maxResults": 50, "total": 1}),
        _ => json!({"id": "1", "key": "QUA", "name": mark, "title": mark, "accountId": me,
            "results": [page("4456481")], "values": [{"id": "1", "name": mark}],
            "startAt": 0, "maxResults": 50, "total": 1, "isLast": true, "size": 1, "limit": 50}),
    }
}

/// The same, with a next page and everything else that can be followed at `away`.
pub(super) fn with_links(mut body: Value, away: &str) -> Value {
    if let Value::Object(members) = &mut body {
        let links = json!({"base": away, "next": away, "self": away});
        members.insert("_links".to_owned(), links);
        for name in ["next", "nextPage", "self"] {
            members.insert(name.to_owned(), json!(away));
        }
        members.insert("isLast".to_owned(), json!(false));
    }
    body
}

/// The ids of `?id=1,2` or `?id=1&id=2`; two pages if none is asked for.
fn asked_ids(query: &str) -> Vec<String> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let ids: Vec<String> = pairs
        .filter(|(name, _)| name == "id")
        .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>())
        .take(250)
        .collect();
    if ids.is_empty() {
        vec!["4456481".to_owned(), "4456482".to_owned()]
    } else {
        ids
    }
}

fn page(id: &str, mark: &str, author: &str) -> Value {
    json!({"id": id, "type": "page", "status": "current", "title": format!("{mark} {id}"),
        "spaceId": "65538", "authorId": author, "createdAt": "2026-07-29T08:00:02.900Z",
        "version": {"number": 1, "authorId": author, "createdAt": "2026-07-29T08:00:02.900Z"},
        "_links": {"webui": format!("/spaces/ENG/pages/{id}"), "self": format!("/wiki/api/v2/pages/{id}")}})
}

fn user(me: &str, mark: &str) -> Value {
    json!({"type": "known", "accountId": me, "accountType": "atlassian", "displayName": mark, "publicName": mark,
        "email": "", "operations": [{"operation": "use", "targetType": "application"},
            {"operation": "administer", "targetType": "application"}]})
}

fn issue(key: &str, mark: &str) -> Value {
    json!({"id": "10042", "key": key, "fields": {"summary": format!("{mark} {key}"),
        "issuetype": {"id": "10002", "name": "Task", "subtask": false},
        "project": {"id": "10001", "key": "QUA", "name": "Quarry"},
        "status": {"id": "10000", "name": "To Do"},
        "created": "2026-07-29T10:00:02.900+0200", "updated": "2026-07-29T10:00:02.900+0200"}})
}
