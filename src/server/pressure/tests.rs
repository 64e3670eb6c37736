use std::{collections::VecDeque, future::poll_fn, task::Poll};

use super::{
    control::TARGET,
    tap::{ALWAYS, Seen, TOO_LATE},
    *,
};
use crate::admission::Refusals;

const LONG: Duration = TARGET.saturating_mul(2);
const IN_TIME: Duration = Duration::from_millis(1);
/// For what happens within a second, on a machine that does ten other things.
const A_WHILE: Duration = Duration::from_mins(2);

fn came(count: u32) -> Seen {
    Seen {
        came: count,
        shed: 0,
        late: 0,
    }
}

fn near(part: f64, expected: f64) -> bool {
    (part - expected).abs() < 0.01
}

/// Requests that a tap lets in out of that many.
fn let_in(tap: &Tap, count: u32) -> u32 {
    (0..count).map(|_| u32::from(tap.lets_in())).sum()
}

#[test]
fn at_ease_everything_is_let_in() {
    let mut control = Control::new(2);
    for _ in 0..100 {
        let parts = control.next(IN_TIME, WINDOW, &[came(10_000), came(10_000)]);
        assert_eq!(parts, [0.0, 0.0]);
        assert!(!control.is_on());
    }
}

#[test]
fn the_first_lane_is_shed_before_the_second() {
    let mut control = Control::new(3);
    let few_events = control.next(LONG, WINDOW, &[came(50), came(950), came(10)]);
    assert!(near(few_events[0], 1.0), "{few_events:?}");
    assert!(few_events[1] > 0.0 && few_events[1] < 1.0, "{few_events:?}");
    assert!(near(few_events[2], 0.0), "{few_events:?}");

    let mut control = Control::new(3);
    let many_events = control.next(LONG, WINDOW, &[came(950), came(50), came(10)]);
    assert!(many_events[0] > 0.0, "{many_events:?}");
    assert!(near(many_events[1], 0.0), "{many_events:?}");
}

#[test]
fn a_longer_delay_sheds_more() {
    let part = |delay| Control::new(1).next(delay, WINDOW, &[came(1000)])[0];
    assert!(part(LONG) >= 0.09);
    assert!(part(LONG * 2) > part(LONG));
    assert!(part(LONG * 100) < 1.0);
}

#[test]
fn the_limit_ends_at_once_when_the_flood_does() {
    let mut control = Control::new(1);
    for _ in 0..20 {
        control.next(LONG, WINDOW, &[came(1000)]);
    }
    // What comes now is less than what there was time for.
    let parts = control.next(IN_TIME, WINDOW, &[came(200)]);
    assert!(near(parts[0], 0.0), "{parts:?}");
    for _ in 0..20 {
        control.next(IN_TIME, WINDOW, &[came(200)]);
    }
    assert!(!control.is_on(), "and then it is forgotten");
}

#[test]
fn a_limit_that_was_learned_from_too_little_grows_away_within_two_seconds() {
    // Also from nobody at all: jobs kept the processor busy, and no one called meanwhile.
    for few in [10, 1, 0] {
        let mut control = Control::new(1);
        control.next(Duration::from_secs(1), WINDOW, &[came(few)]);
        let parts: Vec<_> = (0..100)
            .map(|_| control.next(IN_TIME, WINDOW, &[came(2000)])[0])
            .collect();
        let last = parts.iter().rposition(|part| *part > 0.0);
        let last = last.expect("what is learned counts at first");
        let took = WINDOW * u32::try_from(last + 1).unwrap();
        assert!(took <= Duration::from_secs(2), "after {few}: {took:?}");
    }
}

/// A service that has time for `capacity` requests of full cost in a window, where one that
/// is shed costs a quarter, with a queue of what it did not get to.
struct Played {
    queue: f64,
    /// Whoever looks waits, too: a window lasts the longer.
    delay: Duration,
    control: Control,
    part: f64,
}

