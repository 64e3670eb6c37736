//! A remote with one installation, jobs in memory, and time that the test moves.

mod fake;
mod leases;
mod outages;
mod outcomes;
mod products;
mod sqlite;
mod stopping;
mod turns;
mod upkeep;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::fake::FakeJobs;
use super::Dispatcher;
use crate::{
    Config,
    clock::{Clock, Timestamp},
    config::Sources,
    forge::Forge,
    ids::{AppId, InstallationId},
    inbox::{Event, Events, JobError, Schedule},
    store::{Installation, jobs::JobId},
    token::AppToken,
};

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_785_312_000);
pub(super) const WORKERS: usize = 3;
pub(super) const MOST_ATTEMPTS: u32 = 4;
pub(super) const LEASE: Duration = Duration::from_mins(1);
pub(super) const PAGE: &str = "avi:confluence:updated:page";

pub(super) fn installation(number: u128) -> InstallationId {
    Uuid::from_u128(number).into()
}

pub(super) fn job(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

pub(super) fn token(text: &str) -> AppToken {
    AppToken::expiring(text.to_owned(), NOW.plus(Duration::from_hours(3))).unwrap()
}

/// Handlers of [`PAGE`] that do what they are told.
pub(super) fn pages<F, Fut>(handler: F) -> Events
where
    F: Fn(Event) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), JobError>> + Send + 'static,
{
    Events::new().on(PAGE, handler)
}

pub(super) struct Remote {
    pub(super) forge: Forge,
    pub(super) clock: Clock,
    pub(super) jobs: Arc<FakeJobs>,
    pub(super) wake: Arc<Notify>,
}

pub(super) struct Working {
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

impl Remote {
    /// With time as it goes by.
    pub(super) async fn new() -> Self {
        let clock = Clock::manual(NOW);
        let forge = Forge::with_clock(config(&[]), clock.clone()).await.unwrap();
        let remote = Self {
            forge,
            clock,
            jobs: Arc::default(),
            wake: Arc::default(),
        };
        for number in 1..4 {
            remote.install(number, Some(token("t0ken-of-installation")));
        }
        remote.forge.installations().flush().await;
        remote
    }

    /// With time that jumps to what happens next. The remote's own database, which takes
    /// real time, is not to be needed from here on.
    pub(super) async fn paused() -> Self {
        let remote = Self::new().await;
        tokio::time::pause();
        remote
    }

    pub(super) fn install(&self, number: u128, token: Option<AppToken>) {
        let app: AppId = Uuid::from_u128(0xa).into();
        let record = Installation::new(installation(number), app, "https://api.atlassian.com/x");
        self.forge.installations().remember(record, token);
    }

    pub(super) fn start(&self, events: Events) -> Working {
        self.start_all(events, Schedule::new())
    }

    pub(super) fn start_all(&self, events: Events, schedule: Schedule) -> Working {
        self.start_over(Arc::clone(&self.jobs), events, schedule)
    }

    pub(super) fn start_over(
        &self,
        jobs: Arc<FakeJobs>,
        events: Events,
        schedule: Schedule,
    ) -> Working {
        let dispatcher = Dispatcher::over(
            jobs,
            self.forge.clone(),
            events.handlers,
            schedule.handlers,
            Arc::clone(&self.wake),
        );
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatcher.run(stop.clone()));
        Working { stop, task }
    }
}

impl Working {
    /// Stops it and waits until it has returned.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

pub(super) fn config(changes: &[(&str, &str)]) -> Config {
    let mut variables: HashMap<String, String> = HashMap::new();
    let workers = WORKERS.to_string();
    let attempts = MOST_ATTEMPTS.to_string();
    let settings = [
        ("APP__IDS", "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21"),
        ("STORE__URL", "sqlite::memory:"),
        ("ATLASSIAN__API_HOSTS", "api.atlassian.com,127.0.0.1"),
        ("INBOX__WORKERS", &workers),
        ("INBOX__MAX_ATTEMPTS", &attempts),
    ];
    for (key, value) in settings.iter().chain(changes) {
        variables.insert(format!("FORGE_REMOTE__{key}"), (*value).to_owned());
    }
    variables.insert("FORGE_REMOTE_ENV".to_owned(), "test".to_owned());
    let sources = Sources {
        folder: "/nonexistent".into(),
        variables,
    };
    Config::load_from(&sources).unwrap().config
}

/// Timers go by milliseconds, and a short way adds some.
pub(super) fn about(time: Duration, expected: Duration) -> bool {
    time >= expected && time <= expected + Duration::from_millis(10)
}

/// A handler that takes as long as it is polled.
pub(super) fn never(_: Event) -> BoxFuture<'static, Result<(), JobError>> {
    Box::pin(std::future::pending())
}
