//! How late the runtime gets to what is ready, and which part of the requests is shed for it.
//!
//! A limit on requests in flight does not see work that keeps the processor busy: a handler
//! that never waits is done before the next one begins, and what is too much queues in front
//! of it, in the runtime and in the sockets. So a task of its own asks for its turn every few
//! milliseconds and measures how late it comes. A queue that does not empty within a window
//! is too much work (the criterion of RFC 8289); then as many requests are let in as
//! were answered before, and a little less or more with each window.

mod control;
mod tap;

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use metrics::Gauge;
use tokio::time::{Instant, sleep_until};

use self::control::Control;
pub(super) use self::tap::Tap;
use crate::admission::Room;

/// Between two looks at the queue.
const SAMPLE: Duration = Duration::from_millis(10);
/// A queue that was once as short as it should be within that time does no harm.
const WINDOW: Duration = Duration::from_millis(100);
/// A single poll that takes long is no queue, and spoils one look only.
const FEWEST_SAMPLES: u32 = 2;

/// What is watched and what is regulated, in the order in which requests are shed.
pub(super) struct Pressure {
    lanes: Vec<(Arc<Tap>, Room)>,
    control: Control,
    gauge: Gauge,
}

/// The shortest delay of a window.
struct Window {
    began: Instant,
    samples: u32,
    least: Duration,
}

impl Pressure {
    /// Requests of the first lane are shed first.
    pub(super) fn on(lanes: Vec<(Arc<Tap>, Room)>) -> Self {
        Self {
            control: Control::new(lanes.len()),
            lanes,
            gauge: metrics::gauge!("forge_runtime_delay_seconds"),
        }
    }

    /// Measures and regulates until it is aborted.
    pub(super) async fn watch(mut self) {
        let mut window = Window::beginning(Instant::now());
        loop {
            let due = Instant::now() + SAMPLE;
            sleep_until(due).await;
            behind_all_others().await;
            let now = Instant::now();
            window.add(now.saturating_duration_since(due));
            if let Some((least, took)) = window.end(now) {
                self.regulate(least, took);
                window = Window::beginning(now);
            }
        }
    }

    fn regulate(&mut self, delay: Duration, took: Duration) {
        let seen: Vec<_> = self.lanes.iter().map(|(tap, _)| tap.take()).collect();
        let parts = self.control.next(delay, took, &seen);
        for ((tap, room), part) in self.lanes.iter().zip(parts) {
            tap.shed(part);
            room.press(self.control.is_on());
        }
        self.gauge.set(delay.as_secs_f64());
    }
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

/// Ends when all tasks that are ready now had their turn. A task that wakes itself while it
/// runs goes to the back of its worker's queue; woken by anything else it may go to the front.
async fn behind_all_others() {
    let mut queued = false;
    poll_fn(|context| {
        if queued {
            return Poll::Ready(());
        }
        queued = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests;