impl Played {
    /// The delay at the end of a window in which `offered` requests came.
    fn window(&mut self, offered: f64, capacity: f64) -> Duration {
        let cost = (1.0 - self.part) + self.part / 4.0;
        let took = WINDOW + self.delay;
        let windows = took.div_duration_f64(WINDOW);
        let waiting = self.queue + offered * windows;
        let handled = (waiting * cost).min(capacity * windows) / cost;
        self.queue = (waiting - handled).max(0.0);
        self.delay = WINDOW.mul_f64(self.queue * cost / capacity);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let seen = Seen {
            came: handled as u32,
            shed: (handled * self.part) as u32,
            late: 0,
        };
        self.part = self.control.next(self.delay, took, &[seen])[0];
        self.delay
    }
}

#[test]
fn twice_what_there_is_time_for_does_not_let_the_queue_stand() {
    let mut played = Played {
        queue: 0.0,
        delay: Duration::ZERO,
        control: Control::new(1),
        part: 0.0,
    };
    let capacity = 2000.0;
    let delays: VecDeque<_> = (0..600)
        .map(|_| played.window(2.0 * capacity, capacity))
        .collect();
    // The first second is the price of noticing.
    let late = delays.iter().skip(10).filter(|delay| **delay > TARGET * 3);
    assert_eq!(late.count(), 0, "{delays:?}");
    let shed = played.part;
    assert!(shed > 0.4 && shed < 0.9, "{shed}");
    let after: Vec<_> = (0..20)
        .map(|_| played.window(0.5 * capacity, capacity))
        .collect();
    assert!(after[10] <= IN_TIME && played.part == 0.0, "{after:?}");
}

#[test]
fn what_shedding_does_not_help_against_does_not_shed_nearly_all() {
    let mut control = Control::new(1);
    let mut part = 0.0;
    for _ in 0..200 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let shed = (1000.0 * part) as u32;
        // A job that keeps the processor busy makes everything late, whoever is let in.
        part = control.next(LONG, WINDOW, &[Seen { shed, ..came(1000) }])[0];
    }
    assert!(part < 0.95, "{part}");
}

#[test]
fn a_tap_sheds_the_part_it_is_told_and_spreads_it() {
    let tap = Tap::new(Arc::new(Beat::new()));
    assert_eq!(let_in(&tap, 1000), 1000);
    for (part, expected) in [(0.5, 500), (0.1, 900), (0.9, 100)] {
        tap.take();
        tap.shed(part, true);
        let in_all = let_in(&tap, 1000);
        assert!(in_all.abs_diff(expected) <= ALWAYS + 2, "{part}: {in_all}");
        let in_a_row = let_in(&tap, 100);
        assert!(in_a_row.abs_diff(expected / 10) <= 2, "{part}: {in_a_row}");
        let seen = tap.take();
        assert_eq!(seen.came - seen.shed, in_all + in_a_row);
    }
}

#[test]
fn a_few_requests_of_each_window_are_let_in_whatever_comes() {
    let tap = Tap::new(Arc::new(Beat::new()));
    tap.shed(1.0, true);
    for _ in 0..3 {
        assert_eq!(let_in(&tap, 10_000), ALWAYS);
        tap.take();
    }
}

#[test]
fn under_pressure_what_is_reached_too_late_is_shed_whatever_its_turn() {
    let beat = Arc::new(Beat::new());
    let tap = Tap::new(Arc::clone(&beat));
    let now = Instant::now();
    beat.hear(now, now + TOO_LATE * 2);
    assert_eq!(let_in(&tap, 100), 100, "without pressure a stall is none");
    tap.take();
    tap.shed(0.5, true);
    assert_eq!(let_in(&tap, 1000), ALWAYS);
    let seen = tap.take();
    assert!(seen.shed.abs_diff(500) <= ALWAYS + 2, "by plan: {seen:?}");
    assert_eq!(seen.shed + seen.late, 1000 - ALWAYS);
    tap.shed(0.0, true);
    assert_eq!(
        let_in(&tap, 1000),
        ALWAYS,
        "also where nothing else is shed"
    );
    beat.hear(now, now + TOO_LATE / 2);
    assert_eq!(let_in(&tap, 1000), 1000);
}

