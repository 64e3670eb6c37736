//! The Rust remote: an event, a tick, and a page that shows what came of them.

use std::{path::Path, process::Command};

use forge_remote::emulator::FireEvent;
use serde_json::Value;

use super::{PATIENCE, Platform, UPDATED, process::Process, titles};

/// One that everybody sees, and one that only Jonas does.
const OPEN: &str = "5341191";
const DRAFT: &str = "5341226";

/// The example of that name, running.
pub(super) async fn remote(platform: &Platform, example: &str) -> Process {
    let program = Path::new(env!("CARGO_BIN_EXE_forge-remote"));
    let program = program.parent().unwrap().join("examples").join(example);
    assert!(
        program.exists(),
        "{} is missing: build it with `cargo build --examples`, or run all of `cargo test`",
        program.display()
    );
    let store = platform.folder.path().join("remote.db");
    let mut command = Command::new(program);
    command
        .current_dir(platform.folder.path())
        .envs(platform.emulator.trust().variables())
        .env("FORGE_REMOTE_ENV", "development")
        .env("FORGE_REMOTE__SERVER__LISTEN", "127.0.0.1:0")
        .env("FORGE_REMOTE__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
        .env(
            "FORGE_REMOTE__STORE__URL",
            format!("sqlite://{}", store.display()),
        )
        .env("FORGE_REMOTE__TELEMETRY__FORMAT", "json");
    let remote = Process::start(&mut command, |line| {
        let fields: Value = serde_json::from_str(line).ok()?;
        Some(format!("http://{}", fields["server.address"].as_str()?))
    })
    .await;
    platform.emulator.set_remote(remote.url.parse().unwrap());
    remote
}

/// Waits until that key of Forge storage holds a value that will do.
pub(super) async fn stored(platform: &Platform, key: &str, will_do: impl Fn(&Value) -> bool) {
    let found = platform.emulator.wait_for(PATIENCE, |running| {
        let stored = running.stored();
        let item = stored.iter().find(|item| item.key == key)?;
        will_do(item.value.as_ref()?).then_some(())
    });
    found
        .await
        .unwrap_or_else(|| panic!("{key} is not stored in time"));
}

#[tokio::test]
async fn what_changed_is_shown_after_the_tick_to_whoever_may_see_it() {
    let platform = Platform::start().await;
    let remote = remote(&platform, "remote").await;
    platform
        .taken(platform.emulator.install().await.unwrap())
        .await;
    let before = platform.get("Mira", "/api/changed").await;
    assert!(titles(&before).is_empty());

    for page in [OPEN, DRAFT] {
        let mut event = FireEvent::new(UPDATED);
        event.subject = Some(page.to_owned());
        platform
            .taken(platform.emulator.fire_event(&event).unwrap())
            .await;
        stored(&platform, &format!("page:{page}"), |value| value == page).await;
    }
    platform
        .taken([platform.emulator.fire_schedule("digest-hourly").unwrap()])
        .await;
    stored(&platform, "changed", |list| {
        list.as_array().is_some_and(|ids| ids.len() == 2)
    })
    .await;

    let mira = platform.get("Mira", "/api/changed").await;
    assert_eq!(titles(&mira), ["On-call handbook"]);
    let jonas = platform.get("Jonas", "/api/changed").await;
    let mut jonas = titles(&jonas);
    jonas.sort_unstable();
    assert_eq!(
        jonas,
        ["Draft: moving the search index", "On-call handbook"]
    );
    drop(remote);
}

/// It is called thirty lines, and so it is: what a reader has to read.
#[test]
fn it_is_about_thirty_lines() {
    let text = std::fs::read_to_string(format!("{}/examples/remote.rs", super::ROOT)).unwrap();
    let lines = text.lines().map(str::trim);
    let code = lines.filter(|line| {
        let imports = line.starts_with("use ");
        let bracket = line.chars().all(|c| !c.is_alphanumeric());
        !imports && !bracket && !line.starts_with("//")
    });
    let code = code.count();
    assert!((25..=35).contains(&code), "{code} lines");
}
