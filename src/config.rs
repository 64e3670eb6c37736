//! Settings, as plain data: one struct for each section.
//!
//! They come in layers: the built-in defaults, `config/default.toml`,
//! `config/<FORGE_REMOTE_ENV>.toml`, and environment variables
//! `FORGE_REMOTE__SECTION__KEY`. Everything is checked at the start, and all
//! mistakes are reported at once.
//!
//! ```
//! use std::{collections::HashMap, time::Duration};
//! use forge_remote::{Config, config::{ConfigError, Environment, Loaded, LogFormat, Origin, Setting, Sources}};
//!
//! let mut sources = Sources {
//!     folder: "no/such/folder".into(), // what a test wants: nothing but these variables
//!     variables: HashMap::from([
//!         ("FORGE_REMOTE_ENV".to_owned(), "test".to_owned()),
//!         ("FORGE_REMOTE__APP__IDS".to_owned(), "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".to_owned()),
//!     ]),
//! };
//! let Loaded { config, settings } = Config::load_from(&sources)?;
//! assert_eq!(config.environment, Environment::named("test"));
//! assert!(config.environment.is_local());
//! assert_eq!(config.server.max_body_bytes, 5 * 1024 * 1024);
//! let ids: &Setting = settings.iter().find(|setting| setting.key == "app.ids").unwrap();
//! assert_eq!(ids.origin, Origin::Variable("FORGE_REMOTE__APP__IDS".to_owned()));
//!
//! sources.variables.insert("FORGE_REMOTE__INBOX__WORKERS".to_owned(), "many".to_owned());
//! let Err(ConfigError::Wrong(problems)) = Config::load_from(&sources) else { panic!() };
//! assert_eq!(problems[0].key, "inbox.workers");
//! # Ok::<(), ConfigError>(())
//! ```
//!
//! A program reads those of its process: [`Config::load`], which is [`Config::load_from`] of
//! [`Sources::process`]. Each section can be made or changed by hand, for a test:
//!
//! ```
//! use std::time::Duration;
//! use forge_remote::{Config, config::{self, LogFormat}};
//!
//! fn for_a_test(mut config: Config) -> Config {
//!     config.app = config::App { ids: config.app.ids };
//!     config.server = config::Server { answer_within: Duration::from_secs(2), ..config.server };
//!     config.fit = config::Fit { leeway: Duration::ZERO, ..config.fit };
//!     config.atlassian = config::Atlassian { api_hosts: vec!["localhost".to_owned()], ..config.atlassian };
//!     config.impersonation = config::Impersonation { requests_per_minute: 60, ..config.impersonation };
//!     config.store = config::Store { url: "sqlite://test.db".to_owned(), ..config.store };
//!     config.inbox = config::Inbox { max_attempts: 1, ..config.inbox };
//!     config.telemetry = config::Telemetry { format: LogFormat::Json, ..config.telemetry };
//!     config
//! }
//! ```

mod changes;
mod layers;
mod read;
mod reader;
#[cfg(test)]
mod tests;

use std::{fmt, net::SocketAddr, time::Duration};

use url::Url;

pub use self::{
    layers::{Origin, Sources},
    reader::{Problem, Setting},
};
use crate::{cors::OriginPattern, ids::AppId, secret::Secret};

/// Where the service runs, from `FORGE_REMOTE_ENV`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environment {
    /// On a developer's machine: plain HTTP on loopback, no encryption key needed.
    Development,
    /// In a test: as in development.
    Test,
    /// Anywhere else, with the name it was given.
    Other(String),
}

