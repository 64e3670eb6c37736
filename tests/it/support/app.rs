//! The service under test: real listeners, its own store, a played Atlassian beside it.

use std::{collections::HashMap, net::SocketAddr};

use axum::Router;
use forge_remote::{
    Config, Events, Forge, Schedule, clock::Clock, config::Sources, digest, server::Server,
};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    atlassian::Atlassian,
    caller::{Caller, Fit},
    claims::APP,
    log,
};

pub(crate) struct TestApp {
    pub(crate) atlassian: Atlassian,
    pub(crate) forge: Forge,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

/// A service in the making.
pub(crate) struct Setup {
    settings: HashMap<String, String>,
    digest: bool,
    routes: Router<Forge>,
    events: Events,
    schedule: Schedule,
    clock: Clock,
    folder: tempfile::TempDir,
    atlassian: Atlassian,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::setup().await.start().await
    }

    pub(crate) async fn setup() -> Setup {
        log::init();
        let atlassian = Atlassian::start().await;
        let folder = tempfile::tempdir().unwrap();
        let api = atlassian.url();
        let database = format!("sqlite://{}/store/test.db", folder.path().display());
        let settings = [
            ("APP__IDS", APP),
            ("SERVER__LISTEN", "127.0.0.1:0"),
            ("SERVER__ADMIN_LISTEN", "127.0.0.1:0"),
            ("FIT__JWKS_URL", &format!("{api}/.well-known/jwks.json")),
            ("ATLASSIAN__API_HOSTS", "127.0.0.1"),
            ("ATLASSIAN__GRAPHQL_URL", &format!("{api}/graphql")),
            (
                "ATLASSIAN__STORAGE_URL",
                &format!("{api}/forge/storage/kvs"),
            ),
            ("STORE__URL", &database),
        ];
        let settings = settings
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        Setup {
            settings,
            digest: true,
            routes: Router::new(),
            events: digest::events(),
            schedule: digest::schedule(),
            clock: Clock::system(),
            folder,
            atlassian,
        }
    }

    /// A caller without a FIT.
    pub(crate) fn anybody(&self) -> Caller {
        let base = format!("http://{}", self.address);
        Caller::anybody(self.http.clone(), base, &self.atlassian.url())
    }

    /// Forge, for a UI invocation with both tokens.
    pub(crate) fn as_forge(&self) -> Caller {
        self.anybody().with_fit().app_token().user_token()
    }

    /// Forge, with an event or a tick: a FIT of its own each time, and the app's token.
    pub(crate) fn as_platform(&self) -> Caller {
        self.as_platform_with(|fit| fit)
    }

    /// As [`as_platform`](Self::as_platform), with a changed FIT.
    pub(crate) fn as_platform_with(&self, change: impl FnOnce(Fit) -> Fit) -> Caller {
        let caller = self.anybody().fit(|fit| change(fit.of_platform()));
        caller.with_fit().app_token()
    }

    /// A caller of the admin listener.
    pub(crate) fn operator(&self) -> Caller {
        let base = format!("http://{}", self.admin);
        Caller::anybody(self.http.clone(), base, &self.atlassian.url())
    }

    /// Tells the service to stop, as SIGTERM does.
    pub(crate) fn tell_to_stop(&mut self) {
        self.stop
            .take()
            .expect("not stopped before")
            .send(())
            .expect("it runs");
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(mut self) -> tempfile::TempDir {
        if self.stop.is_some() {
            self.tell_to_stop();
        }
        self.running
            .take()
            .expect("it ran")
            .await
            .expect("it stops in order");
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

/// Every test ends with a look at what the service counted and what it wrote.
impl Drop for TestApp {
    fn drop(&mut self) {
        log::watch("THE METRICS", &self.forge.metrics().unwrap_or_default());
        log::watch_files(self.folder.path());
    }
}

impl Setup {
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Without the routes of the app that ships.
    pub(crate) fn without_digest(mut self) -> Self {
        self.digest = false;
        self
    }

    /// Further routes, as a user of the library would have them.
    pub(crate) fn routes(mut self, routes: Router<Forge>) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// The app's handlers of events, in place of the digest's.
    pub(crate) fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// The app's schedules, in place of the digest's.
    pub(crate) fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// The time as this clock tells it, in place of the system's.
    pub(crate) fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Continues with the files that another service left.
    pub(crate) fn folder(mut self, folder: tempfile::TempDir) -> Self {
        let database = format!("sqlite://{}/store/test.db", folder.path().display());
        self.folder = folder;
        self.set("STORE__URL", &database)
    }

    pub(crate) fn atlassian(&self) -> &Atlassian {
        &self.atlassian
    }

    pub(crate) async fn start(self) -> TestApp {
        let mut variables: HashMap<_, _> = self
            .settings
            .into_iter()
            .map(|(key, value)| (format!("FORGE_REMOTE__{key}"), value))
            .collect();
        variables.insert("FORGE_REMOTE_ENV".to_owned(), "test".to_owned());
        let sources = Sources {
            folder: "/nonexistent".into(),
            variables,
        };
        let config = Config::load_from(&sources).unwrap().config;
        let forge = Forge::with_clock(config, self.clock).await.unwrap();
        let mut routes = self.routes;
        if self.digest {
            routes = digest::router(&forge).merge(routes);
        }
        let server = Server::bind(forge.clone(), routes, self.events, self.schedule)
            .await
            .unwrap();
        let (address, admin) = (server.address(), server.admin_address());
        let (stop, told) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            let _ = told.await;
        }));
        TestApp {
            atlassian: self.atlassian,
            forge,
            address,
            admin,
            folder: self.folder,
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            stop: Some(stop),
            running: Some(running),
        }
    }
}
