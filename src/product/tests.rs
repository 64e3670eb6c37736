//! The clients against small servers on loopback.

mod clock;
mod errors;
mod graphql;
mod hostile_links;
mod pagination;
mod rate_limits;
mod repeats;
mod safety;
mod seen_from_outside;
mod sizes_and_times;
mod token;
pub(crate) mod upstream;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::HeaderValue;
use parking::Parked;

use super::{Bitbucket, Confluence, Credentials, GraphQl, Identity, Jira, Outbound};
use crate::{
    clock::{Clock, Timestamp},
    deadline::Deadline,
    error::Error,
    outbound::ApiHosts,
    trace::TraceId,
};

/// 2026-08-01T12:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_785_585_600);

/// Gives one token after the other, the next one when the last was refused.
#[derive(Debug)]
pub(crate) struct Tokens {
    texts: &'static [&'static str],
    at: AtomicUsize,
    pub(crate) refused: Parked<HeaderValue>,
}

impl Tokens {
    pub(crate) fn new(texts: &'static [&'static str]) -> Arc<Self> {
        Arc::new(Self {
            texts,
            at: AtomicUsize::new(0),
            refused: Parked::default(),
        })
    }
}

impl Credentials for Tokens {
    fn identity(&self) -> Identity {
        Identity::App
    }

    fn authorization(&self, _: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        let token = self.texts[self.at.load(Ordering::Relaxed)];
        Box::pin(async move { Ok(HeaderValue::try_from(format!("Bearer {token}")).unwrap()) })
    }

    fn refused<'a>(&'a self, refused: &'a HeaderValue) -> BoxFuture<'a, bool> {
        self.refused.put(refused.clone());
        let another = self.at.load(Ordering::Relaxed) + 1 < self.texts.len();
        self.at.fetch_add(usize::from(another), Ordering::Relaxed);
        Box::pin(async move { another })
    }
}

/// What a test calls with: shared ground, credentials, and the time that is left.
pub(crate) struct Caller {
    pub(crate) outbound: Outbound,
    pub(crate) credentials: Arc<dyn Credentials>,
    pub(crate) deadline: Deadline,
}

impl Caller {
    pub(crate) fn new() -> Self {
        let hosts = ApiHosts::new(["127.0.0.1"], true);
        let http = crate::outbound::client().unwrap();
        Self {
            outbound: Outbound::new(http, hosts, Clock::manual(NOW))
                .with_first_delay(Duration::from_millis(1)),
            credentials: Tokens::new(&["t0ken"]),
            deadline: Deadline::after(Duration::from_secs(25)),
        }
    }

    pub(crate) fn with(mut self, credentials: Arc<dyn Credentials>) -> Self {
        self.credentials = credentials;
        self
    }

    pub(crate) fn for_ms(mut self, milliseconds: u64) -> Self {
        self.deadline = Deadline::after(Duration::from_millis(milliseconds));
        self
    }
}

macro_rules! clients {
    ($($method:ident -> $name:ident;)+) => {
        impl Caller {
            $(fn $method(&self, base: &str) -> $name {
                let (credentials, trace) = (Arc::clone(&self.credentials), TraceId::random());
                $name::new(&self.outbound, base, credentials, self.deadline, trace).unwrap()
            })+
        }
    };
}

clients! {
    confluence -> Confluence;
    jira -> Jira;
    bitbucket -> Bitbucket;
    graphql -> GraphQl;
}

/// What was put aside, for a test to look at.
pub(crate) mod parking {
    use std::sync::{Arc, Mutex};

    #[derive(Debug, Clone)]
    pub(crate) struct Parked<T>(Arc<Mutex<Vec<T>>>);

    impl<T> Default for Parked<T> {
        fn default() -> Self {
            Self(Arc::default())
        }
    }

    impl<T: Clone> Parked<T> {
        pub(crate) fn put(&self, item: T) -> usize {
            let mut items = self.0.lock().unwrap();
            items.push(item);
            items.len() - 1
        }

        pub(crate) fn all(&self) -> Vec<T> {
            self.0.lock().unwrap().clone()
        }
    }
}