impl Environment {
    /// The environment of that name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "development" => Self::Development,
            "test" => Self::Test,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether plain HTTP to loopback and a missing encryption key are accepted.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self, Self::Development | Self::Test)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Other(name) => name,
        })
    }
}

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// `FORGE_REMOTE_ENV`.
    pub environment: Environment,
    /// `app.*`
    pub app: App,
    /// `server.*`
    pub server: Server,
    /// `fit.*`
    pub fit: Fit,
    /// `atlassian.*`
    pub atlassian: Atlassian,
    /// `impersonation.*`
    pub impersonation: Impersonation,
    /// `store.*`
    pub store: Store,
    /// `inbox.*`
    pub inbox: Inbox,
    /// `telemetry.*`
    pub telemetry: Telemetry,
}

/// The settings in force, and where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Each of them by key, fit to be shown.
    pub settings: Vec<Setting>,
}

/// Why the settings stop the start: a sentence for each mistake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read or parsed.
    #[error("the settings cannot be read: {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong and where. The line itself may hold a secret and is left out.
        why: String,
    },
    /// Values are missing, wrong or unknown.
    #[error("{}", Self::list(.0))]
    Wrong(Vec<Problem>),
}

impl ConfigError {
    fn unreadable(error: &::config::ConfigError) -> Self {
        let (file, cause) = match error {
            ::config::ConfigError::FileParse { uri, cause } => (uri.as_deref(), cause.to_string()),
            other => (None, other.to_string()),
        };
        // Between the place and the explanation, the parser quotes the line.
        let mut lines = cause.lines().map(str::trim).filter(|line| !line.is_empty());
        let why: Vec<_> = lines.next().into_iter().chain(lines.next_back()).collect();
        Self::Unreadable {
            file: file.unwrap_or("config").to_owned(),
            why: why.join(": "),
        }
    }

    fn list(problems: &[Problem]) -> String {
        let count = problems.len();
        let mut text = if count == 1 {
            "a setting is wrong:".to_owned()
        } else {
            format!("{count} settings are wrong:")
        };
        for problem in problems {
            text.push_str("\n  ");
            text.push_str(&problem.to_string());
        }
        text
    }
}

impl Config {
    /// The settings of this process: `config/` in the working directory, and the environment.
    ///
    /// ```no_run
    /// let config = forge_remote::Config::load()?;
    /// println!("listening on {}", config.server.listen);
    /// # Ok::<(), forge_remote::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] names every mistake: the key, the value, where it came from and
    /// what is allowed. Secrets are not repeated.
    pub fn load() -> Result<Self, ConfigError> {
        Ok(Self::load_from(&Sources::process())?.config)
    }

    /// The settings that `sources` give.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_from(sources: &Sources) -> Result<Loaded, ConfigError> {
        let leaves = layers::collect(sources).map_err(|error| ConfigError::unreadable(&error))?;
        let mut reader = reader::Reader::new(leaves);
        let config = read::config(&mut reader, Environment::named(sources.environment()));
        let settings = reader.finish().map_err(ConfigError::Wrong)?;
        // The reader notes whatever keeps a section from being built.
        config
            .map(|config| Loaded { config, settings })
            .ok_or_else(|| ConfigError::Wrong(Vec::new()))
    }

    /// The key of every setting that there is, sorted.
    ///
    /// ```
    /// use forge_remote::Config;
    /// assert!(Config::keys().contains(&"server.listen"));
    /// ```
    #[must_use]
    pub fn keys() -> Vec<&'static str> {
        // It asks for all of them, whatever is there.
        let mut reader = reader::Reader::new(layers::Leaves::new());
        read::config(&mut reader, Environment::Development);
        reader.known().collect()
    }
}

/// Which apps the remote serves.
#[derive(Debug, Clone)]
pub struct App {
    /// `app.ids`: the audiences that are accepted; never empty.
    pub ids: Vec<AppId>,
}

