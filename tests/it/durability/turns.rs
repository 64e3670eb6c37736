//! An installation with very many events waiting, and two with a single one.

use std::{sync::Arc, time::Duration};

use forge_remote::{
    Event, Events,
    store::jobs::{JobId, JobKind, NewJob},
    trace::TraceId,
};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::support::{
    app::TestApp,
    claims::INSTALLATION,
    kept::{Kept, acknowledged},
    place::{Place, STORE_KEY},
};

const PAGE_UPDATED: &str = "avi:confluence:updated:page";
/// Their ids lie before and behind that of the noisy one.
const QUIET: [&str; 2] = [
    "ari:cloud:ecosystem::installation/00000000-4d08-4b6f-a3e1-5f20d8b9c647",
    "ari:cloud:ecosystem::installation/ffffffff-4d08-4b6f-a3e1-5f20d8b9c647",
];
const WAITING: usize = 5000;
const WORKERS: usize = 8;
/// A quarter of the places is left to others.
const SHARE: usize = 6;
const PATIENCE: Duration = Duration::from_mins(1);

/// What has begun. Handlers of the noisy installation end only when they are let.
#[derive(Clone)]
struct Stage {
    noisy: watch::Sender<usize>,
    quiet: watch::Sender<usize>,
    let_go: Arc<Semaphore>,
}

impl Stage {
    fn events(&self) -> Events {
        let stage = self.clone();
        Events::new().on(PAGE_UPDATED, move |event: Event| {
            let stage = stage.clone();
            async move {
                if event.installation().to_string() != INSTALLATION {
                    stage.quiet.send_modify(|begun| *begun += 1);
                    return Ok(());
                }
                stage.noisy.send_modify(|begun| *begun += 1);
                stage.let_go.acquire().await?.forget();
                Ok(())
            }
        })
    }
}

async fn reaches(begun: &watch::Sender<usize>, count: usize) -> bool {
    let mut begun = begun.subscribe();
    let enough = begun.wait_for(|begun| *begun >= count);
    tokio::time::timeout(PATIENCE, enough).await.is_ok()
}

fn event() -> Value {
    json!({"eventType": PAGE_UPDATED, "content": {"id": "1"}})
}

/// One of those that another replica has taken in.
fn waiting() -> NewJob {
    let id = uuid::Uuid::new_v4();
    NewJob {
        id: JobId::from_uuid(id),
        installation: INSTALLATION.parse().unwrap(),
        kind: JobKind::Event,
        name: PAGE_UPDATED.into(),
        digest: [id.into_bytes(); 2].concat().try_into().unwrap(),
        unless_within: None,
        coalesces: false,
        remember_for: Duration::from_hours(24),
        order: None,
        payload: event().to_string().into(),
        trace: TraceId::of_text("463ac35c9f6413ad"),
        app_token: None,
    }
}

async fn a_single_event_is_the_next(place: Place) {
    let stage = Stage {
        noisy: watch::Sender::default(),
        quiet: watch::Sender::default(),
        let_go: Arc::new(Semaphore::new(0)),
    };
    let setup = TestApp::setup().await.events(stage.events());
    let setup = setup.set("STORE__URL", &place.url());
    let setup = setup.set("INBOX__WORKERS", &WORKERS.to_string());
    let app = setup.set("STORE__ENCRYPTION_KEY", STORE_KEY).start().await;
    for _ in 0..WORKERS {
        let noisy = app.as_platform().json(&event());
        let _ = acknowledged(&noisy.post("/forge/events").await);
    }
    assert!(reaches(&stage.noisy, SHARE).await);
    let kept = Kept::at(&place).await;
    for _ in 0..WAITING / 100 {
        let jobs: Vec<_> = (0..100).map(|_| waiting()).collect();
        kept.add(&jobs).await;
    }

    for id in QUIET {
        let quiet = app.as_platform_with(|fit| {
            fit.claim("/app/installationId", id)
                .claim("/app/installation/id", id)
        });
        let answer = quiet.json(&event()).post("/forge/events").await;
        let _ = acknowledged(&answer);
    }
    // Places are kept for them, however long the noisy one holds its own.
    assert!(reaches(&stage.quiet, QUIET.len()).await);
    assert_eq!(*stage.noisy.borrow(), SHARE);
    // And when one of those gets free, it goes on.
    stage.let_go.add_permits(1);
    assert!(reaches(&stage.noisy, SHARE + 1).await);
}

#[tokio::test]
async fn a_single_event_is_the_next_from_sqlite() {
    a_single_event_is_the_next(Place::sqlite()).await;
}

#[tokio::test]
async fn a_single_event_is_the_next_from_postgresql() {
    a_single_event_is_the_next(Place::postgres().await).await;
}
