//! Bodies in every form that the platform gives them.

use serde_json::{Value, json};

use super::{GROUP, readers};
use crate::conformance::{
    check::{Door, DoorKind, Run, fresh_id},
    platform::{Tenant, event},
    rule::{Miss, Outcome, Rule},
    wire::Call,
};

const HEADERS: &str = "Forge request contract: request headers";
const EVENTS: &str = "Forge events: the HTTP request body";
const SCHEDULES: &str = "Forge scheduled triggers: body";

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "body-content-type-forms",
        "`application/json` is taken with a charset and in any case.",
        HEADERS,
        "Compare the media type without its parameters and without regard to case.",
        |run| Box::pin(content_types(run)),
    ),
    GROUP.should(
        "body-chunked-taken",
        "A body that comes in chunks, without a length, is taken.",
        "Forge request contract: HTTP/1.1 (RFC 9112, 7.1)",
        "Do not demand `content-length`: proxies pass bodies on in chunks.",
        |run| Box::pin(chunked(run)),
    ),
    GROUP.must(
        "schedule-empty-body-taken",
        "A tick is acknowledged with an empty body, with `{}`, and without a content type.",
        SCHEDULES,
        "Read the body of a tick leniently: what it holds is not documented.",
        |run| Box::pin(empty_tick(run)),
    ),
    GROUP.must(
        "event-unknown-fields-taken",
        "An event with fields that nobody knows yet is acknowledged.",
        EVENTS,
        "Read the fields that you need and ignore the others.",
        |run| Box::pin(unknown_fields(run)),
    ),
    GROUP.should(
        "event-unknown-type-taken",
        "An event of a type that the remote does not know is acknowledged.",
        "Forge events: an older version of the app may subscribe to what a newer one does not",
        "Acknowledge what you have no handler for: a refusal is sent again four times.",
        |run| Box::pin(unknown_type(run)),
    ),
    GROUP.must(
        "event-redelivery-forms-taken",
        "A redelivery is acknowledged flat and wrapped in `payload`, whatever its reason is called.",
        "Forge events: retryContext",
        "If there is no `eventType`, look for it in `payload`; take `retryReason` as an open text.",
        |run| Box::pin(redelivery(run)),
    ),
];

async fn content_types(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for door in readers(run).await? {
        for value in [
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "Application/JSON",
        ] {
            let call = run
                .good(door, &tenant)
                .without("content-type")
                .header("content-type", value);
            run.success(&call.with(format!("content-type: {value}")))
                .await?;
        }
    }
    Ok(())
}

async fn chunked(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for door in readers(run).await? {
        let call = run.good(door, &tenant).in_chunks().with("a body in chunks");
        run.success(&call).await?;
    }
    Ok(())
}

async fn empty_tick(run: &Run) -> Outcome {
    let mut doors = run.healthy_backend_doors().await;
    doors.retain(|door| matches!(door.kind, DoorKind::Schedule(_)));
    if doors.is_empty() {
        return Err(Miss::not_exercised(
            "no endpoint of a scheduled trigger acknowledges a tick",
        ));
    }
    for door in doors {
        let good = |tenant| run.good(door, tenant).without("content-type");
        let (one, two, three) = (run.tenant(), run.tenant(), run.tenant());
        let json = "application/json";
        for call in [
            good(&one)
                .body("")
                .with("an empty body and no content type"),
            good(&two)
                .body("{}")
                .header("content-type", json)
                .with("the body {}"),
            good(&three)
                .body("{}")
                .with("the body {} and no content type"),
        ] {
            run.success(&call).await?;
        }
    }
    Ok(())
}

/// The doors of events, with an event of a type that each of them takes.
async fn events(run: &Run) -> Result<Vec<(&Door, &str)>, Miss> {
    let doors = run.healthy_backend_doors().await.into_iter();
    let events: Vec<_> = doors
        .filter_map(|door| match &door.kind {
            DoorKind::Event(event_type) => Some((door, event_type.as_str())),
            _ => None,
        })
        .collect();
    if events.is_empty() {
        return Err(Miss::not_exercised(
            "no endpoint of a trigger acknowledges an event",
        ));
    }
    Ok(events)
}

fn deliver(run: &Run, door: &Door, tenant: &Tenant, body: &Value) -> Call {
    let call = run.call(door, tenant).json(body);
    call.fit(&run.fit(door, tenant).token())
}

async fn unknown_fields(run: &Run) -> Outcome {
    for (door, event_type) in events(run).await? {
        let tenant = run.tenant();
        let mut body = event(&run.platform, &tenant, event_type, &fresh_id());
        body["invention"] = json!({"of": ["tomorrow", null, 1.5e300]});
        body["context"] = json!({"cloudId": tenant.cloud_id(), "moduleKey": "checked"});
        body["contextToken"] = json!("opaque");
        let call = deliver(run, door, &tenant, &body).with("unknown fields in the event");
        run.success(&call).await?;
    }
    Ok(())
}

async fn unknown_type(run: &Run) -> Outcome {
    for (door, event_type) in events(run).await? {
        let tenant = run.tenant();
        let mut body = event(&run.platform, &tenant, event_type, &fresh_id());
        body["eventType"] = json!("avi:confluence:invented:page:V9");
        let call = deliver(run, door, &tenant, &body).with("an event of an unknown type");
        run.success(&call).await?;
    }
    Ok(())
}

async fn redelivery(run: &Run) -> Outcome {
    for (door, event_type) in events(run).await? {
        for reason in [
            "TIMEOUT_ERROR",
            "INVALID_REMOTE_INVOCATION_ERROR",
            "REASON_OF_TOMORROW",
        ] {
            let tenant = run.tenant();
            let mut body = event(&run.platform, &tenant, event_type, &fresh_id());
            body["retryContext"] =
                json!({"retryCount": 2, "retryReason": reason, "retryData": null});
            let call =
                deliver(run, door, &tenant, &body).with(format!("a flat redelivery for {reason}"));
            run.success(&call).await?;
            let tenant = run.tenant();
            let body = json!({ "payload": body });
            let call = deliver(run, door, &tenant, &body)
                .with(format!("a wrapped redelivery for {reason}"));
            run.success(&call).await?;
        }
    }
    Ok(())
}
