//! Where a moment stands in the picture: idle time between two attempts is drawn short, so
//! that what takes milliseconds can be seen beside minutes of waiting.

use std::time::Duration;

/// The width of the picture.
pub(super) const WIDTH: f64 = 100.0;
/// An idle stretch is drawn no longer than this part of all the work.
const IDLE: f64 = 0.25;

/// Busy stretches in their order, none touching another.
#[derive(Debug)]
pub(super) struct Axis {
    busy: Vec<(f64, f64)>,
    /// As much of an idle stretch as is drawn.
    idle: f64,
    /// Of everything that is drawn.
    length: f64,
}

impl Axis {
    /// For work that began and ended then.
    pub(super) fn of(work: impl IntoIterator<Item = (Duration, Duration)>) -> Self {
        let seconds = |(from, to): (Duration, Duration)| (from.as_secs_f64(), to.as_secs_f64());
        let mut all: Vec<_> = work.into_iter().map(seconds).collect();
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut busy: Vec<(f64, f64)> = vec![(0.0, 0.0)];
        for (from, to) in all {
            match busy.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => busy.push((from, to)),
            }
        }
        let working: f64 = busy.iter().map(|(from, to)| to - from).sum();
        let mut axis = Self {
            idle: (working * IDLE).max(0.000_5),
            busy,
            length: f64::MAX,
        };
        let end = axis.busy.last().map_or(0.0, |last| last.1);
        axis.length = axis.drawn(end).max(0.000_1);
        axis
    }

    /// From 0 to [`WIDTH`].
    pub(super) fn at(&self, moment: Duration) -> f64 {
        (WIDTH * self.drawn(moment.as_secs_f64()) / self.length).clamp(0.0, WIDTH)
    }

    /// How long the time up to `moment` is drawn.
    fn drawn(&self, moment: f64) -> f64 {
        let (mut drawn, mut end) = (0.0, 0.0);
        for (from, to) in &self.busy {
            if moment <= end {
                break;
            }
            drawn += (moment.min(*from) - end).min(self.idle);
            drawn += (moment.min(*to) - from).max(0.0);
            end = *to;
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(from: u64, to: u64) -> (Duration, Duration) {
        (Duration::from_millis(from), Duration::from_millis(to))
    }

    #[test]
    fn work_without_a_pause_is_drawn_to_scale() {
        let axis = Axis::of([ms(0, 100), ms(25, 75)]);
        for (moment, at) in [(0, 0.0), (25, 25.0), (100, 100.0), (500, 100.0)] {
            let drawn = axis.at(Duration::from_millis(moment));
            assert!((drawn - at).abs() < 1e-9, "{moment}: {drawn}");
        }
    }

    #[test]
    fn a_minute_of_waiting_leaves_room_for_the_work() {
        let axis = Axis::of([ms(0, 10), ms(60_000, 60_010)]);
        let at = |moment| axis.at(Duration::from_millis(moment));
        // 10 ms of work, an idle 5 ms, and 10 ms of work again.
        assert!((at(10) - 40.0).abs() < 1e-6 && (at(60_000) - 60.0).abs() < 1e-6);
        assert!(at(30_000) <= at(60_000) && at(60_005) > at(60_000));
    }

    #[test]
    fn no_work_at_all_is_drawn_too() {
        let axis = Axis::of([]);
        assert!(axis.at(Duration::ZERO) <= WIDTH && axis.at(Duration::MAX) <= WIDTH);
    }
}
