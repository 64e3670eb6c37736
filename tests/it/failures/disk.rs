//! The disk is full, the database locked, its file gone: pages are answered all the same, and
//! nothing is acknowledged that is not kept.

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use super::{PATIENCE, in_time, others_are_answered, setup};
use crate::support::{
    answer::Answer,
    app::TestApp,
    caller::{Caller, Fit},
    kept::{Kept, acknowledged},
    load::updated,
    place::Place,
    remote::{Remote, Serve},
    site::Site,
};

const LATER: &str = "ari:cloud:ecosystem::installation/00000000-4d08-4b6f-a3e1-5f20d8b9c647";

/// Of an installation that nobody has seen before.
fn newcomer(fit: Fit) -> Fit {
    fit.claim("/app/installationId", LATER)
        .claim("/app/installation/id", LATER)
}

async fn page(caller: Caller) -> Answer {
    let caller = caller.with_fit().app_token().user_token();
    in_time(caller.get("/api/content")).await
}

async fn event(app: &TestApp) -> Answer {
    let platform = app.as_platform().json(&updated("1"));
    in_time(platform.post("/forge/events")).await
}

/// Waits until the newcomer is on disk.
async fn newcomer_is_kept(kept: &Kept) {
    let looking = async {
        while !kept.knows(LATER).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, looking).await;
    assert!(in_time.is_ok(), "it is not written after {PATIENCE:?}");
}

/// Sends events until there is no room for another.
async fn fill(remote: &Remote) {
    for size in [100 << 10, 10] {
        let full = async |number: usize| {
            let mut event = updated(&format!("{size}-{number}"));
            event["text"] = json!("x".repeat(size));
            let platform = remote.as_platform().json(&event);
            in_time(platform.post("/forge/events")).await.status == 503
        };
        let mut number = 0;
        while !full(number).await {
            number += 1;
            assert!(number < 2000, "it is not full");
        }
    }
}

#[tokio::test]
async fn pages_are_answered_on_a_full_disk_and_what_they_bring_is_written_later() {
    let place = Place::sqlite();
    let site = Site::start(Duration::ZERO).await;
    let serve = Serve::new(&place, &site).largest_file(2 << 20);
    let remote = serve.start().await;
    fill(&remote).await;
    let kept = Kept::at(&place).await;
    for _ in 0..20 {
        let _ = page(remote.anybody().fit(newcomer)).await.ok();
    }
    assert!(!kept.knows(LATER).await, "there was no room for it");
    remote.gets_room();
    newcomer_is_kept(&kept).await;
}

#[tokio::test]
async fn pages_are_answered_while_somebody_locks_the_database() {
    let app = setup().await.start().await;
    let url = format!("sqlite://{}/store/test.db", app.folder.path().display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .unwrap();
    let answer = event(&app).await;
    let _ = answer.refused(503, "store_unavailable");
    // Forge waits five seconds.
    assert!(answer.took < Duration::from_secs(5), "{:?}", answer.took);
    for _ in 0..20 {
        let _ = page(app.anybody().fit(newcomer)).await.ok();
    }
    others_are_answered(&app).await;
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    let _ = acknowledged(&event(&app).await);
    newcomer_is_kept(&Kept::by(&app).await).await;
}

/// SQLite itself does not notice: it goes on writing to a file that has no name any more, and
/// that is gone with the process.
#[tokio::test]
async fn no_event_is_acknowledged_into_a_file_that_was_deleted() {
    let app = setup().await.start().await;
    let _ = acknowledged(&event(&app).await);
    for suffix in ["", "-wal", "-shm"] {
        let file = app.folder.path().join(format!("store/test.db{suffix}"));
        std::fs::remove_file(file).unwrap();
    }
    let _ = event(&app).await.refused(503, "store_unavailable");
    let ready = in_time(app.operator().get("/readyz")).await;
    assert_eq!(
        (ready.status.as_u16(), &ready.json()["store"]),
        (503, &json!(false))
    );
    for _ in 0..5 {
        let _ = page(app.anybody().fit(newcomer)).await.ok();
    }
    others_are_answered(&app).await;
}

/// As by a restored backup: what is written would go to the file that was there before.
#[tokio::test]
async fn no_event_is_acknowledged_into_a_file_that_was_replaced() {
    let app = setup().await.start().await;
    let file = app.folder.path().join("store/test.db");
    std::fs::rename(&file, app.folder.path().join("before.db")).unwrap();
    std::fs::write(&file, "").unwrap();
    let _ = event(&app).await.refused(503, "store_unavailable");
    let _ = page(app.anybody().fit(newcomer)).await.ok();
}
