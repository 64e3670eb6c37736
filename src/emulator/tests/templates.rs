//! What the emulator's own events look like, and who gets them.

use serde_json::json;

use super::{
    remote::{Remote, fast, fired},
    *,
};
use crate::emulator::world::BOT;

const UPDATED: &str = "avi:confluence:updated:page";

#[tokio::test]
async fn every_template_makes_an_event_of_the_site() {
    let remote = Remote::default();
    let names: Vec<_> = crate::emulator::events::templates().collect();
    let (folder, manifest) = manifest_with(&names);
    let played = Played::with(remote.router(), |settings| {
        fast(settings);
        settings.manifest = manifest;
    })
    .await;
    for name in &names {
        let mut event = FireEvent::new(*name);
        let jira = name.starts_with("avi:jira:");
        event.subject = Some(if jira { "QUA-18" } else { "5341191" }.into());
        let delivery = fired(&played, &event).await.remove(0);
        assert_eq!(delivery.state, DeliveryState::Delivered, "{name}");
        let body = remote.came().pop().unwrap().body;
        assert_eq!(body["eventType"], *name);
        assert_eq!(body["selfGenerated"], false);
        if jira {
            assert_eq!(body["issue"]["id"], "10043", "{name}");
            let milliseconds: i64 = body["timestamp"].as_str().unwrap().parse().unwrap();
            assert!(milliseconds > 1_600_000_000_000, "{name}");
        } else if name.ends_with(":comment") {
            assert_eq!(body["content"]["container"]["id"], 5_341_191, "{name}");
        } else {
            assert_eq!(body["content"]["title"], "On-call handbook", "{name}");
        }
    }
    let status = |name: &str| {
        let came = remote.came();
        let came = came.iter().find(|came| came.body["eventType"] == name);
        came.unwrap().body["content"]["status"].clone()
    };
    assert_eq!(status("avi:confluence:trashed:page"), "trashed");
    assert_eq!(status("avi:confluence:created:page"), "current");
    drop(folder);
}

/// The app's manifest with a trigger for these events; Jira's ignore what the app caused itself.
fn manifest_with(events: &[&str]) -> (TempDir, std::path::PathBuf) {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml"));
    let mut text = text.unwrap().replace("    - key: page-events\n      endpoint: events-endpoint\n      events:\n        - avi:confluence:created:page\n        - avi:confluence:updated:page\n", "");
    let of = |jira: bool| {
        let events = events
            .iter()
            .filter(|it| it.starts_with("avi:jira:") == jira);
        let lines: Vec<_> = events.map(|it| format!("        - {it}\n")).collect();
        lines.concat()
    };
    let triggers = format!(
        "  trigger:\n    - key: confluence-events\n      endpoint: events-endpoint\n      events:\n{}    - key: jira-events\n      endpoint: events-endpoint\n      filter: {{ignoreSelf: true}}\n      events:\n{}",
        of(false),
        of(true)
    );
    text = text.replace("  trigger:\n", &triggers);
    text = text.replace(
        "    storage:app: {}\n",
        "    storage:app: {}\n    write:confluence-content: {}\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.yml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[tokio::test]
async fn what_the_app_caused_itself_says_so_or_is_dropped() {
    let remote = Remote::default();
    let (_folder, manifest) = manifest_with(&[UPDATED, "avi:jira:updated:issue"]);
    let played = Played::with(remote.router(), |settings| {
        fast(settings);
        settings.manifest = manifest;
    })
    .await;
    let mut event = FireEvent::new(UPDATED);
    event.self_generated = true;
    fired(&played, &event).await;
    let body = &remote.came()[0].body;
    assert_eq!(
        (&body["selfGenerated"], &body["atlassianId"]),
        (&json!(true), &json!(BOT))
    );
    event.event_type = "avi:jira:updated:issue".into();
    assert_eq!(
        played.running.fire_event(&event).unwrap_err(),
        FireError::IgnoredSelf
    );
    event.self_generated = false;
    assert_eq!(fired(&played, &event).await.len(), 1);
}
