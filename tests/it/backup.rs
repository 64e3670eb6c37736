//! `forge-remote backup` and `restore`, with a remote that goes on writing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use sqlx::{Connection, SqliteConnection};

use crate::{
    command::{APP, forge_remote, text},
    support::{
        load::Load,
        place::{Place, STORE_KEY},
        remote::Serve,
        site::Site,
    },
};

const OTHER: &str = "YmFzZTY0IG9mIHRoaXJ0eS10d28gYnl0ZXMgaGVyZSE=";

fn variables<'a>(url: &'a str, key: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("FORGE_REMOTE__APP__IDS", APP),
        ("FORGE_REMOTE__STORE__URL", url),
        ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", key),
        ("FORGE_REMOTE_ENV", "test"),
    ]
}

fn run(place: &Place, arguments: &[&str]) -> Output {
    let url = place.url();
    forge_remote(
        &std::env::temp_dir(),
        arguments,
        &variables(&url, STORE_KEY),
    )
}

fn file(place: &Place) -> PathBuf {
    place.url().strip_prefix("sqlite://").unwrap().into()
}

/// Everything beside the store's file, but for the store's own files.
fn others(place: &Place) -> Vec<String> {
    let folder = file(place).parent().unwrap().to_owned();
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let own = ["store.db", "store.db-wal", "store.db-shm"];
    let mut names: Vec<_> = names.filter(|name| !own.contains(&&**name)).collect();
    names.sort();
    names
}

