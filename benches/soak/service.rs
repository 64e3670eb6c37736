//! The binary that is released, with its defaults, on SQLite.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use forge_remote::{
    Config,
    clock::Clock,
    config::Sources,
    store::{
        self,
        jobs::{JobId, JobState, Jobs},
    },
};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use crate::{
    platform::Platform,
    played::{APP, free_address},
    samples::Sample,
};

/// A running service. Dropping it kills it.
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
    admin: SocketAddr,
    settings: Vec<(&'static str, String)>,
    folder: TempDir,
}

impl Service {
    /// Starts it and waits until it takes connections.
    pub(crate) async fn start(platform: &Platform) -> Self {
        // On the disk of the repository: that of temporary files may be memory.
        let folder = tempfile::tempdir_in("target").unwrap();
        let (address, admin, api) = (free_address(), free_address(), platform.url());
        let folder_path = folder.path().canonicalize().unwrap();
        let settings = vec![
            ("FORGE_REMOTE_ENV", "test".to_owned()),
            ("FORGE_REMOTE__APP__IDS", APP.to_owned()),
            ("FORGE_REMOTE__SERVER__LISTEN", address.to_string()),
            ("FORGE_REMOTE__SERVER__ADMIN_LISTEN", admin.to_string()),
            (
                "FORGE_REMOTE__FIT__JWKS_URL",
                format!("{api}/.well-known/jwks.json"),
            ),
            ("FORGE_REMOTE__ATLASSIAN__API_HOSTS", "127.0.0.1".to_owned()),
            (
                "FORGE_REMOTE__ATLASSIAN__GRAPHQL_URL",
                format!("{api}/graphql"),
            ),
            (
                "FORGE_REMOTE__ATLASSIAN__STORAGE_URL",
                format!("{api}/forge/storage/kvs"),
            ),
            (
                "FORGE_REMOTE__STORE__URL",
                format!("sqlite://{}/store.db", folder_path.display()),
            ),
            (
                "FORGE_REMOTE__STORE__ENCRYPTION_KEY",
                STANDARD.encode([7; 32]),
            ),
            ("FORGE_REMOTE__TELEMETRY__FORMAT", "json".to_owned()),
            // Faults write a line for each request that they touch.
            ("FORGE_REMOTE__TELEMETRY__LEVEL", "error".to_owned()),
        ];
        let mut service = Self {
            child: spawn(&settings, folder_path),
            address,
            admin,
            settings,
            folder,
        };
        service.answers().await;
        service
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// kill -9, and another process on the same files and addresses.
    pub(crate) async fn kill_and_start(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let began = Instant::now();
        self.child = spawn(&self.settings, self.folder.path().into());
        self.answers().await;
        println!("killed, and back after {:.1?}", began.elapsed());
    }

    async fn answers(&mut self) {
        let began = Instant::now();
        while TcpStream::connect(self.address).await.is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it does not start: see {}", self.log());
            assert!(began.elapsed() < Duration::from_secs(30), "{}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn log(&self) -> String {
        let log = self.folder.path().join("log");
        fs::read_to_string(log).unwrap_or_default()
    }

    /// Lines of the log: at its level each is an error.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.log().lines().map(str::to_owned).collect()
    }

    /// Reads its metrics, as Prometheus does.
    pub(crate) async fn scrape(&self) {
        let url = format!("http://{}/metrics", self.admin);
        let answer = reqwest::get(url).await.unwrap().error_for_status();
        answer.unwrap().bytes().await.unwrap();
    }

    /// What the system says of it now.
    pub(crate) fn sample(&self) -> Sample {
        let process = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let field = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.unwrap().parse().unwrap()
        };
        let files = fs::read_dir(self.folder.path()).unwrap().flatten();
        let store = files.filter(|file| file.file_name().to_string_lossy().starts_with("store"));
        Sample {
            at: Instant::now(),
            resident_kib: field("VmRSS:"),
            threads: field("Threads:"),
            fds: fs::read_dir(format!("{process}/fd")).unwrap().count() as u64,
            store_bytes: store.map(|it| it.metadata().map_or(0, |it| it.len())).sum(),
        }
    }

    /// Where a job stands, by the store's own words; none if it is not there.
    pub(crate) async fn states(&self, ids: &[uuid::Uuid]) -> Vec<Option<JobState>> {
        let variables = self.settings.iter().cloned();
        let variables: HashMap<_, _> = variables.map(|(key, it)| (key.to_owned(), it)).collect();
        let sources = Sources {
            folder: "/nonexistent".into(),
            variables,
        };
        let config = Config::load_from(&sources).unwrap().config;
        let open = store::open_existing(&config.store, &config.environment, Clock::system());
        let jobs: Arc<dyn Jobs> = open.await.unwrap().jobs;
        let mut states = Vec::new();
        for id in ids {
            let found = jobs.show(JobId::from_uuid(*id)).await.unwrap();
            states.push(found.map(|job| job.state));
        }
        states
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(settings: &[(&'static str, String)], folder: PathBuf) -> Child {
    let log = folder.join("log");
    let log = OpenOptions::new().create(true).append(true).open(log);
    Command::new(env!("CARGO_BIN_EXE_forge-remote"))
        .arg("serve")
        .current_dir(folder)
        .envs(settings.iter().map(|(key, value)| (*key, value)))
        .stdin(Stdio::null())
        .stderr(Stdio::from(log.unwrap()))
        .spawn()
        .unwrap()
}
