//! Forge: requests at fixed times, and events until they are acknowledged.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    connection::Connection,
    counts::Counts,
    faults::Fault,
    fits::Fits,
    mix::{self, Kind},
    platform::Platform,
};

/// Forge sends an event five times at most. A minute apart: here a second.
const DELIVERIES: u32 = 5;
const BETWEEN_DELIVERIES: Duration = Duration::from_secs(1);
const BETWEEN_TICKS: Duration = Duration::from_secs(10);
/// A request that was sent later than this after it was due was the generator's fault.
const LATE: Duration = Duration::from_millis(100);

/// An older one is not delivered again: its key may have been withdrawn.
const RECENT: Duration = Duration::from_secs(10);

/// What a sender may deliver once more.
struct LastEvent {
    at: Instant,
    request: Request,
}

/// A request that is signed.
struct Request {
    bytes: Vec<u8>,
    /// The rotation, if its FIT is signed with the new key: it may be on its way for longer.
    new_key: Option<Fault>,
}

/// When requests are due.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many a second.
    Fixed(f64),
    /// Each when its connection is free.
    Free,
}

/// Everything that is sent. Clones share it.
#[derive(Clone)]
pub(crate) struct Load(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    fits: Arc<Fits>,
    platform: Arc<Platform>,
    next: AtomicU64,
    counts: Counts,
    /// The job of each page whose event was acknowledged.
    acknowledged: Mutex<HashMap<u64, uuid::Uuid>>,
    /// Events that were not acknowledged in five deliveries: the platform gives them up.
    given_up: AtomicU64,
    down: AtomicBool,
    /// When the service that was killed was back: connections of before are dead.
    back: Mutex<Option<Instant>>,
}

impl Load {
    pub(crate) fn new(address: SocketAddr, fits: Arc<Fits>, platform: Arc<Platform>) -> Self {
        Self(Arc::new(Inner {
            address,
            fits,
            platform,
            next: AtomicU64::new(1),
            counts: Counts::default(),
            acknowledged: Mutex::default(),
            given_up: AtomicU64::new(0),
            down: AtomicBool::new(false),
            back: Mutex::default(),
        }))
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.0.counts
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.0.platform
    }

    /// Whether the service is down because it was killed.
    pub(crate) fn expects_silence(&self, down: bool) {
        if !down {
            *self.0.back.lock().unwrap() = Some(Instant::now());
        }
        self.0.down.store(down, Relaxed);
    }

    pub(crate) fn given_up(&self) -> u64 {
        self.0.given_up.load(Relaxed)
    }

    /// Pages and jobs of all events that were acknowledged.
    pub(crate) fn acknowledged(&self) -> Vec<(u64, uuid::Uuid)> {
        let acknowledged = self.0.acknowledged.lock().unwrap();
        acknowledged
            .iter()
            .map(|(page, job)| (*page, *job))
            .collect()
    }

    /// Sends for `span`, over so many connections.
    pub(crate) async fn run(&self, pace: Pace, connections: usize, span: Duration) {
        let began = Instant::now();
        let tickets = Arc::new(AtomicU64::new(0));
        let mut senders = JoinSet::new();
        for _ in 0..connections {
            let (load, tickets) = (self.clone(), Arc::clone(&tickets));
            senders.spawn(async move {
                let mut connection = Connection::to(load.0.address);
                let mut last_event = None;
                while let Some(due) = due(pace, &tickets, began, span) {
                    sleep_until(due).await;
                    if matches!(pace, Pace::Fixed(_)) && due.elapsed() > LATE {
                        load.0.counts.late.fetch_add(1, Relaxed);
                    }
                    load.send_one(&mut connection, &mut last_event).await;
                }
            });
        }
        senders.join_all().await;
    }

    /// Sends a tick now and then, for ever.
    pub(crate) async fn ticks(self) {
        let mut connection = Connection::to(self.0.address);
        loop {
            sleep(BETWEEN_TICKS).await;
            let (number, fault) = (self.number(), self.0.platform.fault());
            let request = self.request(Kind::Tick, number, fault);
            self.exchange(Kind::Tick, &mut connection, &request).await;
        }
    }

