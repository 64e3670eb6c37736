//! `forge-remote inbox`, on a database that a remote has filled.

use std::{path::Path, process::Output, sync::Arc, time::Duration};

use forge_remote::{
    Secret,
    clock::{Clock, Timestamp},
    config,
    store::{
        self,
        jobs::{Claim, Ending, JobId, JobKind, Jobs, NewJob, Owner, Settled},
    },
    token::AppToken,
    trace::TraceId,
};
use serde_json::{Value, json};

use crate::command::{APP, forge_remote, text};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const INSTALLATION: &str = "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647";
const OTHER: &str = "00000000-0000-4000-8000-000000000002";
/// 2026-07-29T08:00:00Z
const THEN: Timestamp = Timestamp::from_unix(1_785_312_000);

fn id(number: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{number:02}")
}

fn url(folder: &Path) -> String {
    format!("sqlite://{}/store/test.db", folder.display())
}

fn inbox(folder: &Path, arguments: &[&str]) -> Output {
    let arguments: Vec<_> = ["inbox"].iter().chain(arguments).copied().collect();
    forge_remote(
        folder,
        &arguments,
        &[
            ("FORGE_REMOTE__APP__IDS", APP),
            ("FORGE_REMOTE__STORE__URL", &url(folder)),
            ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY),
        ],
    )
}

fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = inbox(folder, arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn parsed(folder: &Path, arguments: &[&str]) -> Value {
    let arguments: Vec<_> = arguments.iter().chain(&["--json"]).copied().collect();
    serde_json::from_str(&printed(folder, &arguments)).unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|job| job["id"].as_str().unwrap()).collect()
}

fn job(number: u8, installation: &str) -> NewJob {
    let token = AppToken::expiring("t0psecret".into(), THEN.plus(Duration::from_hours(1)));
    NewJob {
        id: id(number).parse().unwrap(),
        installation: installation.parse().unwrap(),
        kind: JobKind::Event,
        name: "avi:confluence:updated:page".into(),
        digest: [number; 32],
        unless_within: None,
        coalesces: false,
        remember_for: Duration::from_hours(24),
        order: None,
        payload: format!(r#"{{"number": {number}}}"#).into(),
        trace: TraceId::of_text("463ac35c9f6413ad"),
        app_token: Some(token.unwrap()),
    }
}

/// Jobs 1, 2 and 3 are dead letters, the last of another installation; 4 is ready.
async fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let jobs = open(folder.path()).await;
    let of = [INSTALLATION, INSTALLATION, OTHER];
    let doomed: Vec<_> = (1..).zip(of).map(|(number, of)| job(number, of)).collect();
    jobs.add(&doomed).await.unwrap();
    assert_eq!(kill_all(&*jobs).await, 3);
    jobs.add(&[job(4, INSTALLATION)]).await.unwrap();
    folder
}

async fn open(folder: &Path) -> Arc<dyn Jobs> {
    let settings = config::Store {
        url: url(folder),
        encryption_key: Some(Secret::new(KEY.to_owned())),
        additional_encryption_keys: Vec::new(),
    };
    let open = store::open(&settings, &config::Environment::Test, Clock::manual(THEN));
    open.await.unwrap().jobs
}

/// Claims what is ready, up to 256 jobs, and lets them die; tells how many that were.
async fn kill_all(jobs: &dyn Jobs) -> usize {
    let owner = Owner::random();
    let claim = Claim {
        owner,
        most: 256,
        lease: Duration::from_mins(1),
        after: None,
        each: usize::MAX,
        except: Vec::new(),
    };
    let turn = jobs.turn(&[], Some(&claim)).await.unwrap();
    let settled: Vec<_> = turn
        .claimed
        .iter()
        .map(|claimed| Settled {
            owner,
            run: claimed.run,
            how: Ending::Dead {
                error: "the page is gone\u{1b}[2J: 404\nand more".into(),
            },
        })
        .collect();
    jobs.turn(&settled, None).await.unwrap();
    settled.len()
}