/// The listeners and what they take.
#[derive(Debug, Clone)]
pub struct Server {
    /// `server.listen`: the public listener.
    pub listen: SocketAddr,
    /// `server.admin_listen`: health, readiness, metrics.
    pub admin_listen: SocketAddr,
    /// `server.max_body_bytes`: larger requests are refused with 413.
    pub max_body_bytes: usize,
    /// `server.max_in_flight`: requests served at once, of pages and of the platform each;
    /// more are refused with 503. One installation alone gets three quarters.
    pub max_in_flight: usize,
    /// `server.answer_within_ms`: what a handler and all its calls have, less than the
    /// 25 s that Forge waits.
    pub answer_within: Duration,
    /// `server.cors_origins`: origins that may call the UI routes from a browser.
    pub cors_origins: Vec<OriginPattern>,
}

/// How FITs are verified.
#[derive(Debug, Clone)]
pub struct Fit {
    /// `fit.jwks_url`
    pub jwks_url: Url,
    /// `fit.issuer`
    pub issuer: String,
    /// `fit.leeway_seconds`
    pub leeway: Duration,
    /// `fit.accept_staging`
    pub accept_staging: bool,
    /// `fit.isolated_cloud_jwks_url`: a template with `{IC_LABEL}`.
    pub isolated_cloud_jwks_url: Option<String>,
}

/// Where Atlassian is.
#[derive(Debug, Clone)]
pub struct Atlassian {
    /// `atlassian.api_hosts`
    pub api_hosts: Vec<String>,
    /// `atlassian.graphql_url`
    pub graphql_url: Url,
    /// `atlassian.storage_url`
    pub storage_url: Url,
    /// `atlassian.isolated_cloud_storage_url`: a template with `{IC_LABEL}`. With the label its host
    /// has to be on the list as well, or calls fail.
    pub isolated_cloud_storage_url: Option<String>,
}

/// The token exchange.
#[derive(Debug, Clone)]
pub struct Impersonation {
    /// `impersonation.requests_per_minute`, in any minute, bursts counted in.
    pub requests_per_minute: u32,
    /// `impersonation.max_cached_tokens`: how many accounts' tokens are in memory at most, in
    /// each process. One takes about 400 bytes beside the token itself: with tokens of 1.5 KB,
    /// 190 MB for the default of 100,000 and 1.9 GB for a million. Those used lately stay.
    pub max_cached_tokens: u64,
}

/// What is kept.
#[derive(Clone)]
pub struct Store {
    /// `store.url`: `sqlite://path` or `postgres://…`.
    pub url: String,
    /// `store.encryption_key`: 32 bytes, base64.
    pub encryption_key: Option<Secret>,
    /// `store.additional_encryption_keys`: keys that only open, while one takes the place of
    /// another; at most eight.
    pub additional_encryption_keys: Vec<Secret>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("url", &reader::without_credentials(&self.url))
            .field("encryption_key", &self.encryption_key)
            .field(
                "additional_encryption_keys",
                &self.additional_encryption_keys,
            )
            .finish()
    }
}

/// How events and ticks are worked on.
#[derive(Debug, Clone)]
pub struct Inbox {
    /// `inbox.workers`: jobs that run at once.
    pub workers: usize,
    /// `inbox.max_attempts`: a job that failed so often is a dead letter.
    pub max_attempts: u32,
    /// `inbox.lease_seconds`: a job whose process died is taken up again after it.
    pub lease: Duration,
}

/// Logs and traces.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// `telemetry.format`
    pub format: LogFormat,
    /// `telemetry.level`: a level, or directives such as `info,forge_remote=debug`.
    pub level: String,
    /// `telemetry.otlp_endpoint`: a collector's base URL, where spans go below `/v1/traces`.
    /// Without one nothing is sent.
    pub otlp_endpoint: Option<Url>,
    /// `telemetry.sample_ratio`: the share of traces that are sent, from 0 to 1, where whoever
    /// began the trace has not decided.
    pub sample_ratio: f64,
    /// `telemetry.service_name`: what the collector calls this service. By default
    /// `OTEL_SERVICE_NAME`, or `forge-remote`.
    pub service_name: Option<String>,
    /// `FORGE_REMOTE_ENV`: the collector is told that too.
    pub environment: Environment,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}
