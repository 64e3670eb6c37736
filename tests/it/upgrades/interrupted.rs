//! `forge-remote keys`, also killed in the middle of its work.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use forge_remote::{
    clock::{Clock, Timestamp},
    ids::InstallationId,
    store::{
        Installation, Remembered, TokenOrigin,
        keys::{Cursor, SealedKind, Walk},
    },
    token::AppToken,
};
use serde_json::Value;
use uuid::Uuid;

use super::{NEW, OLD, command, open, survey};
use crate::{
    command::{APP, text},
    support::place::Place,
};

/// Many batches.
const MANY: u64 = 4000;

fn remembered(number: u64) -> Arc<Remembered> {
    let id: InstallationId = Uuid::from_u128(number.into()).into();
    let app = APP.parse().unwrap();
    let now = Clock::system().now();
    let expires_at = Timestamp::from_unix(now.unix() + 3600);
    let token = AppToken::expiring(format!("t0psecret-{number}"), expires_at);
    Arc::new(Remembered {
        installation: Installation::new(id, app, "https://api.atlassian.com/ex/jira/x"),
        app_token: Some(token.unwrap()),
        token_origin: TokenOrigin::Platform,
        last_seen: now,
        first_seen: now,
    })
}

pub(crate) async fn fill(place: &Place, count: u64) {
    let store = open(place, OLD, &[]).await.installations;
    let records: Vec<_> = (1..=count).map(remembered).collect();
    for batch in records.chunks(250) {
        store.save(batch).await.unwrap();
    }
}

async fn killed_in_the_middle_it_goes_on_where_it_was(place: Place) {
    fill(&place, MANY).await;
    let mut reseal = Command::new(env!("CARGO_BIN_EXE_forge-remote"));
    let reseal = reseal
        .args(["keys", "reseal"])
        .env("FORGE_REMOTE__APP__IDS", APP)
        .env("FORGE_REMOTE__STORE__URL", place.url())
        .env("FORGE_REMOTE__STORE__ENCRYPTION_KEY", NEW)
        .env("FORGE_REMOTE__STORE__ADDITIONAL_ENCRYPTION_KEYS", OLD)
        .env("FORGE_REMOTE_ENV", "test")
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let database = open(&place, NEW, &[OLD]).await;
    let ring = database.sealed.key_ring();
    let mut child = reseal.spawn().unwrap();
    let began = Instant::now();
    loop {
        let first = database.sealed.step(&Cursor::START, Walk::Count).await;
        let first = first.unwrap().survey;
        if first.of_key(SealedKind::AppToken, ring.primary) > 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it never began");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let half = survey(&database, Walk::Open).await;
    let done = half.of_key(SealedKind::AppToken, ring.primary);
    assert!(done > 0 && done < MANY, "{done}");
    assert_eq!(half.left(&ring), MANY - done);
    assert!(half.damaged.is_empty());

    let output = command(&place, &["keys", "status", "--json"], NEW, OLD);
    assert_eq!(output.status.code(), Some(3));
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["left"], MANY - done);
    let output = command(&place, &["keys", "reseal"], NEW, OLD);
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let anew = format!("{} values sealed anew", MANY - done);
    assert!(told.contains(&anew), "{told}");
    for key in [OLD, NEW] {
        assert!(!told.contains(key), "{told}");
    }
    let database = open(&place, NEW, &[]).await;
    let whole = survey(&database, Walk::Open).await;
    assert_eq!(whole.of_key(SealedKind::AppToken, ring.primary), MANY);
}

#[tokio::test]
async fn killed_in_the_middle_it_goes_on_where_it_was_in_sqlite() {
    killed_in_the_middle_it_goes_on_where_it_was(Place::sqlite()).await;
}

#[tokio::test]
async fn killed_in_the_middle_it_goes_on_where_it_was_in_postgresql() {
    killed_in_the_middle_it_goes_on_where_it_was(Place::postgres().await).await;
}

#[tokio::test]
async fn the_status_says_what_is_left_and_what_is_lost() {
    let place = Place::sqlite();
    fill(&place, 3).await;
    let output = command(&place, &["keys", "status"], NEW, "");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("3 values cannot be read"), "{told}");
    let output = command(&place, &["keys", "status"], OLD, NEW);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let mut lines = told.lines();
    assert_eq!(
        lines.next(),
        Some("KEY               ROLE        APP TOKENS  JOB TOKENS  ACCOUNT TOKENS")
    );
    let line = lines.next().unwrap();
    assert!(line.contains("primary") && line.contains(" 3 "), "{told}");
}

#[test]
fn a_new_key_is_printed_and_its_id_beside_it() {
    let place = Place::sqlite();
    let output = command(&place, &["keys", "new"], OLD, "");
    assert!(output.status.success());
    let key = text(&output.stdout);
    assert_eq!(key.len(), 45, "{key}");
    assert!(!text(&output.stderr).contains(key.trim()));
    let output = command(&place, &["config"], key.trim(), "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(!printed.contains(key.trim()), "{printed}");
}
