//! `forge-remote check`: plays the platform against a running remote, rule by rule.
//!
//! ```no_run
//! use std::time::Duration;
//! use forge_remote::conformance::check::{Check, Settings};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut settings = Settings::new("manifest.yml");
//! settings.ui_paths = vec!["/api/content".parse()?];
//! let check = Check::start(settings).await?;
//! // What the remote has to be told, before it is started.
//! for (name, value) in check.trust().variables() {
//!     println!("{name}={value}");
//! }
//! let remote = "http://127.0.0.1:8080".parse()?;
//! check.wait_for(&remote, Duration::from_secs(60), |why| println!("waiting: {why}")).await?;
//! let report = check.run(&remote, &[], &|_| {}).await?;
//! println!("{}", report.table(false));
//! assert!(report.is_good());
//! # Ok(())
//! # }
//! ```
//!
//! The limits are the platform's. Where a check is to be told of a mistake of its own, and not of
//! the remote's, there is [`CheckError`]:
//!
//! ```no_run
//! use forge_remote::conformance::check::{Check, CheckError, Limits, Settings, Trust};
//!
//! # async fn start() -> Result<(), CheckError> {
//! let settings = Settings::new("manifest.yml");
//! assert_eq!(settings.limits.ui, Limits::default().ui);
//! let check = match Check::start(settings).await {
//!     Err(CheckError::Listen { address, .. }) => return Ok(println!("{address} is taken")),
//!     other => other?,
//! };
//! let Trust { jwks_url, api_origin, .. } = check.trust();
//! println!("keys at {jwks_url:?}, tokens to {api_origin} only");
//! # Ok(())
//! # }
//! ```

mod door;
mod engine;
mod limits;
mod mask;
mod restart;
mod run;
mod trust;
mod ui_path;
mod work;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use tokio::net::TcpListener;
use url::Url;

use super::{
    platform::{Key, Platform},
    report::{Judged, Report},
    rule::Only,
    wire::Wire,
};
use crate::{ids::AppId, manifest::Manifest};

pub use limits::Limits;
pub use trust::Trust;
pub use ui_path::{NoUiPath, UiPath};

pub(super) use door::{Door, DoorKind};
pub(super) use run::{Probed, Run, fresh_id};
pub(super) use work::{describe_work, is_change};

/// What a check is started with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The app's `manifest.yml`: it names the app and the paths that the platform calls.
    pub manifest: PathBuf,
    /// Where key set, gateway, storage and products listen: what the remote is told.
    pub listen: SocketAddr,
    /// Paths that the app's pages call. A manifest does not name them.
    pub ui_paths: Vec<UiPath>,
    /// Another app id than the manifest's.
    pub app_id: Option<AppId>,
    /// A private key that the remote trusts already. Then rules about the key set cannot be tried.
    pub signing_key: Option<PathBuf>,
    /// A shell command that kills the remote and starts it again.
    pub restart_command: Option<String>,
    /// How long things may take.
    pub limits: Limits,
}

impl Settings {
    /// For a manifest; everything else as `forge-remote check` has it by default.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4100)),
            ui_paths: Vec::new(),
            app_id: None,
            signing_key: None,
            restart_command: None,
            limits: Limits::default(),
        }
    }
}

/// Why there is no check.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The manifest cannot be used; the text is the reader's.
    #[error("{path}: {reason}", path = .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Neither the manifest nor `--ui-path` names a path of the remote.
    #[error(
        "nothing to call: the manifest has no endpoint with a route, and there is no --ui-path"
    )]
    NoRoute,
    /// Somebody else listens there.
    #[error("cannot listen on {address}: choose another address with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no key that can be used.
    #[error("{0}")]
    Key(String),
    /// The remote's URL is not `http://host:port`.
    #[error(
        "the remote's URL must be http://HOST:PORT: name the address behind the proxy that ends TLS"
    )]
    Url,
    /// The remote did not accept a good FIT in time.
    #[error("the remote did not accept a good invocation token within {} s: {last}", .patience.as_secs())]
    NotReady {
        /// How long was waited.
        patience: Duration,
        /// What came last.
        last: String,
    },
}

/// The platform, ready to be asked and to ask.
pub struct Check {
    platform: Platform,
    doors: Vec<Door>,
    settings: Settings,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Check {
    /// Reads the manifest and opens the listener.
    ///
    /// # Errors
    ///
    /// If the manifest or the key cannot be used, or the address is taken.
    pub async fn start(settings: Settings) -> Result<Self, CheckError> {
        let manifest =
            Manifest::read(&settings.manifest).map_err(|error| CheckError::Manifest {
                path: settings.manifest.clone(),
                reason: error.to_string(),
            })?;
        let doors = door::all(&manifest, &settings.ui_paths);
        if doors.is_empty() {
            return Err(CheckError::NoRoute);
        }
        let trusted = settings.signing_key.as_deref().map(Key::read).transpose();
        let trusted = trusted.map_err(|error| CheckError::Key(error.to_string()))?;
        let app = settings.app_id.unwrap_or(manifest.app_id);
        let products = manifest
            .products
            .iter()
            .map(|it| it.as_str().to_owned())
            .collect();
        let address = settings.listen;
        let listening = |source| CheckError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let platform = Platform::start(listener, app, products, trusted).map_err(listening)?;
        Ok(Self {
            platform,
            doors,
            settings,
        })
    }

    /// What the remote has to be told.
    #[must_use]
    pub fn trust(&self) -> Trust {
        Trust::in_the(&self.platform)
    }

    /// Waits until the remote accepts a good FIT. `tell` hears why it does not yet, when that
    /// changes.
    ///
    /// # Errors
    ///
    /// If it does not within `patience`.
    pub async fn wait_for(
        &self,
        remote: &Url,
        patience: Duration,
        tell: impl FnMut(&str),
    ) -> Result<(), CheckError> {
        let run = self.run_against(remote)?;
        run.until_accepted(patience, tell)
            .await
            .map_err(|last| CheckError::NotReady { patience, last })
    }

    /// Plays the rules that `only` takes, all of them if it is empty. `progress` is told of each
    /// as it is judged.
    ///
    /// # Errors
    ///
    /// If the URL is not one of a remote.
    pub async fn run(
        &self,
        remote: &Url,
        only: &[Only],
        progress: &(dyn Fn(&Judged) + Send + Sync),
    ) -> Result<Report, CheckError> {
        let run = self.run_against(remote)?;
        Ok(engine::play(run, remote, only, progress).await)
    }

    fn run_against(&self, remote: &Url) -> Result<Run, CheckError> {
        let plain = remote.scheme() == "http" && matches!(remote.path(), "" | "/");
        let wire = Wire::to(remote).filter(|_| plain).ok_or(CheckError::Url)?;
        Ok(Run::new(
            self.platform.clone(),
            wire,
            self.doors.clone(),
            &self.settings,
        ))
    }
}
