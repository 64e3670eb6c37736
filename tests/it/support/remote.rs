//! The binary as a process of its own, which can be killed.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    caller::Caller,
    claims::APP,
    log,
    place::{Place, STORE_KEY},
    site::Site,
};

/// What it may take to start, on a machine with other things to do.
const START: Duration = Duration::from_secs(30);

/// `forge-remote serve` in the making: the app that ships, on a store and beside a site.
pub(crate) struct Serve<'a> {
    place: &'a Place,
    site: &'a Site,
    settings: Vec<(&'a str, &'a str)>,
    variables: Vec<(&'a str, &'a str)>,
    folder: PathBuf,
    largest_file: Option<u64>,
    program: &'a str,
}

impl<'a> Serve<'a> {
    pub(crate) fn new(place: &'a Place, site: &'a Site) -> Self {
        Self {
            place,
            site,
            settings: Vec::new(),
            variables: Vec::new(),
            folder: std::env::temp_dir(),
            largest_file: None,
            program: env!("CARGO_BIN_EXE_forge-remote"),
        }
    }

    /// Another release's binary in place of ours.
    pub(crate) fn program(mut self, path: &'a str) -> Self {
        self.program = path;
        self
    }

    pub(crate) fn set(mut self, key: &'a str, value: &'a str) -> Self {
        self.settings.push((key, value));
        self
    }

    /// A variable that is no setting of its own.
    pub(crate) fn variable(mut self, name: &'a str, value: &'a str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// It is started in that folder, and finds `config/` there.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// It can make no file larger than that, until [`Remote::gets_room`].
    pub(crate) fn largest_file(mut self, bytes: u64) -> Self {
        self.largest_file = Some(bytes);
        self
    }

    /// Starts it, and waits until it answers.
    pub(crate) async fn start(&self) -> Remote {
        let mut child = self.command().spawn().unwrap();
        let said = Arc::<Mutex<String>>::default();
        let (listens, told) = oneshot::channel();
        let stderr = child.stderr.take().unwrap();
        let mut remote = Remote {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            http: reqwest::Client::new(),
            api: self.site.atlassian.url(),
            said: Arc::clone(&said),
        };
        std::thread::spawn(move || listen(stderr, &said, listens));
        let told = tokio::time::timeout(START, told).await;
        (remote.address, remote.admin) = told.expect("it starts in time").expect("it starts");
        remote
    }

    fn command(&self) -> Command {
        let program = self.program;
        let mut command = if let Some(bytes) = self.largest_file {
            // In blocks of 512 bytes. The signal of whoever passes the limit is ignored, so
            // that a write fails as on a disk that is full.
            let script = "trap '' XFSZ && ulimit -S -f \"$1\" && exec \"$0\" serve";
            let mut command = Command::new("sh");
            command.args(["-c", script, program, &(bytes / 512).to_string()]);
            command
        } else {
            let mut command = Command::new(program);
            command.arg("serve");
            command
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FORGE_REMOTE") {
                command.env_remove(name);
            }
        }
        let api = self.site.atlassian.url();
        let settings = [
            ("APP__IDS", APP.to_owned()),
            ("SERVER__LISTEN", "127.0.0.1:0".to_owned()),
            ("SERVER__ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
            ("FIT__JWKS_URL", format!("{api}/.well-known/jwks.json")),
            ("ATLASSIAN__API_HOSTS", "127.0.0.1".to_owned()),
            ("ATLASSIAN__GRAPHQL_URL", format!("{api}/graphql")),
            ("ATLASSIAN__STORAGE_URL", format!("{api}/forge/storage/kvs")),
            ("STORE__URL", self.place.url()),
            ("STORE__ENCRYPTION_KEY", STORE_KEY.to_owned()),
            ("TELEMETRY__FORMAT", "json".to_owned()),
        ];
        let more = self.settings.iter();
        let more = more.map(|(key, value)| (*key, (*value).to_owned()));
        for (key, value) in settings.into_iter().chain(more) {
            command.env(format!("FORGE_REMOTE__{key}"), value);
        }
        command
            .env("FORGE_REMOTE_ENV", "test")
            .envs(self.variables.iter().copied())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

/// Reads the log to its end, watches it, and tells the two addresses once they are known.
fn listen(
    stderr: ChildStderr,
    said: &Mutex<String>,
    listens: oneshot::Sender<(SocketAddr, SocketAddr)>,
) {
    let mut listens = Some(listens);
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        log::watch("A PROCESS'S LOG", &line);
        let fields: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(address) = fields["server.address"].as_str()
            && let Some(admin) = fields["server.admin_address"].as_str()
            && let Some(listens) = listens.take()
        {
            let _ = listens.send((address.parse().unwrap(), admin.parse().unwrap()));
        }
        let mut said = said.lock().unwrap();
        said.push_str(&line);
        said.push('\n');
    }
}

/// A remote that runs. Dropped, it is killed.
pub(crate) struct Remote {
    child: Child,
    address: SocketAddr,
    admin: SocketAddr,
    http: reqwest::Client,
    api: String,
    said: Arc<Mutex<String>>,
}

impl Remote {
    /// A caller without a FIT.
    pub(crate) fn anybody(&self) -> Caller {
        let base = format!("http://{}", self.address);
        Caller::anybody(self.http.clone(), base, &self.api)
    }

    /// Forge, with an event or a tick: a FIT of its own each time, and the app's token.
    pub(crate) fn as_platform(&self) -> Caller {
        let caller = self.anybody().fit(super::caller::Fit::of_platform);
        caller.with_fit().app_token()
    }

    /// The most memory that it ever had, in KiB.
    pub(crate) fn most_memory_kib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.unwrap().parse().unwrap()
    }

    /// A caller of the admin listener.
    pub(crate) fn operator(&self) -> Caller {
        let base = format!("http://{}", self.admin);
        Caller::anybody(self.http.clone(), base, &self.api)
    }

    /// Where the admin listener is.
    pub(crate) const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Its process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        run("sh", &["-c", "kill -\"$1\" \"$0\"", &pid, name]);
    }

    /// The lines of its log by now.
    pub(crate) fn log(&self) -> Vec<Value> {
        let said = self.said.lock().unwrap();
        let lines = said.lines().map(serde_json::from_str);
        lines.filter_map(Result::ok).collect()
    }

    /// Waits for a line of its log.
    pub(crate) async fn line(&self, what: &str, mut is_it: impl FnMut(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            if let Some(line) = self.log().into_iter().find(&mut is_it) {
                return line;
            }
            assert!(began.elapsed() < START, "no line that {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it has ended by itself, and fails after `limit`.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < limit, "it still runs after {limit:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets it make files of any size from now on.
    pub(crate) fn gets_room(&self) {
        let pid = self.child.id().to_string();
        // Anybody may raise the soft limit of a process of their own.
        run("prlimit", &["--pid", &pid, "--fsize=1073741824:"]);
    }
}

impl Drop for Remote {
    #[expect(clippy::print_stderr, reason = "what a failed test leaves to be read")]
    fn drop(&mut self) {
        // One that was killed has nothing more to say.
        if matches!(self.child.try_wait(), Ok(None)) {
            log::watch(
                "A PROCESS'S METRICS",
                &scrape(self.admin).unwrap_or_default(),
            );
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking()
            && let Ok(said) = self.said.lock()
        {
            eprintln!("a remote's log:\n{said}");
        }
    }
}

/// What a process counted, asked for by a thread that may wait.
fn scrape(admin: SocketAddr) -> io::Result<String> {
    let patience = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&admin, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}
