//! Install, upgrade, uninstall and migrate, over real HTTP.

use std::time::Duration;

use serde_json::json;

use super::{
    remote::{Remote, Reply, fast, settled},
    *,
};
use crate::emulator::world::MIRA;

const PAGE: &str = "/wiki/api/v2/pages/5341185";

#[tokio::test]
async fn an_install_is_announced_once_and_an_upgrade_keeps_the_installation() {
    let remote = Remote::default();
    let played = Played::with(remote.router(), fast).await;
    let id = played.running.installation_id();
    let installed = played.running.install().await.unwrap();
    settled(&played, &installed).await;
    let came = remote.came().remove(0);
    assert_eq!(came.path, "/forge/lifecycle");
    assert_eq!(came.body["eventType"], "avi:forge:installed:app");
    assert_eq!(came.body["id"], id.uuid().to_string());
    assert_eq!(came.body["app"]["version"], "1.0.0");
    assert_eq!(came.body["installerAccountId"], MIRA);
    assert_eq!(
        played.running.install().await.unwrap_err(),
        LifecycleError::AlreadyInstalled
    );
    let upgraded = played.running.upgrade("2.0.0").await.unwrap();
    let upgraded = settled(&played, &upgraded).await.remove(0);
    let claims = &upgraded.attempts[0].claims;
    assert_eq!(claims["app"]["appVersion"], "2.0.0");
    assert_eq!(claims["app"]["installationId"], id.to_string());
    let came = remote.came().remove(1);
    assert_eq!(came.body["upgraderAccountId"], MIRA);
    assert!(
        came.body["permissions"]["scopes"]
            .as_array()
            .unwrap()
            .contains(&json!("storage:app"))
    );
    for version in ["", "2 0", "1\r\n", "<b>"] {
        let refused = played.running.upgrade(version).await.unwrap_err();
        assert_eq!(refused, LifecycleError::Version, "{version:?}");
    }
}

#[tokio::test]
async fn products_refuse_the_app_until_its_installation_has_settled() {
    let played = Played::with(Remote::default().router(), |_| {}).await;
    let settling = Settling {
        refused: Refused::Forbidden,
        lasts: Duration::from_millis(1500),
    };
    played.running.install_settling(settling).await.unwrap();
    let (token, url) = (played.app_token(), played.api("confluence", PAGE));
    let (status, body) = played.get(&token, &url).await;
    assert_eq!((status, &body["code"]), (403, &json!(403)));
    let settled = async {
        while played.get(&token, &url).await.0 == 403 {}
        played.get(&token, &url).await.0
    };
    let status = tokio::time::timeout(Duration::from_secs(5), settled).await;
    assert_eq!(status.unwrap(), 200);
}

#[tokio::test]
async fn an_uninstall_waits_for_the_remote_ignores_it_and_revokes_every_token() {
    let remote = Remote::answering([Reply::Status(500, "{}")]);
    let played = Played::with(remote.router(), fast).await;
    let (first, token) = (played.running.installation_id(), played.app_token());
    let url = played.api("confluence", PAGE);
    assert_eq!(played.get(&token, &url).await.0, 200);
    let before = played.running.uninstall().await.unwrap().remove(0);
    assert_eq!(before.occasion, Occasion::PreUninstall);
    assert_eq!(
        (before.state, before.attempts.len()),
        (DeliveryState::Dropped, 1)
    );
    assert_eq!(remote.came()[0].path, "/forge/uninstall");
    assert_eq!(played.get(&token, &url).await.0, 401);
    let invoked = played.running.invoke(Invoke::get(MIRA, "digest-page", "/"));
    assert_eq!(invoked.await.unwrap_err(), InvokeError::NotInstalled);
    let event = FireEvent::new("avi:confluence:updated:page");
    assert_eq!(
        played.running.fire_event(&event).unwrap_err(),
        FireError::NotInstalled
    );
    let again = played.running.uninstall().await.unwrap_err();
    assert_eq!(again, LifecycleError::NotInstalled);

    let installed = played.running.install().await.unwrap();
    settled(&played, &installed).await;
    assert_ne!(played.running.installation_id(), first);
    assert_ne!(played.app_token(), token);
    assert_eq!(played.get(&played.app_token(), &url).await.0, 200);
    assert_eq!(
        played.get(&token, &url).await.0,
        401,
        "the old token stays revoked"
    );
}

#[tokio::test]
async fn a_remote_that_never_answers_does_not_keep_the_app_installed() {
    let remote = Remote::answering([Reply::Never]);
    let played = Played::with(remote.router(), fast).await;
    let before = played.running.uninstall().await.unwrap().remove(0);
    assert_eq!(before.attempts[0].failure, Some(RetryReason::Timeout));
    assert!(played.running.install().await.is_ok());
}

