//! Manifests and parts of them: the emulator takes none that could not be deployed.

use std::fs;

use forge_remote::emulator::{Emulator, Settings};
use serde_json::Value;
use tempfile::TempDir;

/// What a fragment is laid over: an app with a remote, and nothing that is called.
const BASE: &str = include_str!("base.yml");

pub(super) fn parsed(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// A place for emulators that start once to see whether they do.
pub(super) struct Check(TempDir);

impl Check {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) async fn manifest(&self, text: &str) -> Result<(), String> {
        let mut whole = parsed(text)?;
        if whole.get("app").and_then(|app| app.get("id")).is_none() {
            let fragment = whole;
            whole = parsed(BASE)?;
            lay(&mut whole, fragment);
        }
        let path = self.0.path().join("manifest.yml");
        // JSON is YAML.
        fs::write(&path, whole.to_string()).unwrap();
        let mut settings = Settings::new(&path, "http://127.0.0.1:9".parse().unwrap());
        settings.listen = "127.0.0.1:0".parse().unwrap();
        settings.state_dir = self.0.path().join("state");
        settings.schedules_run = false;
        let started = Emulator::start(settings).await;
        started.map(drop).map_err(|error| error.to_string())
    }
}

/// Maps grow, lists grow, and what a fragment has otherwise replaces what was there.
fn lay(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                lay(below.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(below), Value::Array(above)) => below.extend(above),
        (below, above) => *below = above,
    }
}

#[tokio::test]
async fn a_fragment_is_looked_at_as_a_part_of_a_whole() {
    let check = Check::new();
    let trigger = |endpoint: &str| {
        format!(
            "modules:\n  trigger:\n    - key: pages\n      endpoint: {endpoint}\n      events: [avi:confluence:updated:page]\n  \
             endpoint:\n    - key: events\n      remote: backend\n      route:\n        path: /forge/events\n"
        )
    };
    let scope = "permissions:\n  scopes:\n    read:confluence-content.summary: {}\n";
    let good = trigger("events") + scope;
    assert_eq!(check.manifest(&good).await, Ok(()));
    let without_scope = check.manifest(&trigger("events")).await;
    assert!(without_scope.is_err());
    let without_endpoint = check.manifest(&(trigger("others") + scope)).await;
    assert!(without_endpoint.is_err());
}
