//! What a remote asked of the platform, in order.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::sync::watch;

use super::{lock, stray::Stray, tenant::Tenant, token::Speaker};

/// Requests that are remembered; those after it are counted and answered, not kept.
const MOST_KEPT: usize = 200_000;

/// A larger body is counted and not kept.
const MOST_BODY_KEPT: usize = 16 * 1024;

/// What kind of thing was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The key set.
    Keys,
    /// The GraphQL gateway.
    Exchange,
    /// Forge storage.
    Storage,
    /// A product.
    Product,
    /// The host under a name that no token may be sent to.
    Foreign,
    /// Anything else: no remote has business there.
    Elsewhere,
}

/// What stood in `authorization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bearer {
    None,
    /// A text that is no token of this run, a FIT for example.
    Unknown,
    /// One of ours.
    Of {
        installation: String,
        cloud: String,
        speaker: Speaker,
        /// Neither expired nor revoked when it came.
        good: bool,
    },
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) kind: Kind,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) host: String,
    pub(crate) bearer: Bearer,
    /// Of the token, or else of the site in the path.
    pub(crate) installation: Option<String>,
    /// The site in the path of a product.
    pub(crate) cloud: Option<String>,
    pub(crate) trace_id: Option<String>,
    /// Tokens where none belongs.
    pub(crate) strays: Vec<Stray>,
    pub(crate) body: Value,
    pub(crate) body_bytes: usize,
}

impl Seen {
    /// Whether it was asked in the name of this one.
    pub(crate) fn spoke(&self, who: &Speaker) -> bool {
        matches!(&self.bearer, Bearer::Of { speaker, .. } if speaker == who)
    }

    /// Without a body that is too large to be kept.
    pub(super) fn to_keep(&self) -> Self {
        let mut kept = self.clone();
        if self.body_bytes > MOST_BODY_KEPT {
            kept.body = Value::Null;
        }
        kept
    }

    /// In a few words, without any token.
    pub(crate) fn describe(&self) -> String {
        let who = match &self.bearer {
            Bearer::None => "without a token".to_owned(),
            Bearer::Unknown => "with a text that is no token of the platform's".to_owned(),
            Bearer::Of { speaker, good, .. } => {
                let worth = if *good {
                    ""
                } else {
                    " that is worth nothing any more"
                };
                match speaker {
                    Speaker::App => format!("with the app's token{worth}"),
                    Speaker::User(id) => format!("with the token of the user {id}{worth}"),
                    Speaker::Account(id) => format!("with an exchanged token of {id}{worth}"),
                }
            }
        };
        format!("{} {} {who}", self.method, self.path)
    }
}

/// All requests of a run.
pub(crate) struct Journal {
    kept: Mutex<Vec<Arc<Seen>>>,
    count: watch::Sender<usize>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl Journal {
    pub(super) fn add(&self, seen: Seen) {
        let mut kept = lock(&self.kept);
        if kept.len() < MOST_KEPT {
            kept.push(Arc::new(seen));
        }
        drop(kept);
        self.count.send_modify(|count| *count += 1);
    }

    /// Those that `wanted` takes.
    pub(crate) fn filter(&self, wanted: impl Fn(&Seen) -> bool) -> Vec<Arc<Seen>> {
        lock(&self.kept)
            .iter()
            .filter(|seen| wanted(seen))
            .cloned()
            .collect()
    }

    /// Those of one installation: by the token, or by the site in the path if the token is
    /// nobody's.
    pub(crate) fn of(&self, tenant: &Tenant) -> Vec<Arc<Seen>> {
        let installation = tenant.installation();
        self.filter(|seen| seen.installation.as_deref() == Some(&installation))
    }

    /// How often the key set was asked for.
    pub(crate) fn key_fetches(&self) -> usize {
        self.filter(|seen| seen.kind == Kind::Keys).len()
    }

    /// Waits until `enough` says so of a tenant's requests, for `patience` at most. Gives the
    /// requests that there were then.
    pub(crate) async fn until(
        &self,
        tenant: &Tenant,
        patience: Duration,
        enough: impl Fn(&[Arc<Seen>]) -> bool,
    ) -> Vec<Arc<Seen>> {
        let mut count = self.count.subscribe();
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            count.mark_unchanged();
            let seen = self.of(tenant);
            if enough(&seen) {
                return seen;
            }
            let news = tokio::time::timeout_at(deadline, count.changed()).await;
            if !matches!(news, Ok(Ok(()))) {
                return self.of(tenant);
            }
        }
    }

    /// Waits until nothing was asked for a tenant during `silence`, for `patience` at most.
    pub(crate) async fn until_quiet(
        &self,
        tenant: &Tenant,
        silence: Duration,
        patience: Duration,
    ) -> Vec<Arc<Seen>> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let before = self.of(tenant).len();
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            let grown = |seen: &[Arc<Seen>]| seen.len() > before;
            let seen = self.until(tenant, silence.min(left), grown).await;
            if seen.len() == before || left.is_zero() {
                return seen;
            }
        }
    }
}
