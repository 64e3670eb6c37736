//! Where a remote can be called, by its manifest and by what the command was told.

use serde_json::Value;

use super::UiPath;
use crate::manifest::{Endpoint, Manifest};

/// One method and path of the remote.
#[derive(Debug, Clone)]
pub(in crate::conformance) struct Door {
    pub(in crate::conformance) kind: DoorKind,
    pub(in crate::conformance) method: String,
    /// With `{account}` where an account id belongs.
    pub(in crate::conformance) path: String,
    /// Of what the platform sends by itself: the endpoint's key.
    pub(in crate::conformance) endpoint: String,
    /// Of a page's call: its body.
    pub(in crate::conformance) body: Option<Value>,
}

/// Who calls there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::conformance) enum DoorKind {
    /// A page of the app.
    Ui,
    /// The platform, with an event of this type. `avi:forge:…` are those of the app's own life.
    Event(String),
    /// The platform, by the scheduled trigger of this key.
    Schedule(String),
    /// The platform, before the app goes.
    Uninstall,
}

impl Door {
    /// `GET /api/content`
    pub(in crate::conformance) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(in crate::conformance) fn is_ui(&self) -> bool {
        self.kind == DoorKind::Ui
    }

    /// Whether it takes an event of a product.
    pub(in crate::conformance) fn is_product_event(&self) -> bool {
        matches!(&self.kind, DoorKind::Event(event_type) if !event_type.starts_with("avi:forge:"))
    }
}

/// The calls of pages, events of each type, schedules, uninstalls: in this order.
pub(super) fn all(manifest: &Manifest, ui_paths: &[UiPath]) -> Vec<Door> {
    let ui = ui_paths.iter().map(|path| Door {
        kind: DoorKind::Ui,
        method: path.method().to_owned(),
        path: path.path().to_owned(),
        endpoint: String::new(),
        body: path.body().cloned(),
    });
    // An endpoint of pages has a route of its own now and then.
    let routed = manifest
        .invocable()
        .filter_map(|(_, endpoint)| endpoint.path.clone());
    let known = |path: &String| ui_paths.iter().any(|it| it.path() == path);
    let mut routed: Vec<String> = routed.filter(|path| !known(path)).collect();
    routed.sort();
    routed.dedup();
    let ui = ui.chain(routed.into_iter().map(|path| Door {
        kind: DoorKind::Ui,
        method: "GET".to_owned(),
        path,
        endpoint: String::new(),
        body: None,
    }));
    let triggers = &manifest.triggers;
    let events = triggers.events.iter().flat_map(|trigger| {
        let types = trigger.subscriptions.iter();
        types.map(|it| post(DoorKind::Event(it.event_type.clone()), &trigger.endpoint))
    });
    let schedules = triggers.schedules.iter();
    let schedules = schedules.map(|it| post(DoorKind::Schedule(it.key.clone()), &it.endpoint));
    let uninstalls = triggers.pre_uninstalls.iter();
    let uninstalls = uninstalls.map(|it| post(DoorKind::Uninstall, &it.endpoint));
    ui.chain(events)
        .chain(schedules)
        .chain(uninstalls)
        .collect()
}

fn post(kind: DoorKind, endpoint: &Endpoint) -> Door {
    Door {
        kind,
        method: "POST".to_owned(),
        path: endpoint.path.clone(),
        endpoint: endpoint.key.clone(),
        body: None,
    }
}
