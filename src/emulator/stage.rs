//! What every part of the emulator shares.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use url::Url;

use super::{
    exchange_meter::ExchangeMeter, journal::Journal, manifest::Manifest, mint::Mint,
    storage::Storage, tokens::Tokens, world,
};
use crate::clock::Clock;

/// The platform as it is set up for one run.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) title: String,
    pub(super) manifest: Manifest,
    pub(super) installation: world::Installation,
    pub(super) mint: Mint,
    pub(super) tokens: Tokens,
    pub(super) journal: Journal,
    pub(super) exchanges: ExchangeMeter,
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    /// Where invocations go: it stands in for the manifest's `baseUrl`.
    pub(super) remote: ArcSwap<Url>,
    /// How long the platform waits for a remote.
    pub(super) invocation_limit: Duration,
    /// A permit for each invocation that may be under way.
    pub(super) under_way: Arc<Semaphore>,
    pub(super) client: reqwest::Client,
    /// `http://127.0.0.1:4000`
    pub(super) origin: String,
}