#[tokio::test]
async fn a_list_is_a_table_of_dead_letters() {
    let folder = filled().await;
    let table = printed(folder.path(), &["list"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("ID "), "{table}");
    let first = lines.iter().find(|line| line.contains(&id(1))).unwrap();
    for cell in [
        "event",
        "avi:confluence:updated:page",
        INSTALLATION,
        "  1  ",
        "2026-07-29T08:00:00Z",
        "the page is gone",
        "404",
    ] {
        assert!(first.contains(cell), "{cell}: {first}");
    }
    // One line each, and nothing that a terminal obeys.
    assert!(!table.contains("and more") && !table.contains('\u{1b}'));

    let mine = printed(folder.path(), &["list", "--installation", OTHER]);
    assert_eq!(mine.lines().count(), 2, "{mine}");
    assert!(mine.contains(&id(3)));
    let ready = printed(folder.path(), &["list", "--state", "ready"]);
    assert!(ready.contains(&id(4)) && !ready.contains(&id(1)));
    let none = printed(folder.path(), &["list", "--state", "parked"]);
    assert_eq!(none, "no jobs\n");
}

#[tokio::test]
async fn a_list_is_json_for_programs() {
    let folder = filled().await;
    let list = parsed(folder.path(), &["list"]);
    let expected = json!({
        "id": id(3),
        "kind": "event",
        "name": "avi:confluence:updated:page",
        "installation": format!("ari:cloud:ecosystem::installation/{OTHER}"),
        "state": "dead",
        "attempts": 1,
        "receivedAt": "2026-07-29T08:00:00Z",
        "dueAt": null,
        "endedAt": "2026-07-29T08:00:00Z",
        "trace": "463ac35c9f6413ad",
        "error": "the page is gone\u{1b}[2J: 404\nand more",
    });
    assert_eq!(list[0], expected);
    assert_eq!(ids(&list), [id(3), id(2), id(1)]);
    let two = parsed(folder.path(), &["list", "--limit", "2"]);
    assert_eq!(ids(&two), [id(3), id(2)]);
    let all = parsed(folder.path(), &["list", "--state", "all"]);
    assert_eq!(all.as_array().unwrap().len(), 4);
    let none = parsed(folder.path(), &["list", "--state", "done"]);
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn one_job_is_shown_with_its_payload_and_no_token() {
    let folder = filled().await;
    let shown = printed(folder.path(), &["show", &id(4)]);
    for line in [
        "state         ready",
        "\"number\": 4",
        "2026-07-29T08:00:00Z",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("t0psecret"));
    let shown = parsed(folder.path(), &["show", &id(1)]);
    assert_eq!(shown["payload"], json!({"number": 1}));
    assert!(!shown.to_string().contains("t0psecret"));

    let unknown = inbox(folder.path(), &["show", &id(99)]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("there is no job"));
}

#[tokio::test]
async fn dead_letters_are_replayed_one_by_one_or_all() {
    let folder = filled().await;
    assert_eq!(printed(folder.path(), &["replay", &id(1)]), "replayed 1\n");
    // It is none any more; the others of the call are dealt with all the same.
    let again = inbox(folder.path(), &["replay", &id(1), &id(2), "--json"]);
    assert_eq!(again.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(told, json!({"replayed": 1, "notFound": [id(1)]}));
    assert!(text(&again.stderr).contains(&id(1)));
    let other = ["replay", "--all", "--installation", INSTALLATION];
    assert_eq!(parsed(folder.path(), &other)["replayed"], 0);
    assert_eq!(printed(folder.path(), &["replay", "--all"]), "replayed 1\n");
    let ready = parsed(folder.path(), &["list", "--state", "ready"]);
    assert_eq!(ready.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn dead_letters_are_purged_one_by_one_or_all() {
    let folder = filled().await;
    assert_eq!(printed(folder.path(), &["purge", &id(2)]), "purged 1\n");
    // A job that is not dead is not purged.
    let ready = inbox(folder.path(), &["purge", &id(4)]);
    assert_eq!(ready.status.code(), Some(1));
    let young = ["purge", "--all", "--older-than", "36500d"];
    assert_eq!(printed(folder.path(), &young), "purged 0\n");
    let other = ["purge", "--all", "--installation", OTHER];
    assert_eq!(parsed(folder.path(), &other)["purged"], 1);
    assert_eq!(printed(folder.path(), &["purge", "--all"]), "purged 1\n");
    let left = parsed(folder.path(), &["list", "--state", "all"]);
    assert_eq!(ids(&left), [id(4)]);
}

#[tokio::test]
async fn nothing_happens_to_all_unless_all_is_said() {
    let folder = filled().await;
    for arguments in [
        &["replay"][..],
        &["purge"],
        &["purge", "--older-than", "7d"],
        &["replay", "--installation", OTHER],
        &["purge", "--all", &id(1)],
        &["purge", "--all", "--older-than", "7"],
        &["list", "--state", "asleep"],
        &["list", "--limit", "0"],
        &["show", "not-an-id"],
        &["show"],
        &[],
    ] {
        let output = inbox(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
    let left = parsed(folder.path(), &["list"]);
    assert_eq!(left.as_array().unwrap().len(), 3);
}

#[test]
fn a_database_that_is_not_there_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let output = inbox(folder.path(), &["list"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains("`store.url`") && message.contains("does not exist"),
        "{message}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// More than the store is asked to change at once.
#[tokio::test]
async fn all_are_really_all() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = open(folder.path()).await;
    for part in 0..5_u128 {
        let doomed: Vec<_> = (0..250)
            .map(|number| NewJob {
                id: JobId::from_uuid(uuid::Uuid::from_u128(part * 250 + number)),
                ..job(1, INSTALLATION)
            })
            .collect();
        jobs.add(&doomed).await.unwrap();
        assert_eq!(kill_all(&*jobs).await, 250);
    }
    let replayed = printed(folder.path(), &["replay", "--all"]);
    assert_eq!(replayed, "replayed 1250\n");
    for _ in 0..5 {
        kill_all(&*jobs).await;
    }
    let purged = printed(folder.path(), &["purge", "--all"]);
    assert_eq!(purged, "purged 1250\n");
    let left = parsed(folder.path(), &["list", "--state", "all"]);
    assert_eq!(left, json!([]));
}

/// The service and the command are two processes on one file.
#[tokio::test]
async fn it_works_while_the_database_is_in_use() {
    let folder = filled().await;
    let jobs = open(folder.path()).await;
    assert_eq!(printed(folder.path(), &["replay", &id(3)]), "replayed 1\n");
    let claim = Claim {
        owner: Owner::random(),
        most: 9,
        lease: Duration::from_mins(1),
        after: None,
        each: usize::MAX,
        except: Vec::new(),
    };
    let turn = jobs.turn(&[], Some(&claim)).await.unwrap();
    let claimed: Vec<JobId> = turn.claimed.iter().map(|it| it.run.job).collect();
    assert!(claimed.contains(&id(3).parse().unwrap()), "{claimed:?}");
    assert_eq!(parsed(folder.path(), &["show", &id(3)])["state"], "running");
}

#[test]
fn help_explains() {
    let folder = tempfile::tempdir().unwrap();
    let help = printed(folder.path(), &["--help"]);
    for word in ["list", "show", "replay", "purge", "--json"] {
        assert!(help.contains(word), "{help}");
    }
    let help = printed(folder.path(), &["purge", "--help"]);
    for word in ["--all", "--older-than", "--installation", "7d"] {
        assert!(help.contains(word), "{help}");
    }
}
