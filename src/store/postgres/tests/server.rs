//! A PostgreSQL server for tests, which need no preparation but its binaries.
//!
//! All tests of all processes share one under `target/postgres`. Whoever needs it first
//! starts it; a shell that watches a lock stops it when nobody has used it for a while.
//! `FORGE_REMOTE_TEST_POSTGRES` names another server in its place, by the URL of a user who
//! may create databases.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, postgres::PgConnectOptions};
use uuid::Uuid;

/// A database of one test's own. It is gone when this is dropped.
pub(crate) struct TestDatabase {
    server: String,
    name: String,
    /// Keeps the shared server up.
    _user: Option<File>,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        let (server, user) = server();
        let name = format!("forge_{}", Uuid::new_v4().simple());
        run(&server, &format!("CREATE DATABASE {name}")).await;
        Self {
            server,
            name,
            _user: user,
        }
    }

    pub(crate) fn url(&self) -> String {
        let mut url = url::Url::parse(&self.server).unwrap();
        url.set_path(&self.name);
        url.into()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            let sql = format!("DROP DATABASE {name} WITH (FORCE)");
            runtime.block_on(run(&server, &sql));
        });
        // What a test that fails leaves behind must not hide why it failed.
        let _ = dropping.join();
    }
}

async fn run(server: &str, sql: &str) {
    let options: PgConnectOptions = server.parse().unwrap();
    let options = options.disable_statement_logging();
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// The URL of the server, and what keeps it up.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests alone")]
fn server() -> (String, Option<File>) {
    if let Ok(url) = std::env::var("FORGE_REMOTE_TEST_POSTGRES") {
        return (url, None);
    }
    let folder = shared_folder();
    fs::create_dir_all(&folder).unwrap();
    let lock = |name: &str| {
        let mut options = File::options();
        let options = options.create(true).truncate(false).read(true).write(true);
        options.open(folder.join(name)).unwrap()
    };
    let starting = lock("start.lock");
    starting.lock().unwrap();
    let user = lock("users.lock");
    user.lock_shared().unwrap();
    let cluster = Cluster::at(folder.join("data"));
    if !cluster.answers() {
        cluster.begin();
        cluster.stop_when_free(&folder.join("users.lock"));
    }
    (cluster.url(), Some(user))
}

/// Under `target/` if the server's user gets there.
fn shared_folder() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    fs::create_dir_all(&target).unwrap();
    let mut look = as_server("test", None);
    if look.arg("-x").arg(&target).status().unwrap().success() {
        target.join("postgres")
    } else {
        std::env::temp_dir().join("forge-remote-postgres")
    }
}

/// A server with its files.
pub(crate) struct Cluster {
    data: PathBuf,
}

impl Cluster {
    /// A server of one test's own, which it may kill.
    pub(crate) fn private(folder: &Path) -> Self {
        give_to_server(folder);
        let cluster = Self::at(folder.join("data"));
        cluster.begin();
        cluster
    }

    fn at(data: PathBuf) -> Self {
        Self { data }
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://forge:hunter2@127.0.0.1:{}/postgres",
            self.port().unwrap()
        )
    }

    /// Starts it on the port that it had before.
    pub(crate) fn start(&self, port: u16) {
        assert!(self.try_start(port), "{}", self.log());
    }

    /// As a power cut does it; nobody is told.
    pub(crate) fn kill(&self) -> u16 {
        let port = self.port().unwrap();
        let mut stop = as_server("pg_ctl", Some(&self.data));
        assert!(
            quiet(stop.args(["stop", "-m", "immediate"])),
            "{}",
            self.log()
        );
        port
    }

    /// Makes the files if there are none that can be used, and starts.
    fn begin(&self) {
        if !self.data.join("PG_VERSION").exists() {
            self.initialise();
        }
        if !self.try_start(free_port()) {
            // Left behind by a machine that went down.
            self.initialise();
            self.start(free_port());
        }
    }

    fn initialise(&self) {
        if self.data.exists() {
            fs::remove_dir_all(&self.data).unwrap();
        }
        fs::create_dir_all(&self.data).unwrap();
        give_to_server(&self.data);
        let mut init = as_server("initdb", Some(&self.data));
        init.args([
            "-U",
            "forge",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]);
        let output = init.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb: {said}");
    }

    fn try_start(&self, port: u16) -> bool {
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
             -c fsync=off -c max_connections=400"
        );
        let mut start = as_server("pg_ctl", Some(&self.data));
        quiet(
            start
                .args(["start", "-w", "-o", &options, "-l"])
                .arg(self.log_file()),
        )
    }

    fn answers(&self) -> bool {
        let port = self.port();
        port.is_some_and(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    fn port(&self) -> Option<u16> {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        file.lines().nth(3)?.trim().parse().ok()
    }

    /// Nobody holds the lock two seconds in a row: the tests are over.
    fn stop_when_free(&self, lock: &Path) {
        const WATCH: &str = "\
            command -v flock >/dev/null || exit; \
            while sleep 2 && [ -f \"$2/postmaster.pid\" ]; do \
                flock -n -x \"$1\" true || continue; \
                sleep 2; \
                flock -n -x \"$1\" \"$0\" stop -m fast -D \"$2\"; \
            done";
        let mut watch = as_server("sh", None);
        watch
            .arg("-c")
            .arg(WATCH)
            .arg(program("pg_ctl"))
            .arg(lock)
            .arg(&self.data);
        let mut watch = detached(&mut watch).spawn().unwrap();
        std::thread::spawn(move || watch.wait());
    }

    fn log_file(&self) -> PathBuf {
        self.data.join("server.log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }
}

/// A server of one test's own ends with it.
pub(crate) struct Private {
    pub(crate) cluster: Cluster,
    _folder: tempfile::TempDir,
}

impl Private {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            cluster: Cluster::private(folder.path()),
            _folder: folder,
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if self.cluster.port().is_some() {
            let mut stop = as_server("pg_ctl", Some(&self.cluster.data));
            quiet(stop.args(["stop", "-m", "immediate"]));
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// PostgreSQL does not run as root; its packages bring a user.
fn as_server(name: &str, data: Option<&Path>) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program(name));
        command
    } else {
        Command::new(program(name))
    };
    if let Some(data) = data {
        command.arg("-D").arg(data);
    }
    command.current_dir("/");
    command
}

fn give_to_server(folder: &Path) {
    if is_root() {
        let status = Command::new("chown").arg("postgres").arg(folder).status();
        assert!(status.unwrap().success());
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    let probe = tempfile::NamedTempFile::new().unwrap();
    probe.as_file().metadata().unwrap().uid() == 0
}

/// Debian keeps the programs of each release in a folder that is in no path.
fn program(name: &str) -> PathBuf {
    let releases = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let release = releases
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .max();
    let found = release.map(|release| format!("/usr/lib/postgresql/{release}/bin/{name}"));
    found
        .map(PathBuf::from)
        .filter(|path| path.exists())
        .unwrap_or_else(|| name.into())
}

/// Without a pipe to us: a server would hold it open for ever.
fn detached(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
}

fn quiet(command: &mut Command) -> bool {
    let status: io::Result<_> = detached(command).status();
    status
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
        .success()
}
