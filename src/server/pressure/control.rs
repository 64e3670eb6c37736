//! From a delay to the part of each lane that is shed: arithmetic, without a clock.

use std::time::Duration;

use super::{
    WINDOW,
    tap::{ALWAYS, Seen},
};

/// A longer delay, all through a window, is too much.
pub(super) const TARGET: Duration = Duration::from_millis(10);
/// A delay of that many seconds halves what is let in.
const HALVING: f64 = 5.0 * TARGET.as_secs_f64();
/// At least so much less is let in after a window that was too late, and
const STEP_DOWN: f64 = 0.1;
/// so much more after one that was not. The step grows with each such window in a row: what
/// was learned in a flood must not outlive it.
const STEP_UP: f64 = 0.05;
/// But only to this part of what was too much the last time. From there on
const NEAR: f64 = 0.9;
/// the step begins anew with this, and grows with the square: careful where the limit is
/// likely to be, and soon beyond it where it was not.
const CAREFUL_STEP_UP: f64 = 0.01;
/// More than this part of what was let in came too late, and was shed after all: then that was
/// too much, though the queue was short for it.
const LATE: f64 = 0.02;
/// After so many windows without a need to shed, the limit is forgotten.
const CALM: u32 = 10;
/// And after so many, a minute, in which the queue emptied each time, though some came late: a
/// handler that now and then keeps the only thread busy makes them late however few are let in.
/// If it is too much after all, that is known again two windows later.
const DOUBTED: u32 = 600;

/// How many requests a second there is time for, while that is known.
#[derive(Debug)]
pub(super) struct Control {
    lanes: usize,
    budget: Option<f64>,
    /// How many were served when it was last too late.
    too_much: f64,
    /// At the end of the window before.
    delay: Duration,
    /// Windows in a row in which the queue emptied.
    emptied: u32,
    /// Those of them in which hardly anything was late.
    in_time: u32,
    /// Those of them in which the budget was near what was too much.
    near: u32,
    /// Those of them in which nothing had to be shed.
    calm: u32,
}

impl Control {
    pub(super) const fn new(lanes: usize) -> Self {
        Self {
            lanes,
            budget: None,
            too_much: 0.0,
            delay: Duration::ZERO,
            emptied: 0,
            in_time: 0,
            near: 0,
            calm: 0,
        }
    }

    /// Whether there is more to do than time.
    pub(super) const fn is_on(&self) -> bool {
        self.budget.is_some()
    }

    /// The part of each lane to shed in the next window, after one of that length, in which
    /// the queue was never shorter than `delay`.
    pub(super) fn next(&mut self, delay: Duration, took: Duration, seen: &[Seen]) -> Vec<f64> {
        let rate = |count: u32| f64::from(count) / took.as_secs_f64().max(f64::EPSILON);
        let came: f64 = seen.iter().map(|lane| rate(lane.came)).sum();
        let let_in: f64 = seen
            .iter()
            .map(|lane| rate(lane.came.saturating_sub(lane.shed)))
            .sum();
        let late: f64 = seen.iter().map(|lane| rate(lane.late)).sum();
        let shed = 1.0 - if came > 0.0 { let_in / came } else { 1.0 };
        self.learn(delay, let_in, late, shed);
        if self.emptied >= DOUBTED {
            self.budget = None;
        }
        let coming = self.coming(came, delay, took);
        let excess = self.budget.map_or(0.0, |budget| (coming - budget).max(0.0));
        self.calm = if excess > 0.0 {
            0
        } else {
            self.calm.saturating_add(1)
        };
        if self.calm >= CALM && self.in_time >= CALM {
            self.budget = None;
        }
        let more = if came > 0.0 { coming / came } else { 1.0 };
        self.distribute(excess, seen.iter().map(|lane| rate(lane.came) * more))
    }

    /// How many a second the next window will see, after one that saw `came`: the queue is part
    /// of them, and what it grew by is what came and was not seen yet.
    fn coming(&mut self, came: f64, delay: Duration, took: Duration) -> f64 {
        let grown = delay.as_secs_f64() - self.delay.as_secs_f64();
        self.delay = delay;
        let unseen = grown / took.as_secs_f64().max(f64::EPSILON);
        let waiting = delay.div_duration_f64(WINDOW);
        (came * (1.0 + unseen + waiting)).max(0.0)
    }

    /// The more is shed already, the longer a delay it takes to shed still more: where that
    /// does not help, something else keeps the processor busy, and late is better than never.
    fn learn(&mut self, delay: Duration, let_in: f64, late: f64, shed: f64) {
        let patience = 1.0 - shed.powi(4);
        if delay.mul_f64(patience.max(0.0)) > TARGET {
            let seconds = delay.as_secs_f64();
            let down = (seconds / (seconds + HALVING)).max(STEP_DOWN);
            // Of few or none nothing can be learned: where something else kept the processor
            // busy while nobody called, a limit of nothing would never grow.
            let fewest = f64::from(ALWAYS) / WINDOW.as_secs_f64();
            self.budget = Some((let_in * (1.0 - down)).max(fewest));
            self.too_much = let_in;
            (self.emptied, self.in_time, self.near) = (0, 0, 0);
            return;
        }
        self.emptied = self.emptied.saturating_add(1);
        if let Some(budget) = &mut self.budget
            && late > let_in * LATE
        {
            // What was late may have been so for a moment only: down to what was served, but
            // not by more than a step.
            *budget = (let_in - late).clamp(*budget * (1.0 - STEP_DOWN), *budget);
            self.too_much = let_in;
            (self.in_time, self.near) = (0, 0);
            return;
        }
        self.in_time = self.in_time.saturating_add(1);
        let limit = self.too_much * NEAR;
        if let Some(budget) = &mut self.budget {
            if *budget < limit {
                *budget *= 1.0 + STEP_UP * f64::from(self.in_time);
                *budget = budget.min(limit);
            } else {
                self.near = self.near.saturating_add(1);
                *budget *= 1.0 + CAREFUL_STEP_UP * f64::from(self.near).powi(2);
            }
        }
    }

    /// Takes the excess from the first lane, and from the next only what is left of it.
    fn distribute(&self, mut excess: f64, came: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut parts = Vec::with_capacity(self.lanes);
        for came in came {
            let shed = excess.min(came);
            excess -= shed;
            parts.push(if came > 0.0 { shed / came } else { 0.0 });
        }
        parts
    }
}
