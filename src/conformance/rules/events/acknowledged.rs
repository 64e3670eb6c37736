//! What the platform sends is acknowledged: each kind of it, in time, whatever the product does.

use std::time::Duration;

use serde_json::json;

use super::{GROUP, events, schedules, some};
use crate::conformance::{
    check::{Door, DoorKind, Run},
    platform::{Fault, On, Tenant},
    rule::{Miss, Outcome, Rule},
    wire::Call,
};

const DELIVERY: &str = "Forge events: delivery";
const LIFECYCLE: &str = "Forge lifecycle events";
const SCHEDULES: &str = "Forge scheduled triggers: time limit";

/// How long an uninstall waits for the remote.
const UNINSTALL: Duration = Duration::from_secs(55);

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "event-acknowledged",
        "An event of each type in the manifest is acknowledged with 2xx within 5 s.",
        DELIVERY,
        "Write the event down, answer 2xx, and work on it afterwards.",
        |run| Box::pin(acknowledged(run)),
    ),
    GROUP.must(
        "event-optional-fields-absent-taken",
        "An event without the fields that may be missing (`atlassianId`, `selfGenerated`, names of the app) is acknowledged.",
        "Forge events: payloads",
        "Demand no field that you can do without: an anonymous user has no `atlassianId`.",
        |run| Box::pin(optional_absent(run)),
    ),
    GROUP.must(
        "event-in-time-product-silent",
        "While products, storage and the gateway do not answer, an event is answered within 5 s all the same.",
        DELIVERY,
        "Do not call a product before you have answered: 5 s are a hard limit.",
        |run| Box::pin(product_silent(run)),
    ),
    GROUP.should(
        "event-acknowledged-product-broken",
        "While the product answers 401, 403 or 500, an event is acknowledged.",
        "Forge lifecycle events: eventual consistency",
        "Acknowledge what you have written down and try again yourself: four redeliveries cover barely four minutes.",
        |run| Box::pin(product_broken(run)),
    ),
    GROUP.must(
        "lifecycle-acknowledged",
        "`installed` and `upgraded` are acknowledged in every form: with and without their optional fields.",
        LIFECYCLE,
        "Take the installation from the FIT, and every field of the body but `app` as optional.",
        |run| Box::pin(lifecycle(run)),
    ),
    GROUP.must(
        "schedule-acknowledged",
        "A tick is acknowledged with 2xx within 5 s, though products and storage do not answer.",
        SCHEDULES,
        "Answer 202 or 204 and do the work afterwards.",
        |run| Box::pin(tick(run)),
    ),
    GROUP.should(
        "uninstall-answered",
        "`preUninstall` is answered with 2xx within 55 s.",
        "Forge lifecycle events: uninstall",
        "Delete what you can in less than 55 s and answer: the uninstall waits meanwhile.",
        |run| Box::pin(uninstall(run)),
    ),
    GROUP.should(
        "event-wrong-types-no-server-error",
        "An event whose fields have other types than they should leads to no error of the server.",
        "Forge events: the HTTP request body",
        "Answer 2xx or 400 to an event that you cannot read: a 5xx says that the fault is yours.",
        |run| Box::pin(wrong_types(run)),
    ),
    GROUP.should(
        "event-only-by-post",
        "The paths of events, schedules and uninstalls do nothing for GET.",
        "Forge request contract: methods",
        "Serve these paths for POST alone, and answer 405 to the rest.",
        |run| Box::pin(only_post(run)),
    ),
];

/// Sends it; anything but 2xx within `patience` breaks the rule.
async fn taken(run: &Run, call: &Call, patience: Duration) -> Outcome {
    match run.ask_within(call, patience).await {
        Ok(answer) if answer.is_success() => Ok(()),
        Ok(answer) => Err(Miss::failed(call.describe(), answer.describe())),
        Err(none) => Err(Miss::failed(call.describe(), none.to_string())),
    }
}

async fn acknowledged(run: &Run) -> Outcome {
    for door in events(run)? {
        let call = run.good(door, &run.tenant()).with(kind(door));
        taken(run, &call, run.limits.event).await?;
    }
    Ok(())
}

fn kind(door: &Door) -> String {
    match &door.kind {
        DoorKind::Event(event_type) => format!("`{event_type}`"),
        DoorKind::Schedule(key) => format!("a tick of `{key}`"),
        DoorKind::Ui | DoorKind::Uninstall => "a good FIT".to_owned(),
    }
}

async fn optional_absent(run: &Run) -> Outcome {
    for door in events(run)? {
        let tenant = run.tenant();
        let mut body = run.body_for(door, &tenant);
        let optional = [
            "atlassianId",
            "selfGenerated",
            "suppressNotifications",
            "installerAccountId",
            "upgraderAccountId",
            "environment",
            "context",
        ];
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, _| !optional.contains(&name.as_str()));
        }
        if let Some(app) = body["app"].as_object_mut() {
            app.retain(|name, _| !["name", "ownerAccountId"].contains(&name.as_str()));
        }
        let call = run.deliver(door, &tenant, &body);
        let call = call.with(format!("{} without optional fields", kind(door)));
        taken(run, &call, run.limits.event).await?;
    }
    Ok(())
}

