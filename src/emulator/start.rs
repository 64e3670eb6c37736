//! Why the emulator does not start.

use std::{net::SocketAddr, path::PathBuf};

use crate::manifest::ManifestError;

/// Why the emulator does not start: one line that says what to do.
///
/// ```
/// use forge_remote::emulator::{Emulator, Settings, StartError};
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let settings = Settings::new("no-such-manifest.yml", "http://127.0.0.1:8080".parse()?);
/// let started = Emulator::start(settings).await;
/// assert!(matches!(started, Err(StartError::ManifestUnreadable { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// Time cannot pass like that.
    #[error("the speed must be from 0.01 to 100000: with --speed 60 a minute takes a second")]
    Speed,
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
    pub(super) fn manifest(path: PathBuf, error: ManifestError) -> Self {
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
