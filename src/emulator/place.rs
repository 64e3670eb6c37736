//! Where in the product a UI module stands: `context` of a FIT, and what the bridge adds to it.

use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::{
    session::Session,
    world::{self, SITE_URL},
};
use crate::ids::Product;
use crate::manifest::UiModule;

/// `context` of a UI invocation.
pub(super) fn context(module: &UiModule, session: &Session) -> Value {
    json!({
        "localId": local_id(module),
        "cloudId": world::cloud_id(),
        "moduleKey": module.key,
        "siteUrl": SITE_URL,
        "extension": extension(module, session),
    })
}

/// The same for a module each time, as for a macro that stays on its page.
fn local_id(module: &UiModule) -> Uuid {
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        format!("{} in {}", module.key, world::cloud_id()).as_bytes(),
    );
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *byte = *from;
    }
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// What the product adds, by module type.
fn extension(module: &UiModule, session: &Session) -> Value {
    let kind = module.kind.as_str();
    let (page, issue) = (session.page, session.issue);
    let space = json!({"id": page.space().map(|space| space.id), "key": page.space});
    let location = location(module, session);
    match kind {
        "confluence:globalPage" => json!({"type": kind, "location": location}),
        "macro" => json!({
            "type": kind,
            "content": {"id": page.id, "type": "page", "subtype": null},
            "space": space,
            "isEditing": false,
            "references": [],
        }),
        _ if module.product == Product::Confluence => json!({
            "type": kind,
            "content": {"id": page.id, "type": "page", "subtype": null},
            "space": space,
            "location": location,
        }),
        _ if module.is_whole_page() => json!({"type": kind, "location": location}),
        _ => json!({
            "type": kind,
            "issue": {"id": issue.id, "key": issue.key, "type": issue.kind.1, "typeId": issue.kind.0},
            "project": {"id": world::PROJECT_ID, "key": world::PROJECT_KEY, "type": "software"},
            "isNewToIssue": false,
            "location": location,
        }),
    }
}

/// The address in the browser's bar, were it the product.
fn location(module: &UiModule, session: &Session) -> String {
    let (page, issue) = (session.page, session.issue);
    match (
        module.product == Product::Confluence,
        module.is_whole_page(),
    ) {
        (true, true) => format!("{SITE_URL}/wiki/apps/{}", module.key),
        (true, false) => format!("{SITE_URL}/wiki/spaces/{}/pages/{}", page.space, page.id),
        (false, true) => format!("{SITE_URL}/jira/apps/{}", module.key),
        (false, false) => format!("{SITE_URL}/browse/{}", issue.key),
    }
}
