//! Settings, as plain data: one struct for each section of the public table.

use std::{net::SocketAddr, time::Duration};

use url::Url;

use crate::{ids::AppId, secret::Secret};

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
    /// Whether plain HTTP to loopback and a missing encryption key are accepted.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self, Self::Development | Self::Test)
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
    /// `telemetry.*`
    pub telemetry: Telemetry,
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
    /// `server.max_in_flight`: requests served at once; more are refused with 503.
    pub max_in_flight: usize,
    /// `server.cors_origins`: origins that may call the UI routes from a browser.
    pub cors_origins: Vec<String>,
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
}

/// The token exchange.
#[derive(Debug, Clone)]
pub struct Impersonation {
    /// `impersonation.requests_per_minute`, in any minute, bursts counted in.
    pub requests_per_minute: u32,
    /// `impersonation.max_cached_tokens`
    pub max_cached_tokens: u64,
}

/// What is kept.
#[derive(Debug, Clone)]
pub struct Store {
    /// `store.url`: `sqlite://path`.
    pub url: String,
    /// `store.encryption_key`: 32 bytes, base64.
    pub encryption_key: Option<Secret>,
}

/// Logs.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// `telemetry.format`
    pub format: LogFormat,
    /// `telemetry.level`: a level, or directives such as `info,forge_remote=debug`.
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}
