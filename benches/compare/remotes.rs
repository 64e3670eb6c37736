//! The remotes that are compared, each a process of its own.

use std::{
    env, fmt,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use tokio::time::sleep;

use crate::{
    child::{Helper, Killed},
    connection::Connection,
    fits::Fits,
    node, pinned,
    played::{APP, free_address},
    scenario::Scenario,
};

/// To start in.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// `forge-remote serve`.
    ForgeRemote,
    /// express and jose.
    Plain,
    /// Fastify and fast-jwt with two workers.
    Strong,
    /// An axum route that verifies nothing and answers as many bytes.
    Bare,
    /// An axum route that verifies nothing and answers nothing.
    Nothing,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForgeRemote => "forge-remote",
            Self::Plain => "express + jose",
            Self::Strong => "Fastify + fast-jwt, two workers",
            Self::Bare => "bare axum, as many bytes",
            Self::Nothing => "bare axum, no bytes",
        })
    }
}

impl Kind {
    /// Whether it verifies tokens; the others only show what HTTP costs.
    pub(crate) const fn verifies(self) -> bool {
        matches!(self, Self::ForgeRemote | Self::Plain | Self::Strong)
    }

    /// Whether it needs Node.
    pub(crate) const fn is_node(self) -> bool {
        matches!(self, Self::Plain | Self::Strong)
    }

    /// Whether it has an answer.
    pub(crate) const fn serves(self, scenario: Scenario) -> bool {
        self.verifies() || !scenario.calls_out()
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ForgeRemote => "forge-remote",
            Self::Plain => "plain",
            Self::Strong => "strong",
            Self::Bare => "bare",
            Self::Nothing => "nothing",
        }
    }
}

/// What is around the remotes.
pub(crate) struct Place {
    folder: PathBuf,
    keys: SocketAddr,
    upstream: SocketAddr,
}

impl Place {
    /// With a folder for stores and logs, emptied.
    pub(crate) fn new(keys: SocketAddr, upstream: SocketAddr) -> Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            keys,
            upstream,
        })
    }

    /// Where products are asked.
    pub(crate) fn api(&self) -> String {
        format!("http://{}", self.upstream)
    }

    fn key_set(&self) -> String {
        format!("http://{}/jwks.json", self.keys)
    }
}

/// A running remote. It ends when it is dropped.
pub(crate) struct Remote {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    process: Killed,
}

impl Remote {
    /// Starts it, and waits until it answers.
    pub(crate) async fn start(kind: Kind, place: &Place, fits: &mut Fits) -> Result<Self> {
        match kind {
            Kind::ForgeRemote => {
                let address = free_address();
                Self::run(kind, address, service(place, address), place, fits).await
            }
            Kind::Plain | Kind::Strong => {
                let address = free_address();
                Self::run(kind, address, script(kind, place, address), place, fits).await
            }
            Kind::Bare => Ok(Self::bare(kind, &invocation(fits))?),
            Kind::Nothing => Ok(Self::bare(kind, "")?),
        }
    }

    /// The id of its first process.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    fn bare(kind: Kind, body: &str) -> Result<Self> {
        let Helper { process, address } =
            Helper::start(pinned::command(env::current_exe()?).args(["bare", body]))?;
        Ok(Self {
            kind,
            address,
            process,
        })
    }

    async fn run(
        kind: Kind,
        address: SocketAddr,
        mut command: Command,
        place: &Place,
        fits: &mut Fits,
    ) -> Result<Self> {
        let log = place.folder.join(format!("{}.log", kind.name()));
        let file = File::create(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let mut process = Killed::spawn(&mut command)?;
        let request = Scenario::Reused.request(&fits.one().0);
        let started = Instant::now();
        while !answers(address, &request).await {
            if let Some(status) = process.ended()? {
                bail!("{kind} ended with {status}: see {}", log.display());
            }
            if started.elapsed() > PATIENCE {
                bail!("{kind} does not answer: see {}", log.display());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            kind,
            address,
            process,
        })
    }
}

async fn answers(address: SocketAddr, request: &[u8]) -> bool {
    let Ok(mut connection) = Connection::open(address).await else {
        return false;
    };
    let answer = connection.fetch(request).await;
    answer.is_ok_and(|(status, _)| status == 200)
}

/// This remote, as it ships; `test` lets it call loopback without TLS.
fn service(place: &Place, address: SocketAddr) -> Command {
    let mut command = pinned::command(env!("CARGO_BIN_EXE_forge-remote"));
    command
        .arg("serve")
        .current_dir(&place.folder)
        .env("FORGE_REMOTE_ENV", "test")
        .env("FORGE_REMOTE__APP__IDS", APP)
        .env("FORGE_REMOTE__SERVER__LISTEN", address.to_string())
        .env("FORGE_REMOTE__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
        .env("FORGE_REMOTE__FIT__JWKS_URL", place.key_set())
        .env("FORGE_REMOTE__ATLASSIAN__API_HOSTS", "127.0.0.1")
        .env("FORGE_REMOTE__ATLASSIAN__GRAPHQL_URL", graphql(place))
        .env(
            "FORGE_REMOTE__ATLASSIAN__STORAGE_URL",
            format!("{}/forge/storage/kvs", place.api()),
        )
        .env(
            "FORGE_REMOTE__STORE__ENCRYPTION_KEY",
            STANDARD.encode([7; 32]),
        );
    command
}

fn script(kind: Kind, place: &Place, address: SocketAddr) -> Command {
    let mut command = pinned::command("node");
    command
        .arg(node::folder().join(format!("{}.mjs", kind.name())))
        .env("NODE_ENV", "production")
        .env("PORT", address.port().to_string())
        .env("APP_ID", APP)
        .env("JWKS_URL", place.key_set())
        .env("API_ORIGIN", place.api())
        .env("GRAPHQL_URL", graphql(place));
    command
}

fn graphql(place: &Place) -> String {
    format!("{}/graphql", place.api())
}

/// What the remotes answer to an invocation, byte for byte in length.
fn invocation(fits: &mut Fits) -> String {
    let (fit, claims) = fits.one();
    Scenario::Reused.expected(&fit, &claims).to_string()
}