    /// Waits until every event that was acknowledged was handled. How many were not, if that
    /// takes longer than `limit`.
    pub(crate) async fn all_handled(&self, limit: Duration) -> usize {
        let began = Instant::now();
        let mut open = self.acknowledged();
        loop {
            open.retain(|(page, _)| self.0.platform.handled(*page) == 0);
            if open.is_empty() || began.elapsed() > limit {
                return open.len();
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn request(&self, kind: Kind, number: u64, fault: Option<Fault>) -> Request {
        Request {
            bytes: mix::request(kind, number, &self.0.fits, fault),
            new_key: fault.filter(|fault| *fault == Fault::KeyRotation),
        }
    }

    fn number(&self) -> u64 {
        self.0.next.fetch_add(1, Relaxed)
    }

    async fn send_one(&self, connection: &mut Connection, last_event: &mut Option<LastEvent>) {
        let (number, fault) = (self.number(), self.0.platform.fault());
        let kind = Kind::of(number);
        if kind == Kind::Redelivery
            && let Some(last) = last_event.take_if(|last| last.at.elapsed() < RECENT)
        {
            self.exchange(kind, connection, &last.request).await;
            return;
        }
        let request = self.request(kind, number, fault);
        if matches!(kind, Kind::Event | Kind::Redelivery) {
            self.deliver(number, connection, &request).await;
            *last_event = Some(LastEvent {
                at: Instant::now(),
                request,
            });
        } else {
            self.exchange(kind, connection, &request).await;
        }
    }

    /// Delivers an event until it is acknowledged, as the platform does.
    async fn deliver(&self, page: u64, connection: &mut Connection, event: &Request) {
        for delivery in 0..DELIVERIES {
            if delivery > 0 {
                sleep(BETWEEN_DELIVERIES).await;
            }
            if let Some(body) = self.exchange(Kind::Event, connection, event).await {
                let body: Value = serde_json::from_slice(&body).unwrap();
                let job = body["id"].as_str().unwrap().parse().unwrap();
                self.0.acknowledged.lock().unwrap().insert(page, job);
                return;
            }
        }
        self.0.given_up.fetch_add(1, Relaxed);
    }

    /// The body of an answer of 2xx.
    async fn exchange(
        &self,
        kind: Kind,
        connection: &mut Connection,
        request: &Request,
    ) -> Option<Vec<u8>> {
        let Inner {
            counts,
            platform,
            down,
            back,
            ..
        } = &*self.0;
        let (before, began) = (platform.fault(), Instant::now());
        let answer = connection.send(&request.bytes).await;
        // A fault that began or ended meanwhile has its part in it.
        let fault = request.new_key.or(before).or(platform.fault());
        let Ok(answer) = answer else {
            let back = *back.lock().unwrap();
            if down.load(Relaxed) || connection.opened() < back {
                counts.while_down.fetch_add(1, Relaxed);
            } else {
                counts.add(kind, fault, 0);
            }
            // Else a service that is down would be asked without a pause.
            sleep(Duration::from_millis(50)).await;
            return None;
        };
        counts.add(kind, fault, answer.status);
        if fault.is_none() && matches!(kind, Kind::Reused | Kind::Distinct) {
            counts.took(began.elapsed());
        }
        if fault.is_none() && kind != Kind::Bad && answer.status / 100 != 2 {
            counts.refused(kind, &answer.body);
        }
        (answer.status / 100 == 2).then_some(answer.body)
    }
}

/// When the next request is due; none if that is after the end.
fn due(pace: Pace, tickets: &AtomicU64, began: Instant, span: Duration) -> Option<Instant> {
    let due = match pace {
        Pace::Free => Instant::now(),
        #[expect(
            clippy::cast_precision_loss,
            reason = "there are fewer than 2^52 requests"
        )]
        Pace::Fixed(rate) => {
            began + Duration::from_secs_f64(tickets.fetch_add(1, Relaxed) as f64 / rate)
        }
    };
    (due < began + span).then_some(due)
}
