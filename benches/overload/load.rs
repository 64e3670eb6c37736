//! A load whose requests are due at fixed times, whatever the service does.

use std::{
    cell::{Cell, RefCell},
    fmt,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use aws_lc_rs::signature::RsaKeyPair;
use tokio::{
    sync::Notify,
    task::{LocalSet, yield_now},
};

use crate::{
    connection::Connection,
    played::{self, INSTALLATION},
};

/// Whether a service is quiet is looked at in steps of that length.
const SLICE: Duration = Duration::from_millis(100);

/// Requests, and the connections they go over.
pub(crate) struct Load {
    address: SocketAddr,
    requests: Rc<Vec<Vec<u8>>>,
    connections: usize,
    /// Runs go on where the one before stopped, so that a FIT comes again as late as it can.
    next: Rc<Cell<usize>>,
}

/// One request that was answered.
#[derive(Clone, Copy)]
struct Answered {
    /// Since the run began.
    due: Duration,
    /// Until it was sent: the load's own doing, unless all connections wait for answers.
    unsent: Duration,
    took: Duration,
    accepted: bool,
}

/// What a run brought.
pub(crate) struct Run {
    span: Duration,
    answered: Vec<Answered>,
    failed: usize,
}

/// When requests are due.
#[derive(Clone, Copy)]
enum Pace {
    /// So many a second.
    Fixed(f64),
    /// Each when its connection is free.
    Free,
}

/// Calls of a page with a FIT of its own each, signed on as many cores as this process has.
pub(crate) fn distinct_requests(key: &RsaKeyPair, count: usize) -> Vec<Vec<u8>> {
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut requests = vec![Vec::new(); count];
    let part = count.div_ceil(cores);
    std::thread::scope(|scope| {
        for (at, requests) in requests.chunks_mut(part).enumerate() {
            scope.spawn(move || {
                for (number, request) in requests.iter_mut().enumerate() {
                    *request = self::request(key, at * part + number);
                }
            });
        }
    });
    requests
}

fn request(key: &RsaKeyPair, number: usize) -> Vec<u8> {
    let mut claims = played::claims("https://api.atlassian.com", INSTALLATION, 3600);
    claims["jti"] = format!("{number:040x}").into();
    let fit = played::sign(key, &claims);
    format!(
        "GET /api/invocation HTTP/1.1\r\nhost: remote\r\nauthorization: Bearer {fit}\r\n\
         x-b3-traceid: {number:032x}\r\nx-b3-spanid: {number:016x}\r\n\r\n"
    )
    .into_bytes()
}

impl Load {
    pub(crate) async fn on(
        address: SocketAddr,
        requests: Vec<Vec<u8>>,
        connections: usize,
    ) -> Self {
        let load = Self {
            address,
            requests: Rc::new(requests),
            connections,
            next: Rc::default(),
        };
        // The service gets its keys, and its first answers are not measured.
        load.as_fast_as_answered(Duration::from_secs(1)).await;
        load
    }

    /// Each connection sends its next request when its last one is answered.
    pub(crate) async fn as_fast_as_answered(&self, span: Duration) -> Run {
        self.run(Pace::Free, span).await
    }

    /// `rate` requests a second.
    pub(crate) async fn at(&self, rate: f64, span: Duration) -> Run {
        self.run(Pace::Fixed(rate), span).await
    }

    async fn run(&self, pace: Pace, span: Duration) -> Run {
        let senders = match pace {
            Pace::Fixed(_) => self.connections,
            // Enough to keep it busy without a queue worth the name.
            Pace::Free => 32,
        };
        let mut connections = Vec::new();
        for _ in 0..senders {
            connections.push(Connection::open(self.address).await.unwrap());
        }
        let round = Rc::new(Round {
            pace,
            span,
            began: Instant::now(),
            given: Cell::new(0),
            due: Notify::new(),
            answered: RefCell::default(),
            failed: Cell::new(0),
        });
        let local = LocalSet::new();
        for connection in connections {
            let (round, requests) = (Rc::clone(&round), Rc::clone(&self.requests));
            let next = Rc::clone(&self.next);
            local.spawn_local(async move { round.send(connection, &requests, &next).await });
        }
        local.run_until(round.keep_time()).await;
        local.await;
        Run {
            span,
            answered: round.answered.take(),
            failed: round.failed.get(),
        }
    }
}

/// One run, shared by its senders, who are all on one thread.
struct Round {
    pace: Pace,
    span: Duration,
    began: Instant,
    given: Cell<u32>,
    /// Wakes whoever waits for the next request to be due.
    due: Notify,
    answered: RefCell<Vec<Answered>>,
    failed: Cell<usize>,
}

impl Round {
    /// Wakes a sender whenever a request is due. It never sleeps: a timer's grain would be
    /// added to the latencies.
    async fn keep_time(&self) {
        while let Pace::Fixed(rate) = self.pace
            && self.began.elapsed() < self.span
        {
            if self.began.elapsed().as_secs_f64() * rate >= f64::from(self.given.get()) {
                self.due.notify_one();
            }
            yield_now().await;
        }
        self.due.notify_waiters();
    }

    /// When the next request is due that nobody took yet. None once the run is over.
    async fn next(&self) -> Option<Duration> {
        loop {
            let due = match self.pace {
                Pace::Fixed(rate) => Duration::from_secs_f64(f64::from(self.given.get()) / rate),
                Pace::Free => self.began.elapsed(),
            };
            let now = self.began.elapsed();
            if due >= self.span || now >= self.span * 2 {
                return None;
            }
            if due <= now {
                self.given.set(self.given.get() + 1);
                return Some(due);
            }
            if now >= self.span {
                return None;
            }
            self.due.notified().await;
        }
    }

    async fn send(&self, mut connection: Connection, requests: &[Vec<u8>], next: &Cell<usize>) {
        while let Some(due) = self.next().await {
            let number = next.get();
            next.set(number + 1);
            let unsent = self.began.elapsed().saturating_sub(due);
            let answer = connection.send(&requests[number % requests.len()]).await;
            let Ok(status) = answer else {
                self.failed.set(self.failed.get() + 1);
                return;
            };
            assert!(matches!(status, 200 | 503), "{status}");
            self.answered.borrow_mut().push(Answered {
                due,
                unsent,
                took: self.began.elapsed().saturating_sub(due),
                accepted: status == 200,
            });
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
impl Run {
    /// Answers a second.
    fn rate(&self) -> f64 {
        self.answered.len() as f64 / self.span.as_secs_f64()
    }

    /// Answers a second that were no refusals.
    pub(crate) fn accepted_rate(&self) -> f64 {
        self.rate() * (1.0 - self.refused_part())
    }

    pub(crate) fn refused_part(&self) -> f64 {
        let refused = self.answered.iter().filter(|it| !it.accepted).count();
        refused as f64 / self.answered.len().max(1) as f64
    }

    pub(crate) const fn failed(&self) -> usize {
        self.failed
    }

    /// The latency that this part of the accepted requests stayed under.
    pub(crate) fn accepted(&self, part: f64) -> Duration {
        self.quantile(true, part)
    }

    /// The same of those that were refused.
    pub(crate) fn refused(&self, part: f64) -> Duration {
        self.quantile(false, part)
    }

    fn quantile(&self, accepted: bool, part: f64) -> Duration {
        let those = self.answered.iter().filter(|it| it.accepted == accepted);
        quantile(those.map(|it| it.took), part)
    }

    /// The time before it was sent that this part of all requests stayed under.
    pub(crate) fn unsent(&self, part: f64) -> Duration {
        quantile(self.answered.iter().map(|it| it.unsent), part)
    }

    /// The slices in which more than one in a hundred of the accepted took longer than `bound`,
    /// and how many slices there were: a few such are the machine's stalls, many the service's.
    pub(crate) fn late_slices(&self, bound: Duration) -> (Vec<String>, usize) {
        let slice = |it: &Answered| it.due.as_millis() / SLICE.as_millis();
        let last = self.answered.iter().map(slice).max().unwrap_or_default();
        let of = |number| self.answered.iter().filter(move |it| slice(it) == number);
        let late = (0..=last).filter_map(|number| {
            let took = quantile(of(number).filter(|it| it.accepted).map(|it| it.took), 0.99);
            let unsent = quantile(of(number).map(|it| it.unsent), 0.99);
            (took > bound).then(|| {
                format!(
                    "{:.1} s: {took:.0?} (unsent {unsent:.0?})",
                    number as f64 / 10.0
                )
            })
        });
        (
            late.collect(),
            usize::try_from(last).unwrap_or(usize::MAX) + 1,
        )
    }

    /// From when on nothing was refused and nearly all were answered within `bound`.
    pub(crate) fn quiet_from(&self, bound: Duration) -> Duration {
        let last = self
            .answered
            .iter()
            .filter(|it| !it.accepted || it.took > bound)
            .map(|it| it.due)
            .max();
        // To the end of the slice that it is in.
        last.map_or(Duration::ZERO, |last| {
            let slices = last.as_millis() / SLICE.as_millis() + 1;
            SLICE * u32::try_from(slices).unwrap_or(u32::MAX)
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an index into the list"
)]
fn quantile(times: impl Iterator<Item = Duration>, part: f64) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    let at = (times.len() as f64 * part) as usize;
    times
        .get(at.min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6.0} /s: accepted p50 {:.2?} p99 {:.2?}",
            self.rate(),
            self.accepted(0.5),
            self.accepted(0.99)
        )?;
        write!(f, " (unsent p99 {:.2?})", self.unsent(0.99))?;
        if self.refused_part() > 0.0 {
            write!(
                f,
                "; {:.1} % refused, p50 {:.2?} p99 {:.2?}",
                self.refused_part() * 100.0,
                self.refused(0.5),
                self.refused(0.99)
            )?;
        }
        if self.failed > 0 {
            write!(f, "; {} connections lost", self.failed)?;
        }
        Ok(())
    }
}
