//! How late the runtime gets to what is ready, and which part of the requests is shed for it.
//!
//! A limit on requests in flight does not see work that keeps the processor busy: a handler
//! that never waits is done before the next one begins, and what is too much queues in front
//! of it, in the runtime and in the sockets. So a task of its own is woken every few
//! milliseconds, and measures how late its turn comes. A queue that does not empty within a window
//! is too much work (the criterion of RFC 8289); then as many requests are let in as
//! were answered before, and a little less or more with each window.

mod beat;
mod control;
mod tap;

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use metrics::Gauge;
use tokio::sync::mpsc::{self, error::TrySendError};

use self::control::Control;
pub(super) use self::{beat::Beat, tap::Tap};
use crate::admission::Room;

/// Between two looks at the queue.
const SAMPLE: Duration = Duration::from_millis(10);
/// A queue that was once as short as it should be within that time does no harm.
const WINDOW: Duration = Duration::from_millis(100);
/// A build without optimisation is ten times slower, and must not shed a developer's requests
/// for that.
const LENIENCE: u32 = if cfg!(debug_assertions) { 10 } else { 1 };
/// A single poll that takes long is no queue, and spoils one look only.
const FEWEST_SAMPLES: u32 = 2;

/// What is watched and what is regulated, in the order in which requests are shed.
pub(super) struct Pressure {
    lanes: Vec<(Arc<Tap>, Room)>,
    beat: Arc<Beat>,
    control: Control,
    delay: Gauge,
    /// In the order of the lanes.
    in_flight: Vec<Gauge>,
}

/// The shortest delay of a window.
struct Window {
    began: Instant,
    samples: u32,
    least: Duration,
}

impl Pressure {
    /// Requests of the first lane are shed first. The taps know by `beat` how late it is.
    pub(super) fn on(lanes: Vec<(Arc<Tap>, Room)>, beat: Arc<Beat>) -> Self {
        Self {
            control: Control::new(lanes.len()),
            in_flight: lanes.iter().map(|(_, room)| in_flight(room)).collect(),
            lanes,
            beat,
            delay: metrics::gauge!("forge_runtime_delay_seconds"),
        }
    }

    /// Measures and regulates until it is aborted. By the clock of the machine: a jump of the
    /// runtime's own, as when a test sets it forward, keeps nobody waiting.
    pub(super) async fn watch(mut self) {
        let mut beats = match heart(Arc::clone(&self.beat)) {
            Ok(beats) => beats,
            Err(error) => {
                tracing::warn!(cause = %error, "too much work will not be noticed: no thread for it");
                return;
            }
        };
        let mut window = Window::beginning(Instant::now());
        while let Some(due) = beats.recv().await {
            let now = Instant::now();
            self.beat.hear(due, now);
            window.add(now.saturating_duration_since(due));
            if let Some((least, took)) = window.end(now) {
                self.regulate(least, took);
                window = Window::beginning(now);
            }
        }
    }

    fn regulate(&mut self, delay: Duration, took: Duration) {
        let seen: Vec<_> = self.lanes.iter().map(|(tap, _)| tap.take()).collect();
        let parts = self.control.next(delay / LENIENCE, took, &seen);
        for ((tap, room), part) in self.lanes.iter().zip(parts) {
            tap.shed(part, self.control.is_on());
            room.press(self.control.is_on());
        }
        self.delay.set(delay.as_secs_f64());
        // Here and not where a place is taken: that is done for each request.
        for ((_, room), gauge) in self.lanes.iter().zip(&self.in_flight) {
            gauge.set(number(room.taken()));
        }
    }
}

/// Shows how many places the room has; how many are taken is for the gauge.
fn in_flight(room: &Room) -> Gauge {
    let lane = room.refusals().lane();
    metrics::gauge!("forge_in_flight_limit", "lane" => lane).set(number(room.most()));
    metrics::gauge!("forge_in_flight", "lane" => lane)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are fewer than 2^52 places"
)]
const fn number(places: usize) -> f64 {
    places as f64
}

impl Window {
    const fn beginning(now: Instant) -> Self {
        Self {
            began: now,
            samples: 0,
            least: Duration::MAX,
        }
    }

    fn add(&mut self, delay: Duration) {
        self.samples += 1;
        self.least = self.least.min(delay);
    }

    /// The shortest delay and how long the window was, once it is over.
    fn end(&self, now: Instant) -> Option<(Duration, Duration)> {
        let took = now.saturating_duration_since(self.began);
        (took >= WINDOW && self.samples >= FEWEST_SAMPLES).then_some((self.least, took))
    }
}

/// Beats until nobody listens. A thread of its own: whom the runtime wakes gets into the queue
/// of one worker, and past the many that did not fit into it; whom a foreign thread wakes has
/// to wait behind those. The next beat comes when the last was heard.
fn heart(beat: Arc<Beat>) -> io::Result<mpsc::Receiver<Instant>> {
    let (send, beats) = mpsc::channel(1);
    let heart = thread::Builder::new().name("pressure".to_owned());
    heart.spawn(move || {
        loop {
            // Not when it wakes: what kept it from waking kept the requests waiting, too.
            let due = Instant::now() + SAMPLE;
            thread::sleep(SAMPLE);
            match send.try_reserve() {
                Ok(place) => {
                    // Before it can be heard, which takes the mark away again.
                    beat.send(due);
                    place.send(due);
                }
                // The last one was not heard yet.
                Err(TrySendError::Full(())) => {}
                Err(TrySendError::Closed(())) => return,
            }
        }
    })?;
    Ok(beats)
}

#[cfg(test)]
mod tests;
