//! A little of everything that a remote meets in a day.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    atlassian::{Atlassian, Call, exchanged, json_answer},
    claims::OTHER_APP,
    load::updated,
    remote::Remote,
};

/// Atlassian as it is on most days: every fourth list of content is a 503 at first, one page
/// of it fails for good, and what nobody has heard of is not found.
pub(super) fn is_well(atlassian: &Atlassian) {
    let lists = AtomicUsize::new(0);
    atlassian.answers(move |call| {
        let fails = is_list(&call) && lists.fetch_add(1, Ordering::Relaxed).is_multiple_of(4);
        if fails {
            return json_answer(503, json!({"message": "not now"}));
        }
        answer(&call)
    });
}

/// No product answers with anything but 500.
pub(super) fn fails(atlassian: &Atlassian) {
    atlassian.answers(|_| json_answer(500, json!({"message": "broken"})));
}

fn is_list(call: &Call) -> bool {
    call.path.ends_with("/wiki/rest/api/content")
}

fn answer(call: &Call) -> axum::response::Response {
    let path = call.path.as_str();
    if call.query.contains("cursor=broken") {
        return json_answer(500, json!({"message": "broken"}));
    }
    if is_list(call) {
        return json_answer(200, json!({"results": []}));
    }
    if let Some((_, page)) = path.split_once("/wiki/api/v2/pages/") {
        return json_answer(200, json!({"id": page, "title": "Quarry"}));
    }
    if path.ends_with("/wiki/rest/api/user/current") {
        let administers = json!({"operation": "administer", "targetType": "application"});
        return json_answer(200, json!({"operations": [administers]}));
    }
    match path {
        "/graphql" => exchanged(call, 3600),
        "/forge/storage/kvs/v1/set" => json_answer(200, Value::Null),
        _ => json_answer(404, json!({"message": "nothing played here"})),
    }
}

/// Good calls of a page, with products as user, app and account; FITs that do not pass; an
/// event, twice; a tick; an event that nobody handles.
pub(super) async fn a_little_of_everything(remote: &Remote) {
    let page = || remote.anybody().with_fit().app_token().user_token();
    for path in [
        "/api/invocation",
        "/api/invocation",
        "/api/content?limit=5",
        "/api/content?limit=5&as=app",
        "/api/content?cursor=broken",
        "/api/issues/QU-1",
        "/api/subscription",
    ] {
        let _ = page().get(path).await;
    }
    let account = uuid::Uuid::new_v4();
    for _ in 0..2 {
        let path = format!("/api/accounts/{account}/content");
        let answer = page().get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{account}");
    }

    let _ = remote.anybody().get("/api/invocation").await;
    let foreign = remote.anybody().fit(|fit| fit.claim("/aud", OTHER_APP));
    let _ = foreign.with_fit().get("/api/invocation").await;
    let lapsed = remote.anybody().fit(|fit| {
        let ago = crate::support::claims::now() - 3600;
        fit.claim("/exp", ago)
    });
    let _ = lapsed.with_fit().get("/api/invocation").await;

    let event = remote.as_platform().json(&updated(&account.to_string()));
    for _ in 0..2 {
        let answer = event.clone().post("/forge/events").await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    let unheard = json!({"eventType": "avi:confluence:liked:page"});
    let unheard = remote.as_platform().json(&unheard);
    let _ = unheard.post("/forge/events").await;
    let tick = remote.as_platform().json(&json!({}));
    let _ = tick.post("/forge/scheduled/digest-hourly").await;
}
