//! Events of one page in their order, whatever their handlers do.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use forge_remote::{Event, Events, JobError};
use serde_json::{Value, json};
use tokio::{sync::Barrier, time::sleep};

use crate::support::{
    app::TestApp,
    kept::acknowledged,
    place::{Place, STORE_KEY},
};

const PAGE_UPDATED: &str = "avi:confluence:updated:page";
const PAGES: usize = 3;
const EVENTS: u64 = 50;
const PATIENCE: Duration = Duration::from_mins(1);

/// What a handler sees of an event of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Begun(u64),
    Failed(u64),
    Done(u64),
}

/// The history of each page.
type Histories = Arc<[Mutex<Vec<Moment>>; PAGES]>;

/// The first events of all pages wait for each other. Each fails once in eight, and at
/// most three times.
async fn page_updated(
    event: Event,
    histories: Histories,
    beside: Arc<Barrier>,
) -> Result<(), JobError> {
    let number = |place: &str| event.payload.pointer(place).and_then(Value::as_u64);
    let (page, n) = (number("/page").unwrap(), number("/n").unwrap());
    let note = |moment| {
        let history = &histories[usize::try_from(page).unwrap()];
        history.lock().unwrap().push(moment);
    };
    note(Moment::Begun(n));
    if n == 0 && event.attempt() == 1 {
        beside.wait().await;
    }
    let dice = uuid::Uuid::new_v4();
    sleep(Duration::from_millis(u64::from(dice.as_bytes()[0] % 8))).await;
    if event.attempt() <= 3 && dice.as_bytes()[1] < 32 {
        note(Moment::Failed(n));
        return Err(JobError::retry_after(Duration::from_millis(1), "again"));
    }
    note(Moment::Done(n));
    Ok(())
}

/// Whether the events came in order, one after the other, each until it was done.
fn assert_in_order(history: &[Moment]) {
    let mut awaited = 0;
    let mut moments = history.iter();
    while let Some(moment) = moments.next() {
        assert_eq!(*moment, Moment::Begun(awaited), "{history:?}");
        match moments.next() {
            Some(Moment::Failed(n)) if *n == awaited => {}
            Some(Moment::Done(n)) if *n == awaited => awaited += 1,
            other => panic!("{other:?} in {history:?}"),
        }
    }
    assert_eq!(awaited, EVENTS, "{history:?}");
}

async fn events_of_a_page_are_handled_in_order(place: Place) {
    let histories = Histories::default();
    let beside = Arc::new(Barrier::new(PAGES));
    let inside = Arc::clone(&histories);
    let events = Events::new().on_ordered(PAGE_UPDATED, "/content/id", move |event: Event| {
        page_updated(event, Arc::clone(&inside), Arc::clone(&beside))
    });
    let setup = TestApp::setup().await.events(events);
    let setup = setup.set("STORE__URL", &place.url());
    let app = setup.set("STORE__ENCRYPTION_KEY", STORE_KEY).start().await;
    for n in 0..EVENTS {
        for page in 0..PAGES {
            let event = json!({
                "eventType": PAGE_UPDATED, "content": {"id": format!("p{page}")},
                "page": page, "n": n,
            });
            let answer = app.as_platform().json(&event).post("/forge/events").await;
            let _ = acknowledged(&answer);
        }
    }
    let is_done = |history: &Mutex<Vec<Moment>>| {
        let history = history.lock().unwrap();
        history.contains(&Moment::Done(EVENTS - 1))
    };
    let done = async {
        while !histories.iter().all(is_done) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, done).await;
    assert!(in_time.is_ok(), "{histories:?}");
    app.stopped().await;
    for history in &*histories {
        assert_in_order(&history.lock().unwrap());
    }
    let failed = |moment: &Moment| matches!(moment, Moment::Failed(_));
    let mut all = histories.iter();
    assert!(all.any(|history| history.lock().unwrap().iter().any(failed)));
}

#[tokio::test]
async fn events_of_a_page_are_handled_in_order_from_sqlite() {
    events_of_a_page_are_handled_in_order(Place::sqlite()).await;
}

#[tokio::test]
async fn events_of_a_page_are_handled_in_order_from_postgresql() {
    events_of_a_page_are_handled_in_order(Place::postgres().await).await;
}
