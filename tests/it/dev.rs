//! The remote under the emulated platform: what a newcomer sees in the first minute.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use forge_remote::emulator::{
    Emulator, Identity, Invocation, Invoke, Running, Settings, Settlement,
};
use serde_json::Value;

use crate::support::{app::TestApp, log::assert_no_secret};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml");

/// Nobody listens there: the emulator learns the remote's address once it has one.
const NOWHERE: &str = "http://127.0.0.1:9";

pub(crate) struct Dev {
    pub(crate) emulator: Running,
    pub(crate) app: TestApp,
}

pub(crate) async fn dev() -> Dev {
    let setup = TestApp::setup().await;
    let state = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(MANIFEST, NOWHERE.parse().unwrap());
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings.state_dir = state.path().to_owned();
    let emulator = Emulator::start(settings).await.unwrap();
    let app = setup
        .set("APP__IDS", &emulator.app_id().to_string())
        .set("FIT__JWKS_URL", &emulator.jwks_url())
        .set("ATLASSIAN__GRAPHQL_URL", &emulator.graphql_url())
        .set("ATLASSIAN__STORAGE_URL", &emulator.storage_url())
        .start()
        .await;
    emulator.set_remote(format!("http://{}", app.address).parse().unwrap());
    Dev { emulator, app }
}

impl Dev {
    /// The account of the user with that first name.
    pub(crate) fn account(&self, name: &str) -> String {
        let users = self.emulator.users();
        let user = users
            .iter()
            .find(|user| user.name.starts_with(name))
            .unwrap();
        user.account_id.clone()
    }

    async fn get(&self, user: &str, module: &str, path: &str) -> Invocation {
        let account = self.account(user);
        self.emulator
            .invoke(Invoke::get(&account, module, path))
            .await
            .unwrap()
    }