#[tokio::test]
async fn what_waits_for_its_redelivery_ends_with_the_installation() {
    let remote = Remote::answering([Reply::Status(503, "{}")]);
    let played = Played::with(remote.router(), |_| {}).await;
    let event = FireEvent::new("avi:confluence:updated:page");
    let fired = played.running.fire_event(&event).unwrap().remove(0);
    let failed = played.running.wait_for(Duration::from_secs(5), |running| {
        let delivery = running.delivery(fired.id)?;
        delivery.attempts.first()?.failure
    });
    failed.await.unwrap();
    played.running.uninstall().await.unwrap();
    played.running.install().await.unwrap();
    let ended = settled(&played, &[fired]).await.remove(0);
    assert_eq!(
        (ended.state, ended.attempts.len()),
        (DeliveryState::Abandoned, 1)
    );
}

pub(super) fn migrating(settings: &mut Settings, speed: f64) -> TempDir {
    fast(settings);
    settings.speed = speed;
    let text = std::fs::read_to_string(&settings.manifest).unwrap();
    let module = "modules:\n  migration:dataResidency:\n    - {key: realm, remote: backend, path: /forge/migration, maxMigrationDurationHours: 0.5}\n";
    let folder = tempfile::tempdir().unwrap();
    settings.manifest = folder.path().join("manifest.yml");
    std::fs::write(&settings.manifest, text.replace("modules:\n", module)).unwrap();
    folder
}

/// The window of half an hour takes 3.6 s.
async fn migrated(answers: Vec<Reply>, migrate: Migrate) -> (Migrated, Vec<String>) {
    migrated_at(500.0, answers, migrate).await
}

async fn migrated_at(speed: f64, answers: Vec<Reply>, migrate: Migrate) -> (Migrated, Vec<String>) {
    let remote = Remote::answering(answers);
    let mut folder = None;
    let played = Played::with(remote.router(), |settings| {
        folder = Some(migrating(settings, speed));
    })
    .await;
    let migrated = played.running.migrate(&migrate).await.unwrap();
    let came = remote.came().into_iter();
    let hooks = came.map(|it| it.path["/forge/migration/".len()..].to_owned());
    (migrated, hooks.collect())
}

const READY: Reply = Reply::Status(200, r#"{"status":"ready-to-commit"}"#);
const COPYING: Reply = Reply::Status(200, r#"{"status":"copying"}"#);
const OK: Reply = Reply::Status(204, "");

#[tokio::test]
async fn a_migration_asks_until_the_copy_is_ready_and_commits() {
    let answers = vec![OK, OK, COPYING, READY, OK];
    let (migrated, hooks) = migrated(answers, Migrate::to("EU")).await;
    assert_eq!(migrated, Migrated::Committed);
    let id = hooks[2].strip_prefix("status?migrationId=").unwrap();
    assert!(id.parse::<u64>().is_ok());
    assert_eq!(
        [&hooks[0], &hooks[1], &hooks[4]],
        ["schedule", "start", "commit"]
    );
}

#[tokio::test]
async fn a_hook_that_fails_is_tried_twice_more_unless_it_says_why() {
    let failing = Reply::Status(500, "{}");
    let named = Reply::Status(409, r#"{"errorResponseCode":"E0002"}"#);
    let (end, hooks) = migrated(vec![failing; 3], Migrate::to("EU")).await;
    assert_eq!(
        end,
        Migrated::RolledBack(Reason::Failed(Hook::Schedule, None))
    );
    assert_eq!(hooks, ["schedule", "schedule", "schedule", "rollback"]);
    let (end, hooks) = migrated(vec![OK, named], Migrate::to("EU")).await;
    let reason = Reason::Failed(Hook::Start, Some("E0002".into()));
    assert_eq!(end, Migrated::RolledBack(reason));
    assert_eq!(hooks, ["schedule", "start", "rollback"]);
}

#[tokio::test]
async fn a_copy_that_fails_is_late_or_cancelled_is_rolled_back() {
    let failed = Reply::Status(200, r#"{"status":"failed","errorResponseCode":"E0004"}"#);
    let (end, hooks) = migrated(vec![OK, OK, failed], Migrate::to("EU")).await;
    let reason = Reason::Failed(Hook::Status, Some("E0004".into()));
    assert_eq!(end, Migrated::RolledBack(reason));
    assert_eq!(hooks.last().unwrap(), "rollback");
    let answers = [vec![OK, OK], vec![COPYING; 100]].concat();
    let (end, _) = migrated_at(100_000.0, answers, Migrate::to("US")).await;
    assert_eq!(end, Migrated::RolledBack(Reason::TooLate));
    let mut migrate = Migrate::to("US");
    migrate.cancelled = true;
    let (end, hooks) = migrated(vec![], migrate).await;
    assert_eq!(end, Migrated::RolledBack(Reason::Cancelled));
    assert_eq!(hooks, ["schedule", "start", "rollback"]);
}

#[tokio::test]
async fn a_migration_needs_a_module_and_a_region() {
    let played = Played::start().await;
    let none = played.running.migrate(&Migrate::to("EU")).await;
    assert_eq!(none.unwrap_err(), FireError::NoMigration);
    let none = played.running.migrate(&Migrate::to("MARS")).await;
    assert_eq!(none.unwrap_err(), FireError::Region);
}
