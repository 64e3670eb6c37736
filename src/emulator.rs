//! The Forge platform, played on one machine: `forge-remote dev`.
//!
//! It reads `manifest.yml`, signs FITs with a key of its own, hands out tokens where the
//! manifest says so, answers as Confluence, Jira, the GraphQL gateway and Forge storage, fires
//! events, schedules and the app's lifecycle as the platform would, and shows in its console
//! everything that a remote does against it. It shares ids and claim names with the
//! library, and neither its verifier nor its clients: a bug in one must not hide a bug in
//! the other.
//!
//! Needs the feature `emulator`.
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
mod deliveries;
mod events;
mod exchange_meter;
mod faults;
mod firing;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gateway;
mod host;
mod installation;
mod jira;
mod journal;
mod keys;
mod lifecycle;

mod meter;
mod migration;
mod mint;
mod moment;
mod place;
mod platform;
mod reach;
mod running;
mod schedules;
mod server;
mod session;
mod stage;
mod start;
mod storage;
#[cfg(test)]
mod tests;
mod tokens;
mod trust;
mod world;

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::clock::Clock;
use crate::manifest::Manifest;
use keys::SigningKey;
use stage::Stage;

pub use events::{FireError, FireEvent};
pub use faults::{Fault, FaultError, Times};
pub use installation::{Refused, Settling};
pub use journal::{
    Answer, Attempt, Call, Delivery, DeliveryState, Hook, Identity, Invocation, Occasion, Purpose,
    Retry, RetryReason, SentRequest, Settlement, Via,
};
pub use lifecycle::LifecycleError;
pub use migration::{Migrate, Migrated, Reason};
pub use platform::{Invoke, InvokeError};
pub use running::{Running, User};
pub use session::{Environment, License, SessionChange, SessionError, Theme};
pub use start::StartError;
pub use storage::{StoredIn, StoredItem};
pub use trust::Trust;

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
    /// Invocations by users in a minute; the platform settles more as failed. 1,200 by default.
    pub invocations_per_minute: u32,
    /// Exchanges for impersonation in any minute; more are refused with 429. 10,000 by default.
    pub exchanges_per_minute: u32,
    /// Requests to Forge storage in a second; more are refused with 429. 1,000 by default.
    pub storage_requests_per_second: u32,
    /// How long queries of Forge storage do not see a write; zero by default. The
    /// platform's are eventually consistent, and name no time.
    pub storage_query_delay: Duration,
    /// How long a FIT is valid; 25 s as on the platform.
    pub fit_lifetime: Duration,
    /// How long app and user tokens are valid; 4 h as on the platform.
    pub token_lifetime: Duration,
    /// How long an impersonated token is valid; 1 h.
    pub impersonation_lifetime: Duration,
    /// How long the platform waits for the remote that a UI invokes; 25 s.
    pub invocation_limit: Duration,
    /// How long it waits with an event or a schedule; 5 s.
    pub event_limit: Duration,
    /// How long it waits before an uninstall; 55 s.
    pub uninstall_limit: Duration,
    /// Seconds of the platform in one of ours, for the minute between redeliveries, for
    /// delays and for schedules: 1, from 0.01 to 100,000.
    pub speed: f64,
    /// Whether an event stands in a `payload` object where its firing does not say; not by default.
    pub wrapped_events: bool,
    /// Whether schedules run at their times, and not only on demand; they do.
    pub schedules_run: bool,
    /// Whether a schedule that the remote did not take comes again like an event. The
    /// platform's pages disagree; it does by default.
    pub schedules_retried: bool,
    /// Every so many runs of a schedule one is delivered twice; never by default.
    pub duplicate_every: Option<NonZeroU32>,
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
            invocations_per_minute: 1_200,
            exchanges_per_minute: 10_000,
            storage_requests_per_second: 1_000,
            storage_query_delay: Duration::ZERO,
            fit_lifetime: Duration::from_secs(25),
            token_lifetime: Duration::from_hours(4),
            impersonation_lifetime: Duration::from_hours(1),
            invocation_limit: Duration::from_secs(25),
            event_limit: Duration::from_secs(5),
            uninstall_limit: Duration::from_secs(55),
            speed: 1.0,
            wrapped_events: false,
            schedules_run: true,
            schedules_retried: true,
            duplicate_every: None,
            clock: Clock::system(),
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
        let pages = bind_pages(address).await?;
        let pages_address = pages
            .local_addr()
            .map_err(|source| StartError::Listen { address, source })?;
        let stop = CancellationToken::new();
        let schedules_run = settings.schedules_run;
        let addresses = (address, pages_address);
        let stage = Arc::new(set_up(settings, manifest, addresses, stop.clone())?);
        if schedules_run {
            let schedules = schedules::run_all(Arc::clone(&stage));
            tokio::spawn(stop.clone().run_until_cancelled_owned(schedules));
        }
        let served = axum::serve(listener, server::router(Arc::clone(&stage)))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let pages_served = axum::serve(pages, server::pages_router(Arc::clone(&stage)))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let task = tokio::spawn(async move {
            if let Err(error) = tokio::try_join!(served, pages_served) {
                tracing::error!(cause = %error, "the emulator stopped serving");
            }
        });
        Ok(Running { stage, stop, task })
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