/// Nothing of Atlassian answers this tenant as it should.
fn all_fail(tenant: &Tenant, fault: Fault) {
    for on in [On::Products, On::Storage, On::Exchange] {
        tenant.fault(on, fault);
    }
}

async fn product_silent(run: &Run) -> Outcome {
    for door in events(run)? {
        let tenant = run.tenant();
        all_fail(&tenant, Fault::Silent);
        let call = run.good(door, &tenant);
        let call = call.with(format!("{} while nothing of Atlassian answers", kind(door)));
        let answered = run.ask_within(&call, run.limits.event).await;
        all_fail(&tenant, Fault::None);
        match answered {
            Ok(answer) if answer.status != 401 => {}
            Ok(answer) => return Err(Miss::failed(call.describe(), answer.describe())),
            Err(none) => return Err(Miss::failed(call.describe(), none.to_string())),
        }
    }
    Ok(())
}

async fn product_broken(run: &Run) -> Outcome {
    for door in events(run)? {
        for status in [401, 403, 500] {
            let tenant = run.tenant();
            all_fail(&tenant, Fault::Status(status));
            let call = run.good(door, &tenant);
            let call = call.with(format!("{} while products answer {status}", kind(door)));
            taken(run, &call, run.limits.event).await?;
            all_fail(&tenant, Fault::None);
        }
    }
    Ok(())
}

async fn lifecycle(run: &Run) -> Outcome {
    let doors = events(run)?.into_iter();
    let doors: Vec<_> = doors.filter(|door| !door.is_product_event()).collect();
    for door in some(doors, "the manifest has no trigger of lifecycle events")? {
        let tenant = run.tenant();
        let whole = run.body_for(door, &tenant);
        let mut upgraded = whole.clone();
        upgraded["permissions"] = json!({"scopes": ["storage:app"],
            "external": {"fetch": {"client": [], "backend": ["https://example.com"]}, "images": []}});
        let bare = json!({"eventType": whole["eventType"], "id": whole["id"],
            "app": {"id": whole["app"]["id"], "version": "4.2.0"}});
        for (what, body) in [
            ("every field", &whole),
            ("`permissions`", &upgraded),
            ("nothing but what must be there", &bare),
        ] {
            let call = run.deliver(door, &tenant, body);
            let call = call.with(format!("{}, {what} in it", kind(door)));
            taken(run, &call, run.limits.event).await?;
        }
    }
    Ok(())
}

async fn tick(run: &Run) -> Outcome {
    for door in schedules(run)? {
        let call = run.good(door, &run.tenant()).with(kind(door));
        taken(run, &call, run.limits.event).await?;
        let tenant = run.tenant();
        all_fail(&tenant, Fault::Silent);
        let call = run.good(door, &tenant);
        let call = call.with(format!("{} while nothing of Atlassian answers", kind(door)));
        taken(run, &call, run.limits.event).await?;
        all_fail(&tenant, Fault::None);
    }
    Ok(())
}

async fn uninstall(run: &Run) -> Outcome {
    let doors = run.doors().iter();
    let doors: Vec<_> = doors
        .filter(|door| door.kind == DoorKind::Uninstall)
        .collect();
    for door in some(doors, "the manifest has no preUninstall with an endpoint")? {
        let tenant = run.tenant();
        let context = json!({"cloudId": tenant.cloud_id(), "moduleKey": "clean-up"});
        for body in [
            json!({}),
            json!({"context": context, "contextToken": "opaque"}),
        ] {
            let call = run.deliver(door, &tenant, &body).with("an uninstall");
            taken(run, &call, UNINSTALL).await?;
        }
    }
    Ok(())
}

async fn wrong_types(run: &Run) -> Outcome {
    for door in events(run)? {
        let tenant = run.tenant();
        let good = run.body_for(door, &tenant);
        let mut shifted = good.clone();
        if let Some(members) = shifted.as_object_mut() {
            let others = members.iter_mut().filter(|(name, _)| *name != "eventType");
            others.for_each(|(_, value)| *value = json!([value.clone()]));
        }
        let mut numbered = good.clone();
        numbered["eventType"] = json!(17);
        for body in [
            shifted,
            numbered,
            json!([good]),
            json!("event"),
            json!(null),
        ] {
            let call = run.deliver(door, &tenant, &body);
            let call = call.with(format!("{} in wrong types", kind(door)));
            let answer = run.answer(&call).await?;
            if answer.status >= 500 || answer.status == 401 {
                return Err(Miss::failed(call.describe(), answer.describe()));
            }
        }
    }
    Ok(())
}

async fn only_post(run: &Run) -> Outcome {
    let why = "the manifest has no event, schedule or uninstall endpoint";
    for door in some(run.backend_doors(), why)? {
        let tenant = run.tenant();
        let call = run.good(door, &tenant).method("GET").body("");
        let call = call.with("a good FIT");
        let answer = run.answer(&call).await?;
        if answer.is_success() || answer.status >= 500 && answer.status != 501 {
            return Err(Miss::failed(call.describe(), answer.describe()));
        }
    }
    Ok(())
}
