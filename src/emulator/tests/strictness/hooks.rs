//! The calls that the platform waits for before something else happens: an uninstall, and
//! the hooks of a data-residency migration.

use std::time::Duration;

use super::{
    super::lifecycle::migrating,
    broken,
    scripted::{Says, Scripted},
    *,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_uninstall_waits_55_seconds_for_the_remote_and_goes_on_whatever_it_says() {
    for (name, says, waits) in [
        ("no answer", Says::never(), 55 * SECOND),
        ("an error", Says::status(500), Duration::ZERO),
        ("401", Says::status(401), Duration::ZERO),
        ("a reset", Says::Resets, Duration::ZERO),
    ] {
        let remote = Scripted::saying([says]).await;
        let played = Played::with(Router::new(), |settings| {
            settings.remote = remote.url.clone();
            settings.schedules_run = false;
        })
        .await;
        let token = played.app_token();
        let began = tokio::time::Instant::now();
        let before = played.running.uninstall().await.unwrap().remove(0);
        let took = began.elapsed();
        assert!(took >= waits && took < waits + SECOND, "{name}: {took:?}");
        assert_eq!(before.state, DeliveryState::Dropped, "{name}");
        assert!(!broken(&before.attempts[0].verdict).is_empty(), "{name}");
        // Its tokens open nothing any more, and it is not asked again.
        let url = played.api("confluence", "/wiki/api/v2/pages");
        assert_eq!(played.get(&token, &url).await.0, 401, "{name}");
        tokio::time::sleep(3_600 * SECOND).await;
        assert_eq!(remote.came().len(), 1, "{name}");
    }
}

/// How a migration ends that the remote plays along with like that, and what came when.
async fn migrated(script: Vec<Says>, migrate: &Migrate) -> (Migrated, Vec<(String, u64)>) {
    let remote = Scripted::saying(script).await;
    let mut folder = None;
    let played = Played::with(Router::new(), |settings| {
        folder = Some(migrating(settings, 1.0));
        settings.remote = remote.url.clone();
        // As it is on the platform.
        settings.uninstall_limit = Duration::from_secs(55);
    })
    .await;
    let migrated = played.running.migrate(migrate).await.unwrap();
    let came = remote.came();
    let began = came[0].at;
    let hooks = came.iter().map(|came| {
        let hook = came.line().rsplit('/').next().unwrap();
        let hook = hook.split('?').next().unwrap();
        (hook.to_owned(), (came.at - began).as_secs())
    });
    (migrated, hooks.collect())
}

fn at(hooks: &[(&str, u64)]) -> Vec<(String, u64)> {
    let hooks = hooks.iter();
    hooks
        .map(|(hook, second)| ((*hook).to_owned(), *second))
        .collect()
}

fn ok() -> Says {
    Says::answer(204, None, "")
}

fn json(status: u16, body: &str) -> Says {
    Says::answer(status, Some("application/json"), body)
}

#[tokio::test(start_paused = true)]
async fn a_hook_without_a_reason_is_called_twice_more_5_seconds_apart_and_rolled_back() {
    for failing in [
        Says::status(500),
        Says::status(401),
        Says::Resets,
        json(302, ""),
    ] {
        let (end, hooks) = migrated(vec![failing], &Migrate::to("EU")).await;
        assert_eq!(
            end,
            Migrated::RolledBack(Reason::Failed(Hook::Schedule, None))
        );
        // A rollback that fails is tried again, and then nobody asks any more.
        let expected = [
            ("schedule", 0),
            ("schedule", 5),
            ("schedule", 10),
            ("rollback", 10),
            ("rollback", 15),
            ("rollback", 20),
        ];
        assert_eq!(hooks, at(&expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_names_its_error_is_not_called_again() {
    let named = json(409, r#"{"errorResponseCode":"E0002"}"#);
    for (script, hook, expected) in [
        (
            vec![named.clone(), ok()],
            Hook::Schedule,
            vec![("schedule", 0), ("rollback", 0)],
        ),
        (
            vec![ok(), named.clone(), ok()],
            Hook::Start,
            vec![("schedule", 0), ("start", 0), ("rollback", 0)],
        ),
        (
            vec![
                ok(),
                ok(),
                json(200, r#"{"status":"ready-to-commit"}"#),
                named,
                ok(),
            ],
            Hook::Commit,
            vec![
                ("schedule", 0),
                ("start", 0),
                ("status", 0),
                ("commit", 0),
                ("rollback", 0),
            ],
        ),
    ] {
        let (end, hooks) = migrated(script, &Migrate::to("EU")).await;
        let reason = Reason::Failed(hook, Some("E0002".to_owned()));
        assert_eq!(end, Migrated::RolledBack(reason));
        assert_eq!(hooks, at(&expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_asked_for_every_5_minutes_until_its_window_is_over() {
    for status in [
        json(200, r#"{"status":"copying"}"#),
        Says::status(500),
        Says::answer(200, None, "soon"),
    ] {
        let (end, hooks) = migrated(vec![ok(), ok(), status], &Migrate::to("EU")).await;
        assert_eq!(end, Migrated::RolledBack(Reason::TooLate));
        let asked: Vec<_> = hooks.iter().filter(|(hook, _)| hook == "status").collect();
        // The manifest's window is half an hour.
        assert!(
            asked
                .iter()
                .map(|(_, at)| *at)
                .eq([0, 300, 600, 900, 1200, 1500, 1800]),
            "{asked:?}"
        );
    }
    let failed = json(200, r#"{"status":"failed","errorResponseCode":"E0004"}"#);
    let (end, hooks) = migrated(vec![ok(), ok(), failed, ok()], &Migrate::to("EU")).await;
    let reason = Reason::Failed(Hook::Status, Some("E0004".to_owned()));
    assert_eq!(end, Migrated::RolledBack(reason));
    assert_eq!(hooks.last().unwrap().0, "rollback");
}