    async fn titles(&self, user: &str, path: &str) -> Vec<String> {
        let invocation = self.get(user, "digest-page", path).await;
        let answer = json(&invocation, 200);
        let pages = answer["results"].as_array().unwrap();
        pages
            .iter()
            .map(|page| page["title"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[track_caller]
pub(crate) fn json(invocation: &Invocation, status: u16) -> Value {
    let answer = invocation.answer.as_ref().expect("an answer");
    let text = answer.json();
    assert_eq!(answer.status, status, "{text:?}");
    for finding in &invocation.verdict {
        assert!(finding.passed, "{}: {}", finding.rule, finding.sentence);
    }
    text.expect("JSON")
}

#[tokio::test]
async fn the_same_list_differs_by_who_is_asked_for() {
    let dev = dev().await;
    let list = "/api/content?limit=100";
    let mira = dev.titles("Mira", list).await;
    let jonas = dev.titles("Jonas", list).await;
    let priya = dev.titles("Priya", list).await;
    let app = dev.titles("Mira", "/api/content?limit=100&as=app").await;
    for (one, other) in [
        (&mira, &jonas),
        (&jonas, &priya),
        (&mira, &app),
        (&jonas, &app),
    ] {
        assert_ne!(one, other);
    }
    // Seen as Jonas by the administrator is what Jonas sees himself.
    let as_jonas = format!("/api/accounts/{}/content?limit=100", dev.account("Jonas"));
    assert_eq!(dev.titles("Mira", &as_jonas).await, jonas);
    assert_eq!(dev.emulator.exchanges(), 1);
    drop(dev.app);
}

#[tokio::test]
async fn every_call_is_shown_with_the_identity_it_used() {
    let dev = dev().await;
    let path = format!("/api/accounts/{}/content", dev.account("Priya"));
    let invocation = dev.get("Mira", "digest-page", &path).await;
    let _ = json(&invocation, 200);
    let identities: Vec<_> = invocation
        .calls
        .iter()
        .map(|call| match &call.identity {
            Identity::User { .. } => "user",
            Identity::App => "app",
            Identity::Impersonated { .. } => "account",
            Identity::Nobody => "nobody",
        })
        .collect();
    assert_eq!(identities, ["user", "app", "account"]);
    assert!(matches!(
        invocation.settlement,
        Settlement::Resolved { status: 200 }
    ));
}

#[tokio::test]
async fn only_the_administrator_sees_as_somebody_else() {
    let dev = dev().await;
    let path = format!("/api/accounts/{}/content", dev.account("Mira"));
    let refused = dev.get("Jonas", "digest-page", &path).await;
    assert_eq!(json(&refused, 403)["error"]["code"], "forbidden");
    let left = format!(
        "/api/accounts/{}/content",
        dev.emulator.deactivated_account()
    );
    let denied = dev.get("Mira", "digest-page", &left).await;
    assert_eq!(json(&denied, 403)["error"]["code"], "impersonation_denied");
}

#[tokio::test]
async fn both_modules_reach_both_products() {
    let dev = dev().await;
    for module in ["digest-page", "digest-panel"] {
        let issue = dev.get("Jonas", module, "/api/issues/QUA-17").await;
        assert_eq!(json(&issue, 200)["key"], "QUA-17");
        let me = dev.get("Jonas", module, "/api/me").await;
        assert_eq!(json(&me, 200)["accountId"], dev.account("Jonas"));
        let seen = dev.get("Jonas", module, "/api/invocation").await;
        assert_eq!(json(&seen, 200)["claims"]["app"]["module"]["key"], module);
        assert_eq!(dev.titles("Jonas", "/api/content?limit=100").await.len(), 7);
    }
    let missing = dev
        .get("Jonas", "digest-panel", "/api/issues/QUA-9999")
        .await;
    assert_eq!(json(&missing, 404)["error"]["code"], "not_found");
}

#[tokio::test]
async fn the_cursor_leads_through_all_pages() {
    let dev = dev().await;
    let all = dev.titles("Mira", "/api/content?limit=100").await;
    let (mut found, mut path) = (Vec::new(), "/api/content?limit=2".to_owned());
    for _ in 0..all.len() {
        let page = json(&dev.get("Mira", "digest-page", &path).await, 200);
        let titles = page["results"].as_array().unwrap().iter();
        found.extend(titles.map(|page| page["title"].as_str().unwrap().to_owned()));
        match page["cursor"].as_str() {
            Some(cursor) => path = format!("/api/content?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, all);
}

/// Killed with the test, whatever becomes of that.
struct Spawned(Child);

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The command itself: starts, prints the console's address, serves, and stops on SIGTERM.
#[tokio::test]
async fn one_command_brings_the_page_up() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_forge-remote"))
        .current_dir(folder.path())
        .args(["dev", "--manifest", MANIFEST, "--console", "127.0.0.1:0"])
        .args(["--listen", "127.0.0.1:0"])
        // Nothing of it leaves the machine, whatever proxy the machine has.
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:9")))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .stdout(Stdio::piped())
        .env("FORGE_REMOTE__TELEMETRY__LEVEL", "debug")
        .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut child = Spawned(child);
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let console = lines
        .find_map(|line| {
            Some(
                line.unwrap()
                    .trim()
                    .strip_prefix("console")?
                    .trim()
                    .to_owned(),
            )
        })
        .expect("the console's address");
    let mut told = |what: &str| {
        let found =
            lines.find_map(|line| Some(line.unwrap().trim().strip_prefix(what)?.trim().to_owned()));
        found.unwrap_or_else(|| panic!("no {what}"))
    };
    let (page_of_the_app, remote) = (told("page"), told("remote"));
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let page = http
        .get(&console)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("Mira") && page.contains("/api/content"),
        "{page}"
    );
    let user = page
        .split("<option value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let form = [
        ("user", user),
        ("module", "digest-page"),
        ("method", "GET"),
        ("path", "/api/me"),
    ];
    let origin = console.trim_end_matches('/');
    let sent = http
        .post(format!("{origin}/invoke"))
        .header("origin", origin)
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 303);
    let shown = format!("{origin}{}", sent.headers()["location"].to_str().unwrap());
    let shown = http.get(shown).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains(">Trace</h2>"), "{shown}");
    assert!(shown.contains("200"), "{shown}");

    let page = http.get(&page_of_the_app).send().await.unwrap();
    assert_eq!(page.status(), 200, "{page_of_the_app}");
    let preflight = http
        .request(reqwest::Method::OPTIONS, format!("{remote}/api/invocation"))
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .send()
        .await
        .unwrap();
    let allowed = preflight.headers().get("access-control-allow-origin");
    assert_eq!(allowed.unwrap(), origin, "`requestRemote` comes from there");

    let kill = Command::new("kill")
        .arg(child.0.id().to_string())
        .status()
        .unwrap();
    assert!(kill.success());
    assert!(child.0.wait().unwrap().success(), "it stops in order");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("GET /api/me"), "{log}");
    assert_no_secret("the log of the process", &log);
}

#[test]
fn what_keeps_it_from_starting_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_forge-remote"))
            .current_dir(folder.path())
            .arg("dev")
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8(output.stderr).unwrap();
        message
            .lines()
            .find(|line| line.starts_with("forge-remote:"))
            .unwrap()
            .to_owned()
    };
    assert!(run(&[]).contains("--manifest"), "{}", run(&[]));
    std::fs::write(folder.path().join("broken.yml"), "app: [\n").unwrap();
    let broken = run(&["--manifest", "broken.yml", "--console", "127.0.0.1:0"]);
    assert!(broken.contains("broken.yml"), "{broken}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let console = run(&["--manifest", MANIFEST, "--console", &address]);
    assert!(console.contains("--console"), "{console}");
    let listen = run(&[
        "--manifest",
        MANIFEST,
        "--console",
        "127.0.0.1:0",
        "--listen",
        &address,
    ]);
    assert!(listen.contains("--listen"), "{listen}");
}
