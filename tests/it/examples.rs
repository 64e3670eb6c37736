//! The examples, as processes under the emulator: each does what its README says.

mod howto;
mod node;
pub(crate) mod process;
mod rust;
mod start;

use forge_remote::emulator::{
    Delivery, DeliveryState, Emulator, Invocation, Invoke, Running, Settings,
};
use serde_json::Value;
use tempfile::TempDir;

use std::time::Duration;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const UPDATED: &str = "avi:confluence:updated:page";

/// The platform, for a remote that has yet to start.
struct Platform {
    emulator: Running,
    folder: TempDir,
}

impl Platform {
    async fn start() -> Self {
        Self::of(&std::fs::read_to_string(format!("{ROOT}/manifest.yml")).unwrap()).await
    }

    /// For an app with that manifest.
    async fn of(manifest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = "http://127.0.0.1:9".parse().unwrap();
        let path = folder.path().join("manifest.yml");
        std::fs::write(&path, manifest).unwrap();
        let mut settings = Settings::new(path, nowhere);
        settings.listen = "127.0.0.1:0".parse().unwrap();
        settings.state_dir = folder.path().join("platform");
        settings.schedules_run = false;
        let emulator = Emulator::start(settings).await.unwrap();
        Self { emulator, folder }
    }

    /// GET by the user with that first name; the rules find nothing wrong with the answer.
    async fn get(&self, name: &str, path: &str) -> Value {
        let invocation = self.invoked(name, path).await;
        let answer = invocation.answer.as_ref().expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json().expect("JSON")
    }

    async fn invoked(&self, name: &str, path: &str) -> Invocation {
        let users = self.emulator.users();
        let user = users.iter().find(|user| user.name.starts_with(name));
        let module = self.emulator.module_keys().remove(0);
        let invoke = Invoke::get(&user.unwrap().account_id, module, path);
        let invocation = self.emulator.invoke(invoke).await.unwrap();
        for finding in &invocation.verdict {
            assert!(finding.passed, "{path}: {}", finding.sentence);
        }
        invocation
    }

    /// Waits until each was taken, at the first attempt and in time.
    async fn taken(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        for delivery in deliveries {
            let settled = self.emulator.settled(delivery.id, PATIENCE).await;
            let settled = settled.expect("it is settled in time");
            assert_eq!(settled.state, DeliveryState::Delivered, "{settled:?}");
            let [attempt] = settled.attempts.as_slice() else {
                panic!("not at the first attempt: {settled:?}");
            };
            for finding in &attempt.verdict {
                assert!(
                    finding.passed,
                    "{:?}: {}",
                    settled.occasion, finding.sentence
                );
            }
        }
    }
}

fn titles(list: &Value) -> Vec<&str> {
    let pages = list["results"].as_array().unwrap().iter();
    pages.map(|page| page["title"].as_str().unwrap()).collect()
}

/// Every setting that the README tells one to export is the one that it has to be.
#[tokio::test]
async fn the_readme_exports_what_the_emulator_asks_for() {
    let readme = std::fs::read_to_string(format!("{ROOT}/examples/README.md")).unwrap();
    let platform = Platform::start().await;
    let trust = platform.emulator.trust();
    let usual = |value: &str| value.replace(&trust.api_origin, "http://127.0.0.1:4000");
    let mut expected: Vec<_> = trust
        .variables()
        .map(|(name, value)| (name, usual(&value)))
        .into();
    expected.extend([
        ("APP_ID", trust.app_id.to_string()),
        ("JWKS_URL", usual(&trust.jwks_url)),
        ("API_ORIGINS", usual(&trust.api_origin)),
    ]);
    for (name, value) in expected {
        let line = format!("export {name}={value}\n");
        assert!(readme.contains(&line), "{line}");
    }
    assert_eq!(readme.matches("export ").count(), 8);
}
