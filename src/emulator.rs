//! The Forge platform, played on one machine: `forge-remote dev`.
//!
//! It reads `manifest.yml`, signs FITs with a key of its own, hands out tokens where the
//! manifest says so, answers as Confluence, Jira and the GraphQL gateway, and shows in its
//! console everything that a remote does against it. It shares ids and claim names with
//! the library, and neither its verifier nor its clients: a bug in one must not hide a bug
//! in the other.
//!
//! ```no_run
//! use forge_remote::emulator::{Emulator, Invoke, Settings};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::new("manifest.yml", "http://127.0.0.1:8080".parse()?);
//! let emulator = Emulator::start(settings).await?;
//! println!("{}", emulator.console_url());
//! let user = &emulator.users()[0];
//! let invocation = emulator
//!     .invoke(Invoke::get(&user.account_id, "digest-page", "/api/me"))
//!     .await?;
//! println!("{:?} after {:?}", invocation.settlement, invocation.duration);
//! # Ok(())
//! # }
//! ```

mod access;
mod confluence;
mod console;
mod gateway;
mod jira;
mod journal;
mod keys;
mod manifest;
mod mint;
mod platform;
mod server;
mod stage;
#[cfg(test)]
mod tests;
mod tokens;
mod world;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    clock::Clock,
    ids::{AppId, CloudId, InstallationId},
};
use keys::SigningKey;
use manifest::{Manifest, ManifestError};
use stage::Stage;

pub use journal::{Answer, Call, Identity, Invocation, Purpose, SentRequest, Settlement};
pub use platform::{Invoke, InvokeError};

/// How long [`Running::stop`] waits for requests that are under way.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// What the emulator is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Console and APIs; a loopback address, 127.0.0.1:4000 by default. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Path of the app's `manifest.yml`.
    pub manifest: PathBuf,
    /// Where the signing key is kept, in a file that only its owner may read; `.forge-remote` by default.
    pub state_dir: PathBuf,
    /// Where invocations are sent, in place of the manifest's `baseUrl`.
    pub remote: Url,
    /// Heading of the console.
    pub title: String,
    /// Exchanges for impersonation in any minute; more are refused with 429. 10,000 by default.
    pub exchanges_per_minute: u32,
    /// How long a FIT is valid; 25 s as on the platform.
    pub fit_lifetime: Duration,
    /// How long app and user tokens are valid; 4 h as on the platform.
    pub token_lifetime: Duration,
    /// How long an impersonated token is valid; 1 h.
    pub impersonation_lifetime: Duration,
    /// How long the platform waits for the remote; 25 s.
    pub invocation_limit: Duration,
    /// Tells the time that tokens are dated with.
    pub clock: Clock,
}

impl Settings {
    /// The platform's own figures, for the app of that manifest and the remote at that address.
    pub fn new(manifest: impl Into<PathBuf>, remote: Url) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)),
            manifest: manifest.into(),
            state_dir: ".forge-remote".into(),
            remote,
            title: "Forge Remote".to_owned(),
            exchanges_per_minute: 10_000,
            fit_lifetime: Duration::from_secs(25),
            token_lifetime: Duration::from_hours(4),
            impersonation_lifetime: Duration::from_hours(1),
            invocation_limit: Duration::from_secs(25),
            clock: Clock::system(),
        }
    }
}

/// Why the emulator does not start: one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else listens there.
    #[error("port {port} is in use: stop what uses it or choose another with --console")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The console hands out tokens: it must not be reachable from outside.
    #[error("{address} is not a loopback address: choose one of 127.0.0.1 or [::1] with --console")]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be bound for another reason.
    #[error("cannot listen on {address}: choose another address with --console")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// There is no manifest that can be read.
    #[error("{}: cannot be read: run in the app's folder or name the file with --manifest", .path.display())]
    ManifestUnreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The manifest is no YAML, no manifest, or one that the platform's linter refuses.
    #[error("{}: {}", .path.display(), one_line(.problems))]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Never empty. Broken text is one problem that begins with its line and column.
        problems: Vec<String>,
    },
    /// The signing key cannot be kept.
    #[error("{0}")]
    SigningKey(String),
    /// The system has no root certificates.
    #[error("the HTTP client cannot be set up: install the system's root certificates")]
    Client(#[source] reqwest::Error),
}

fn one_line(problems: &[String]) -> String {
    match problems {
        [first, rest @ ..] if !rest.is_empty() => format!("{first} (and {} more)", rest.len()),
        _ => problems.concat(),
    }
}

impl StartError {
    fn manifest(path: PathBuf, error: ManifestError) -> Self {
        match error {
            ManifestError::Unreadable(source) => Self::ManifestUnreadable { path, source },
            ManifestError::Problems(problems) => Self::Manifest { path, problems },
            other => Self::Manifest {
                path,
                problems: vec![other.to_string()],
            },
        }
    }
}

/// The platform, before it runs.
#[derive(Debug, Clone, Copy)]
pub struct Emulator;