async fn count(file: &Path, sql: &'static str) -> i64 {
    let url = format!("sqlite://{}?mode=rw", file.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let count = sqlx::query_scalar(sql).fetch_one(&mut connection).await;
    connection.close().await.unwrap();
    count.unwrap()
}

const JOBS: &str = "SELECT count(*) FROM jobs";

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_of_one_moment_and_comes_back() {
    let place = Place::sqlite();
    let site = Site::start(Duration::from_millis(1)).await;
    let serve = Serve::new(&place, &site);
    let mut remote = serve.start().await;
    let load = Load::default();
    let senders = load.on(&remote, 4);
    load.reaches(50).await;
    let before = load.acknowledged().len();
    let backup = file(&place).with_file_name("backup.db");
    let name = backup.to_str().unwrap();
    let output = tokio::task::block_in_place(|| run(&place, &["backup", name]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    load.reaches(load.acknowledged().len() + 30).await;
    // Whatever was acknowledged before is in it, and it is closed in itself.
    let kept = count(&backup, JOBS).await;
    assert!(
        usize::try_from(kept).unwrap() >= before,
        "{kept} of {before}"
    );
    assert_eq!(mode(&backup), 0o600);

    let again = run(&place, &["backup", name]);
    assert!(
        text(&again.stderr).contains("exists already"),
        "{}",
        text(&again.stderr)
    );
    let refused = run(&place, &["restore", name]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("in use: stop the remote first"));
    let answer = remote.operator().get("/readyz").await;
    assert_eq!(
        answer.status, 200,
        "it goes on after a restore that was refused"
    );

    remote.kill();
    senders.join_all().await;
    let restored = run(&place, &["restore", name]);
    let told = text(&restored.stderr);
    assert!(restored.status.success(), "{told}");
    assert!(told.contains("can be read"), "{told}");
    assert_eq!(count(&file(&place), JOBS).await, kept);
    assert_eq!(mode(&file(&place)), 0o600);
    let names = others(&place);
    assert_eq!(names.len(), 2, "{names:?}");
    let aside = file(&place).with_file_name(&names[1]);
    assert!(names[1].starts_with("store.db.replaced-"), "{names:?}");
    assert!(count(&aside, JOBS).await > kept, "it has what came later");

    let _remote = serve.start().await;
    site.until("the jobs of the backup are done", |seen| {
        seen.has_all(&load.acknowledged()[..before])
    })
    .await;
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A store large enough that a copy of it takes a moment.
async fn large(place: &Place) {
    crate::upgrades::fill(place, 10).await;
    let sql = "INSERT INTO jobs (id, installation_id, kind, name, digest, received_at, \
        forget_after, state, payload, trace) \
        WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000) \
        SELECT 'job' || n, 'x', 'event', 'x', x'00', 0, 0, 'ready', hex(randomblob(8000)), 'x' \
        FROM n";
    let mut connection = SqliteConnection::connect(&place.url()).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_backup_that_was_killed_leaves_no_file_of_its_name() {
    let place = Place::sqlite();
    large(&place).await;
    let backup = file(&place).with_file_name("backup.db");
    let partial = file(&place).with_file_name("backup.db.partial");
    let url = place.url();
    let mut child = Command::new(env!("CARGO_BIN_EXE_forge-remote"))
        .arg("backup")
        .arg(&backup)
        .envs(variables(&url, STORE_KEY))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while fs::metadata(&partial).map_or(0, |it| it.len()) < 1 << 20 {
        assert!(began.elapsed() < Duration::from_secs(30), "it never began");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!backup.exists() && partial.exists());
    // Half of it is no backup, and in nobody's way.
    let half = run(&place, &["restore", partial.to_str().unwrap()]);
    assert_eq!(half.status.code(), Some(1));
    let output = run(&place, &["backup", backup.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(others(&place), ["backup.db"]);
    assert_eq!(count(&backup, JOBS).await, 3000);
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_left_behind() {
    let place = Place::sqlite();
    large(&place).await;
    let backup = file(&place).with_file_name("backup.db");
    let url = place.url();
    // In blocks of 512 bytes; a write beyond fails as on a disk that is full.
    let script = "trap '' XFSZ && ulimit -f 4096 && exec \"$0\" \"$@\"";
    let limited = |arguments: &[&str]| {
        Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_forge-remote")])
            .args(arguments)
            .envs(variables(&url, STORE_KEY))
            .output()
            .unwrap()
    };
    let output = limited(&["backup", backup.to_str().unwrap()]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("full") || told.contains("disk I/O"), "{told}");
    assert_eq!(others(&place), [""; 0]);

    let output = run(&place, &["backup", backup.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = limited(&["restore", backup.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(others(&place), ["backup.db"]);
    assert_eq!(count(&file(&place), JOBS).await, 3000);
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_changes_nothing() {
    let place = Place::sqlite();
    crate::upgrades::fill(&place, 3).await;
    let beside = |name: &str| file(&place).with_file_name(name);
    let backup = beside("backup.db");
    let output = run(&place, &["backup", backup.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let refused = |name: &Path, why: &str| {
        let output = run(&place, &["restore", name.to_str().unwrap()]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(why), "{told}");
    };
    refused(&beside("nowhere.db"), "does not exist");
    fs::write(beside("text.db"), "hello").unwrap();
    refused(&beside("text.db"), "is damaged");
    fs::write(beside("empty.db"), "").unwrap();
    refused(&beside("empty.db"), "is no store of a remote");
    let mut bytes = fs::read(&backup).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xff);
    fs::write(beside("flipped.db"), &bytes).unwrap();
    refused(&beside("flipped.db"), "is damaged");
    fs::copy(&backup, beside("live.db")).unwrap();
    fs::write(beside("live.db-wal"), "x").unwrap();
    refused(&beside("live.db"), "copied while it was in use");
    fs::copy(&backup, beside("newer.db")).unwrap();
    let url = format!("sqlite://{}", beside("newer.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let raised = sqlx::query("UPDATE forge_schema SET floor = 9999");
    raised.execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    refused(&beside("newer.db"), "changed by a newer release");

    let url = place.url();
    let arguments = ["restore", backup.to_str().unwrap()];
    let output = forge_remote(&std::env::temp_dir(), &arguments, &variables(&url, OTHER));
    let told = text(&output.stderr);
    assert!(
        told.contains("3 of the 3 tokens in the backup cannot be read"),
        "{told}"
    );
    let kept: Vec<_> = others(&place);
    let left = |name: &&String| name.contains("restoring") || name.contains("replaced");
    assert_eq!(kept.iter().find(left), None);
    let tokens = "SELECT count(*) FROM app_tokens";
    assert_eq!(count(&file(&place), tokens).await, 3);

    // With its leave, without the tokens; and over a file that is none.
    let arguments = ["restore", "--accept-unreadable", backup.to_str().unwrap()];
    let output = forge_remote(&std::env::temp_dir(), &arguments, &variables(&url, OTHER));
    assert!(output.status.success(), "{}", text(&output.stderr));
    fs::write(file(&place), "no database").unwrap();
    refused(&backup, "go on with `--force`");
    let output = run(&place, &["restore", "--force", backup.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(count(&file(&place), tokens).await, 3);
}

#[tokio::test]
async fn postgresql_has_tools_of_its_own() {
    let place = Place::postgres().await;
    for command in ["backup", "restore"] {
        let output = run(&place, &[command, "/nowhere/backup.db"]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.contains("pg_dump") && !told.contains("postgres://"),
            "{told}"
        );
    }
}
