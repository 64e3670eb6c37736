//! What every part of the emulator shares.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    deliveries::Timing, exchange_meter::ExchangeMeter, faults::Faults, host::BrowserFits,
    installation::Installed, journal::Journal, mint::Mint, platform::Rate, session::CurrentSession,
    storage::Storage, tokens::Tokens,
};
use crate::clock::Clock;
use crate::manifest::Manifest;

/// The platform as it is set up for one run.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) title: String,
    pub(super) manifest: Manifest,
    pub(super) installed: Installed,
    pub(super) session: CurrentSession,
    /// FITs that the browser holds for `requestRemote`.
    pub(super) fits: BrowserFits,
    pub(super) mint: Mint,
    pub(super) tokens: Tokens,
    pub(super) journal: Journal,
    pub(super) invocations: Rate,
    /// What goes wrong on demand.
    pub(super) faults: Arc<Faults>,
    /// A permit for each page of the console that waits for news.
    pub(super) listeners: Semaphore,
    pub(super) exchanges: ExchangeMeter,
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    /// Where invocations go: it stands in for the manifest's `baseUrl`.
    pub(super) remote: ArcSwap<Url>,
    /// How long the platform waits for a remote that a UI invokes.
    pub(super) invocation_limit: Duration,
    /// How long it waits and when it comes again with what it fires itself.
    pub(super) timing: Timing,
    /// One install, upgrade or uninstall at a time.
    pub(super) lifecycle: tokio::sync::Mutex<()>,
    /// Events fired so far: it keeps two of the same second apart.
    pub(super) fired: AtomicU64,
    /// Ends whatever is still to be delivered.
    pub(super) stop: CancellationToken,
    /// A permit for each invocation that may be under way.
    pub(super) under_way: Arc<Semaphore>,
    pub(super) client: reqwest::Client,
    /// `http://127.0.0.1:4000`
    pub(super) origin: String,
    /// Where the apps' pages come from.
    pub(super) pages_origin: String,
    /// Where the manifest is: its paths begin there.
    pub(super) folder: PathBuf,
}