impl Emulator {
    /// Reads the manifest, loads or makes the signing key, binds the listener and serves in a task.
    ///
    /// # Errors
    /// [`StartError`] if the port is taken, the manifest is missing or has a problem, or
    /// the state folder cannot be used. Each is one line that says what to do.
    pub async fn start(settings: Settings) -> Result<Running, StartError> {
        let address = settings.listen;
        let manifest = Manifest::read(&settings.manifest)
            .map_err(|error| StartError::manifest(settings.manifest.clone(), error))?;
        if !address.ip().is_loopback() {
            return Err(StartError::NotLoopback { address });
        }
        let listener = bind(address).await?;
        let address = listener
            .local_addr()
            .map_err(|source| StartError::Listen { address, source })?;
        let stage = Arc::new(set_up(settings, manifest, address)?);
        let stop = CancellationToken::new();
        let served = axum::serve(listener, server::router(Arc::clone(&stage)))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let task = tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::error!(cause = %error, "the emulator stopped serving");
            }
        });
        Ok(Running {
            stage,
            address,
            stop,
            task,
        })
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortInUse {
                port: address.port(),
            },
            _ => StartError::Listen {
                address,
                source: error,
            },
        })
}

fn set_up(
    settings: Settings,
    manifest: Manifest,
    address: SocketAddr,
) -> Result<Stage, StartError> {
    let key = SigningKey::load_or_create(&settings.state_dir)
        .map_err(|error| StartError::SigningKey(error.to_string()))?;
    let origin = format!("http://{address}");
    let installation = world::Installation::of(&manifest.app_id, manifest.products.clone());
    let lifetimes = tokens::Lifetimes {
        token: settings.token_lifetime,
        impersonation: settings.impersonation_lifetime,
    };
    Ok(Stage {
        title: settings.title,
        tokens: tokens::Tokens::new(
            &key.oauth_secret,
            installation.id,
            &manifest.scopes,
            lifetimes,
            settings.clock.clone(),
        ),
        mint: mint::Mint::new(
            key,
            manifest.app_id,
            installation.clone(),
            origin.clone(),
            settings.fit_lifetime,
            settings.clock.clone(),
        ),
        journal: journal::Journal::default(),
        exchanges: gateway::ExchangeMeter::new(settings.exchanges_per_minute),
        clock: settings.clock,
        remote: settings.remote,
        under_way: Arc::new(Semaphore::new(platform::MAX_UNDER_WAY)),
        invocation_limit: settings.invocation_limit,
        client: crate::outbound::client().map_err(StartError::Client)?,
        manifest,
        installation,
        origin,
    })
}

/// Somebody who can sign in to the emulated site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Account id.
    pub account_id: String,
    /// Display name.
    pub name: String,
    /// Whether they administer the site.
    pub administrator: bool,
}

/// The platform while it runs. Dropping it stops it at once; [`stop`](Self::stop) waits.
#[derive(Debug)]
pub struct Running {
    stage: Arc<Stage>,
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// The page for people.
    #[must_use]
    pub fn console_url(&self) -> String {
        format!("{}/", self.stage.origin)
    }

    /// The key set that FITs are verified with: `fit.jwks_url`.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.stage.origin)
    }

    /// The GraphQL gateway: `atlassian.graphql_url`.
    #[must_use]
    pub fn graphql_url(&self) -> String {
        format!("{}/graphql", self.stage.origin)
    }

    /// The host that stands in for the platform's: `atlassian.api_hosts`.
    #[must_use]
    pub fn api_host(&self) -> String {
        match self.address {
            SocketAddr::V4(address) => address.ip().to_string(),
            // As URLs write it.
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        }
    }

    /// The app of the manifest: `app.ids`.
    #[must_use]
    pub fn app_id(&self) -> AppId {
        self.stage.manifest.app_id
    }

    /// The app's installation in the emulated site.
    #[must_use]
    pub fn installation_id(&self) -> InstallationId {
        self.stage.installation.id
    }

    /// The emulated site.
    ///
    /// # Panics
    /// Never: the site's id is written in this crate, and a test parses it.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a constant of this crate that a test parses"
    )]
    pub fn cloud_id(&self) -> CloudId {
        world::cloud_id().parse().expect("the site's id is one")
    }

    /// Those who can sign in, the administrator first.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        world::active_users()
            .map(|user| User {
                account_id: user.account_id.to_owned(),
                name: user.name.to_owned(),
                administrator: user.administrator,
            })
            .collect()
    }

    /// An account that is still known and can no longer be impersonated.
    #[must_use]
    pub fn deactivated_account(&self) -> &'static str {
        world::TOMAS
    }

    /// Keys of the UI modules that can be invoked.
    #[must_use]
    pub fn module_keys(&self) -> Vec<&str> {
        let modules = self.stage.manifest.modules.iter();
        modules.map(|module| module.key.as_str()).collect()
    }

    /// Invokes the remote as a UI would, and waits until the platform has settled it.
    ///
    /// # Errors
    /// [`InvokeError`] for what the platform would never send.
    pub async fn invoke(&self, invoke: Invoke) -> Result<Invocation, InvokeError> {
        platform::invoke(&self.stage, invoke).await
    }

    /// Impersonation exchanges that reached the gateway with a good app token and within the rate.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.stage.exchanges.admitted()
    }

    /// The last hundred invocations, the newest first.
    #[must_use]
    pub fn journal(&self) -> Vec<Invocation> {
        self.stage.journal.newest_first()
    }

    /// Calls of the emulated APIs that belong to no invocation, the newest first.
    #[must_use]
    pub fn other_calls(&self) -> Vec<Call> {
        self.stage.journal.strays()
    }

    /// Stops listening and waits for requests under way, 2 s at most.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(STOP_LIMIT, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