/// The apps' pages have an origin of their own, as on the platform: the port after the
/// console's, so that what a page keeps in the browser is there at the next start; any
/// other where that is taken.
async fn bind_pages(console: SocketAddr) -> Result<TcpListener, StartError> {
    let mut address = console;
    if let Some(next) = console.port().checked_add(1) {
        address.set_port(next);
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok(listener);
        }
    }
    address.set_port(0);
    bind(address).await
}

fn set_up(
    settings: Settings,
    manifest: Manifest,
    (address, pages): (SocketAddr, SocketAddr),
    stop: CancellationToken,
) -> Result<Stage, StartError> {
    if !(0.01..=100_000.0).contains(&settings.speed) {
        return Err(StartError::Speed);
    }
    let key = SigningKey::load_or_create(&settings.state_dir)
        .map_err(|error| StartError::SigningKey(error.to_string()))?;
    let origin = format!("http://{address}");
    let installation = installation::Installation::of(&manifest.app_id, manifest.products.clone());
    let lifetimes = tokens::Lifetimes {
        token: settings.token_lifetime,
        impersonation: settings.impersonation_lifetime,
    };
    let storage_limits = storage::Limits {
        requests_per_second: settings.storage_requests_per_second,
        query_delay: settings.storage_query_delay,
    };
    let faults = Arc::<faults::Faults>::default();
    let folder = settings.manifest.parent().map(PathBuf::from);
    Ok(Stage {
        title: settings.title,
        session: session::CurrentSession::default(),
        fits: host::BrowserFits::new(settings.clock.clone()),
        folder: folder.unwrap_or_default(),
        pages_origin: format!("http://{pages}"),
        tokens: tokens::Tokens::new(
            &key.oauth_secret,
            &manifest.scopes,
            lifetimes,
            settings.clock.clone(),
        ),
        mint: mint::Mint::new(
            key,
            Arc::clone(&faults),
            manifest.app_id,
            origin.clone(),
            settings.fit_lifetime,
            settings.clock.clone(),
        ),
        journal: journal::Journal::default(),
        invocations: platform::Rate::of(settings.invocations_per_minute),
        faults,
        listeners: Semaphore::new(console::MAX_LISTENERS),
        exchanges: exchange_meter::ExchangeMeter::new(settings.exchanges_per_minute),
        storage: storage::Storage::new(
            manifest.entities.clone(),
            storage_limits,
            settings.clock.clone(),
        ),
        clock: settings.clock,
        remote: ArcSwap::from_pointee(settings.remote),
        under_way: Arc::new(Semaphore::new(platform::MAX_UNDER_WAY)),
        invocation_limit: settings.invocation_limit,
        client: crate::outbound::client().map_err(StartError::Client)?,
        timing: deliveries::Timing {
            speed: settings.speed,
            event_limit: settings.event_limit,
            uninstall_limit: settings.uninstall_limit,
            wrapped: settings.wrapped_events,
            schedules_retried: settings.schedules_retried,
            duplicate_every: settings.duplicate_every,
        },
        lifecycle: tokio::sync::Mutex::default(),
        fired: AtomicU64::new(0),
        stop,
        manifest,
        installed: installation::Installed::new(installation),
        origin,
    })
}
