//! Events of Confluence (Forge product events: Confluence), with the site's pages.

use serde_json::{Value, json};

use super::{FireError, Scene};
use crate::emulator::{moment, world};

/// What can be made without a body of one's own.
pub(super) const EVENTS: &[&str] = &[
    "avi:confluence:created:page",
    "avi:confluence:updated:page",
    "avi:confluence:trashed:page",
    "avi:confluence:restored:page",
    "avi:confluence:deleted:page",
    "avi:confluence:archived:page",
    "avi:confluence:unarchived:page",
    "avi:confluence:moved:page",
    "avi:confluence:liked:page",
    "avi:confluence:viewed:page",
    "avi:confluence:permissions_updated:page",
    "avi:confluence:created:comment",
    "avi:confluence:updated:comment",
    "avi:confluence:deleted:comment",
    "avi:confluence:liked:comment",
];

pub(super) fn event(name: &str, scene: &Scene<'_>) -> Result<Value, FireError> {
    if !EVENTS.contains(&scene.event_type) {
        return Err(FireError::NoTemplate(scene.event_type.to_owned()));
    }
    let page = page_of(scene.subject)?;
    let (verb, kind) = name.split_once(':').unwrap_or((name, ""));
    let content = match kind {
        "comment" => comment(verb, page, scene),
        _ => content(verb, page, scene),
    };
    let mut event = json!({
        "eventType": scene.event_type,
        "atlassianId": scene.account_id,
        "eventCreatedDate": now(scene),
        "suppressNotifications": false,
        "selfGenerated": scene.self_generated,
        "content": content,
    });
    match verb {
        "updated" => event["updateTrigger"] = "edit_page".into(),
        "moved" => event["prevContent"] = event["content"].clone(),
        _ => {}
    }
    Ok(event)
}

/// The page of that id, or the first that the app may see.
fn page_of(subject: Option<&str>) -> Result<&'static world::Page, FireError> {
    let wanted = |page: &&world::Page| subject.is_none_or(|id| page.id == id);
    let page = world::PAGES.iter().find(wanted);
    page.ok_or(FireError::UnknownSubject)
}

fn content(verb: &str, page: &world::Page, scene: &Scene<'_>) -> Value {
    let status = match verb {
        "trashed" | "deleted" => "trashed",
        "archived" => "archived",
        _ => "current",
    };
    let (created, number) = match verb {
        "created" => (now(scene), 1),
        _ => (page.created.to_owned(), page.version),
    };
    let author = match verb {
        "created" => scene.account_id,
        _ => page.author,
    };
    json!({
        "id": page.id,
        "type": "page",
        "status": status,
        "title": page.title,
        "space": space(page),
        "history": history(author, &created),
        "version": version(scene, number),
    })
}

/// A comment at the foot of the page; each page has one, so that it can be created, changed and deleted.
fn comment(verb: &str, page: &world::Page, scene: &Scene<'_>) -> Value {
    let id = page_number(page) + 100_000;
    let status = if verb == "deleted" {
        "trashed"
    } else {
        "current"
    };
    let number = if verb == "updated" { 2 } else { 1 };
    // A container's id is a number, its content's a text: the platform has it so.
    let mut container = content("updated", page, scene);
    container["id"] = page_number(page).into();
    json!({
        "id": id.to_string(),
        "type": "comment",
        "status": status,
        "title": format!("Re: {}", page.title),
        "space": space(page),
        "history": history(scene.account_id, &now(scene)),
        "version": version(scene, number),
        "ancestors": [],
        "container": container,
        "extensions": {"location": "footer"},
    })
}

fn page_number(page: &world::Page) -> u64 {
    page.id.parse().unwrap_or_default()
}

fn space(page: &world::Page) -> Value {
    let space = page.space();
    let id = space.and_then(|space| space.id.parse::<u64>().ok());
    json!({
        "id": id,
        "key": page.space,
        "alias": page.space,
        "name": space.map(|space| space.name),
        "type": "global",
        "status": "current",
        "icon": {
            "path": "/images/logo/default-space-logo-256.png",
            "width": 48,
            "height": 48,
            "isDefault": true,
        },
    })
}

fn history(author: &str, created: &str) -> Value {
    json!({
        "latest": true,
        "createdDate": created,
        "createdBy": user(author),
        "ownedBy": user(author),
    })
}

fn version(scene: &Scene<'_>, number: u32) -> Value {
    json!({"by": user(scene.account_id), "when": now(scene), "number": number})
}

/// For privacy the account's id stands in place of every name.
fn user(account_id: &str) -> Value {
    let kind = if account_id == world::BOT {
        "app"
    } else {
        "atlassian"
    };
    json!({
        "type": "known",
        "accountId": account_id,
        "accountType": kind,
        "username": account_id,
        "email": account_id,
        "displayName": account_id,
        "publicName": account_id,
        "isExternalCollaborator": false,
        "profilePicture": {
            "path": format!("/wiki/aa-avatar/{account_id}"),
            "width": 48,
            "height": 48,
            "isDefault": false,
        },
    })
}

fn now(scene: &Scene<'_>) -> String {
    moment::iso(scene.at, scene.serial)
}
