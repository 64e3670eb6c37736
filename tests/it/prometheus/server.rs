//! A real Prometheus, of one test's own, with the configuration and the rules that are shipped.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// What anything may take that is waited for, on a machine with other things to do.
pub(super) const PATIENCE: Duration = Duration::from_secs(25);

/// How often it scrapes and evaluates: the tests cannot wait for 15 s.
const INTERVAL: &str = "200ms";

/// A Prometheus that runs. Dropped, it is killed.
pub(super) struct Prometheus {
    child: Child,
    address: SocketAddr,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

/// What is shipped.
pub(super) fn shipped(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The program of Debian's package `prometheus`, or another one in the path.
pub(super) fn program(name: &str) -> PathBuf {
    let packaged = PathBuf::from("/usr/bin").join(name);
    if packaged.exists() {
        packaged
    } else {
        name.into()
    }
}

/// Runs promtool where the rules are, and fails if it does.
pub(super) fn promtool(arguments: &[&str]) {
    let mut command = Command::new(program("promtool"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let output = command.args(arguments).current_dir(folder).output();
    let output = output.expect("promtool is there: Debian's package prometheus has it");
    let said = String::from_utf8_lossy(&output.stderr);
    let more = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{arguments:?}\n{more}\n{said}");
}

impl Prometheus {
    /// Starts one that scrapes `target`. Its alerts wait for nothing before they fire.
    pub(super) async fn scraping(target: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shipped_config = shipped("deploy/prometheus/prometheus.yml");
        let config = shipped_config
            .replace("interval: 15s", &format!("interval: {INTERVAL}"))
            .replace("- 127.0.0.1:9090", &format!("- {target}"));
        assert_ne!(config, shipped_config);
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        fs::write(folder.path().join("alerts.yml"), impatient_alerts()).unwrap();
        // Somebody may take the port before Prometheus does.
        for _ in 0..5 {
            let address = free_address();
            let mut child = Self::command(folder.path(), address).spawn().expect(
                "Prometheus starts: install Debian's package prometheus, or put it in the path",
            );
            let http = reqwest::Client::new();
            if is_ready(&http, address, &mut child).await {
                return Self {
                    child,
                    address,
                    http,
                    _folder: folder,
                };
            }
        }
        panic!("Prometheus finds no port");
    }

    fn command(folder: &Path, address: SocketAddr) -> Command {
        let mut command = Command::new(program("prometheus"));
        command
            .arg(format!(
                "--config.file={}",
                folder.join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// What a query brings now: an instant vector.
    pub(super) async fn query(&self, query: &str) -> Vec<Value> {
        let answer = self.ask("query", &[("query", query)]).await;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let result = answer["data"]["result"].as_array().cloned();
        result.unwrap_or_default()
    }

    /// The alerts that fire now, by name.
    pub(super) async fn firing(&self) -> Vec<Value> {
        let answer = self.ask("alerts", &[]).await;
        let alerts = answer["data"]["alerts"].as_array().unwrap().clone();
        let firing = alerts
            .into_iter()
            .filter(|alert| alert["state"] == "firing");
        firing.collect()
    }

    /// Waits until an alert fires, and gives it.
    pub(super) async fn fires(&self, name: &str) -> Value {
        let began = Instant::now();
        loop {
            let firing = self.firing().await;
            if let Some(alert) = firing.iter().find(|it| it["labels"]["alertname"] == name) {
                return alert.clone();
            }
            assert!(began.elapsed() < PATIENCE, "{name} among {firing:#?}");
            pause().await;
        }
    }

    /// Waits until an alert fires no more.
    pub(super) async fn calms(&self, name: &str) {
        let began = Instant::now();
        while { self.firing().await }
            .iter()
            .any(|it| it["labels"]["alertname"] == name)
        {
            assert!(began.elapsed() < PATIENCE, "{name} still fires");
            pause().await;
        }
    }

    /// All rules, once each was evaluated.
    pub(super) async fn rules(&self) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let answer = self.ask("rules", &[]).await;
            let groups = answer["data"]["groups"].as_array().unwrap().clone();
            let rules: Vec<_> = groups
                .iter()
                .flat_map(|group| group["rules"].as_array().unwrap().clone())
                .collect();
            if !rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown") {
                return rules;
            }
            assert!(began.elapsed() < PATIENCE, "{rules:#?}");
            pause().await;
        }
    }

    async fn ask(&self, what: &str, query: &[(&str, &str)]) -> Value {
        let url = format!("http://{}/api/v1/{what}", self.address);
        let answer = self.http.get(url).query(query).send().await.unwrap();
        answer.json().await.unwrap()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Between two looks at something that is waited for.
pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// The alerts as they are shipped, but for their patience.
fn impatient_alerts() -> String {
    let shipped = shipped("deploy/prometheus/alerts.yml");
    let lines = shipped.lines().map(|line| {
        if line.trim_start().starts_with("for: ") {
            "        for: 0s"
        } else {
            line
        }
    });
    let alerts: Vec<_> = lines.collect();
    assert!(alerts.iter().any(|line| line.ends_with("for: 0s")));
    alerts.join("\n")
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// False if it has ended.
async fn is_ready(http: &reqwest::Client, address: SocketAddr, child: &mut Child) -> bool {
    let began = Instant::now();
    let url = format!("http://{address}/-/ready");
    while child.try_wait().unwrap().is_none() {
        if let Ok(answer) = http.get(&url).send().await
            && answer.status().is_success()
        {
            return true;
        }
        assert!(began.elapsed() < PATIENCE, "Prometheus does not get ready");
        pause().await;
    }
    false
}
