//! The platform that the checker plays: key set, gateway, storage and products on one listener.
//!
//! It is written against the platform's documentation, and shares nothing with the library that
//! could hide the same mistake on both sides, nor with the emulator, which plays for a person
//! and not for a verdict.

mod event;
mod exchange;
mod fault;
mod fit;
mod journal;
mod keys;
mod product;
mod server;
mod storage;
mod stray;
mod tenant;
mod token;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) use event::event;
pub(crate) use fault::{Fault, On};
pub(crate) use fit::{Fit, segment};
pub(crate) use journal::{Bearer, Kind, Seen};
pub(crate) use keys::{Key, KeysServed};
pub(crate) use tenant::{ExchangeRules, Tenant};
pub(crate) use token::{Speaker, Token};

use journal::Journal;
use keys::KeyRing;
use token::Register;

use crate::{clock::Clock, ids::AppId};

/// The played platform. It stops when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Platform(Arc<Inner>);

struct Inner {
    app: AppId,
    /// Products by their names in the manifest, the primary one first; never empty.
    products: Vec<String>,
    address: SocketAddr,
    clock: Clock,
    keys: KeyRing,
    tokens: Mutex<Register>,
    tenants: Mutex<HashMap<String, Tenant>>,
    journal: Journal,
    servers: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for server in lock(&self.servers).drain(..) {
            server.abort();
        }
    }
}

impl Platform {
    /// Serves on `listener`. `trusted` is a key that the remote trusts already.
    pub(crate) fn start(
        listener: TcpListener,
        app: AppId,
        products: Vec<String>,
        trusted: Option<Key>,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner {
            app,
            products,
            address,
            clock: Clock::system(),
            keys: KeyRing::new(trusted),
            tokens: Mutex::default(),
            tenants: Mutex::default(),
            journal: Journal::default(),
            servers: Mutex::default(),
        });
        // The server must not keep alive what ends it.
        let serve = |listener| tokio::spawn(server::serve(listener, Arc::downgrade(&inner)));
        lock(&inner.servers).push(serve(listener));
        if let Some(listener) = other_loopback(address) {
            lock(&inner.servers).push(serve(listener));
        }
        Ok(Self(inner))
    }

    pub(crate) fn app(&self) -> AppId {
        self.0.app
    }

    /// The products of the app, the primary one first.
    pub(crate) fn products(&self) -> &[String] {
        &self.0.products
    }

    /// The product that `app.apiBaseUrl` leads to.
    pub(crate) fn primary(&self) -> &str {
        self.0.products.first().map_or("confluence", String::as_str)
    }

    /// `http://host:port`
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// The same machine under another name, which is on no list of hosts: whoever asks there has
    /// left the platform.
    pub(crate) fn foreign_origin(&self) -> String {
        let port = self.0.address.port();
        match self.0.address.ip() {
            IpAddr::V4(ip) if !ip.is_loopback() && !ip.is_unspecified() => {
                format!("http://[{}]:{port}", ip.to_ipv6_mapped())
            }
            _ => format!("http://localhost:{port}"),
        }
    }

    /// `apiBaseUrl` of a product: `confluence` or `jira` of the tenant's site.
    pub(crate) fn api_base(&self, tenant: &Tenant, product: &str) -> String {
        format!("{}/ex/{product}/{}", self.origin(), tenant.cloud_id())
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.0.keys
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// A new installation on a site of its own, with users of its own.
    pub(crate) fn tenant(&self) -> Tenant {
        let tenant = Tenant::new();
        lock(&self.0.tenants).insert(tenant.cloud_id().to_owned(), tenant.clone());
        tenant
    }

    /// Another installation of the app on the same site, as after a reinstall.
    pub(crate) fn reinstalled(&self, tenant: &Tenant) -> Tenant {
        let again = tenant.reinstalled();
        lock(&self.0.tenants).insert(again.cloud_id().to_owned(), again.clone());
        again
    }

    /// What would give any tenant of another site away: marks, site ids and installations.
    pub(crate) fn names_of_others(&self, tenant: &Tenant) -> Vec<String> {
        let tenants = lock(&self.0.tenants);
        let others = tenants
            .values()
            .filter(|other| other.cloud_id() != tenant.cloud_id());
        others
            .flat_map(|other| {
                let cloud = other.cloud_id().to_owned();
                [other.mark().to_owned(), cloud, other.installation_uuid()]
            })
            .collect()
    }

    fn tenant_of_cloud(&self, cloud: &str) -> Option<Tenant> {
        lock(&self.0.tenants).get(cloud).cloned()
    }

    /// A token of the app or of a user, good for two hours.
    pub(crate) fn token(&self, tenant: &Tenant, speaker: Speaker) -> Token {
        self.token_for(tenant, speaker, 2 * 60 * 60)
    }

    /// The same with another lifetime in seconds; below zero it has expired.
    pub(crate) fn token_for(&self, tenant: &Tenant, speaker: Speaker, seconds: i64) -> Token {
        let now = self.0.clock.now().unix();
        let token = Token::jwt(tenant, speaker, now.saturating_add(seconds));
        lock(&self.0.tokens).add(&token);
        token
    }

    /// A token without any form that can be read, good for two hours.
    pub(crate) fn opaque_token(&self, tenant: &Tenant, speaker: Speaker) -> Token {
        let now = self.0.clock.now().unix();
        let token = Token::opaque(tenant, speaker, now + 2 * 60 * 60);
        lock(&self.0.tokens).add(&token);
        token
    }

    /// From now on the products refuse it with 401.
    pub(crate) fn revoke(&self, token: &Token) {
        lock(&self.0.tokens).revoke(token.text());
    }

    /// The products refuse every token that was exchanged for this tenant so far.
    pub(crate) fn revoke_exchanged(&self, tenant: &Tenant) {
        lock(&self.0.tokens).revoke_exchanged(&tenant.installation());
    }

    /// Every OAuth token of this tenant so far, those that were exchanged too.
    pub(crate) fn tokens_of(&self, tenant: &Tenant) -> Vec<String> {
        lock(&self.0.tokens).of(&tenant.installation())
    }

    fn knows(&self, text: &str) -> bool {
        lock(&self.0.tokens).knows(text)
    }

    /// Whose token a text is, if it is one of ours that is good now.
    fn holder(&self, text: &str) -> Bearer {
        lock(&self.0.tokens).bearer(text, self.0.clock.now().unix())
    }

    /// What was asked of the platform, the key set included.
    pub(crate) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// A FIT of a page of the app, invoked by the tenant's first user.
    pub(crate) fn fit(&self, tenant: &Tenant) -> Fit {
        Fit::of_page(self, tenant)
    }

    /// A FIT of what the platform sends by itself: no context, no user.
    pub(crate) fn backend_fit(&self, tenant: &Tenant, endpoint: &str) -> Fit {
        Fit::of_backend(self, tenant, endpoint)
    }
}

/// Beside `127.0.0.1` also `[::1]` at the same port, if that is free: `localhost` is either.
fn other_loopback(address: SocketAddr) -> Option<TcpListener> {
    if !address.ip().is_loopback() || address.is_ipv6() {
        return None;
    }
    let listener = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).ok()?;
    listener.set_nonblocking(true).ok()?;
    TcpListener::from_std(listener).ok()
}

/// A lock whose holder panicked is still good: nothing here is left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