#[test]
fn a_budget_does_not_grow_where_what_it_lets_in_comes_too_late() {
    let mut control = Control::new(1);
    control.next(LONG, WINDOW, &[came(2000)]);
    let seen = |shed, late| Seen {
        shed,
        late,
        ..came(2000)
    };
    let first = control.next(IN_TIME, WINDOW, &[seen(400, 300)])[0];
    let parts: Vec<_> = (0..50)
        .map(|_| control.next(IN_TIME, WINDOW, &[seen(400, 300)])[0])
        .collect();
    assert!(parts.iter().all(|part| *part >= first), "{parts:?}");
    assert!(near(parts[49], 0.35), "down to what was served: {parts:?}");
    let stall = control.next(IN_TIME, WINDOW, &[seen(700, 1300)])[0];
    assert!(near(stall, 1.0 - 0.65 * 0.9), "by a step at most: {stall}");
}

#[test]
fn a_queue_that_empties_is_not_shed_for_ever_for_what_is_late_in_it() {
    let mut control = Control::new(1);
    let mut part = control.next(LONG * 10, WINDOW, &[came(60)])[0];
    // A handler blocks the only thread for half of every other window: of those who are let
    // in then, half are late.
    let windows = (0..6000).map(|number| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let shed = (36.0 * part) as u32;
        let blocks = number % 2 == 0 && control.is_on();
        let late = if blocks { (36 - shed) / 2 } else { 0 };
        let seen = Seen {
            came: 40,
            shed,
            late,
        };
        part = control.next(IN_TIME, WINDOW, &[seen])[0];
        part
    });
    let parts: Vec<_> = windows.collect();
    assert!(parts[100] > 0.0, "it is shed at first");
    let minute = parts.iter().skip(600);
    assert!(minute.clone().all(|part| *part == 0.0), "{parts:?}");
}

#[test]
fn one_long_poll_is_no_queue() {
    let began = Instant::now();
    let mut window = Window::beginning(began);
    window.add(WINDOW * 3);
    assert!(
        window.end(began + WINDOW * 3).is_none(),
        "one look is not enough"
    );
    window.add(IN_TIME);
    window.add(IN_TIME);
    let (least, took) = window.end(began + WINDOW * 4).unwrap();
    assert_eq!((least, took), (IN_TIME, WINDOW * 4));
}

/// The pressure on one lane, and the lane's tap.
fn pressure() -> (Pressure, Arc<Tap>) {
    let beat = Arc::new(Beat::new());
    let tap = Arc::new(Tap::new(Arc::clone(&beat)));
    let room = Room::new(1, Refusals::of_lane("test"));
    (Pressure::on(vec![(Arc::clone(&tap), room)], beat), tap)
}

#[tokio::test(start_paused = true)]
async fn an_idle_runtime_is_in_time_even_when_its_clock_jumps() {
    let (pressure, tap) = pressure();
    let watch = tokio::spawn(pressure.watch());
    let began = Instant::now();
    while began.elapsed() < WINDOW * 5 {
        assert_eq!(let_in(&tap, 1000), 1000);
        tokio::time::advance(WINDOW * 300).await;
    }
    watch.abort();
}

/// Goes to the back of the worker's queue.
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

/// Keeps its thread busy for `span` each time it gets a turn, as long as it is told to.
async fn busy(span: Duration, on: Arc<std::sync::atomic::AtomicBool>) {
    while on.load(std::sync::atomic::Ordering::Relaxed) {
        let began = Instant::now();
        while began.elapsed() < span {
            std::hint::spin_loop();
        }
        behind_all_others().await;
    }
}

#[tokio::test]
async fn a_queue_of_busy_tasks_is_noticed_and_its_end_too() {
    let (pressure, tap) = pressure();
    let watch = tokio::spawn(pressure.watch());
    let on = Arc::new(std::sync::atomic::AtomicBool::new(true));
    // A turn of all of them takes longer than the target; one alone does not.
    let turn = TARGET * LENIENCE / 2;
    let tasks: Vec<_> = (0..4)
        .map(|_| tokio::spawn(busy(turn, Arc::clone(&on))))
        .collect();
    let began = Instant::now();
    while let_in(&tap, 100) == 100 {
        assert!(began.elapsed() < A_WHILE, "not noticed");
        behind_all_others().await;
    }
    on.store(false, std::sync::atomic::Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let ended = Instant::now();
    while let_in(&tap, 20) < 20 {
        assert!(ended.elapsed() < A_WHILE, "not forgotten");
        tokio::time::sleep(SAMPLE).await;
    }
    watch.abort();
}
