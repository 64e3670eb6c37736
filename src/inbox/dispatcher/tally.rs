//! What is counted of runs, each metric looked up once.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

use super::verdict::Verdict;
use crate::{
    clock::Timestamp,
    store::jobs::{Claimed, Run},
};

/// Counts runs, and the dead letters that they leave.
pub(super) struct Tally {
    runs: [Counter; Verdict::OUTCOMES.len()],
    dead_letters: Counter,
    seconds: Histogram,
    wait: Histogram,
    attempts: Histogram,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            runs: Verdict::OUTCOMES
                .map(|outcome| counter!("forge_inbox_runs_total", "outcome" => outcome)),
            dead_letters: counter!("forge_inbox_dead_letters_total"),
            seconds: histogram!("forge_inbox_run_seconds"),
            wait: histogram!("forge_inbox_wait_seconds"),
            attempts: histogram!("forge_inbox_attempts"),
        }
    }

    /// A run begins. Only a job's first run tells how long events wait: later ones wait
    /// because they are told to.
    pub(super) fn begins(&self, claimed: &Claimed, now: Timestamp) {
        if claimed.run.attempt == 1 {
            self.wait.record(now.since(claimed.received_at));
        }
    }

    /// A run has ended.
    pub(super) fn ended(&self, run: Run, verdict: &Verdict, took: Duration) {
        self.seconds.record(took);
        self.runs[verdict.place()].increment(1);
        match verdict {
            Verdict::Done | Verdict::Dropped { .. } => self.attempts.record(run.attempt),
            Verdict::Dead { .. } => {
                self.attempts.record(run.attempt);
                self.dead_letter();
            }
            _ => {}
        }
    }

    /// A job became a dead letter without a verdict: its last run was lost, or nobody can
    /// read it.
    pub(super) fn dead_letter(&self) {
        self.dead_letters.increment(1);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::store::jobs::JobId;

    #[test]
    fn a_dead_letter_is_counted_once_and_a_retry_is_none() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let tally = metrics::with_local_recorder(&recorder, Tally::new);
        let run = Run {
            job: JobId::from_uuid(uuid::Uuid::nil()),
            attempt: 3,
        };
        let cause = || "x".to_owned();
        let after = Duration::ZERO;
        tally.ended(
            run,
            &Verdict::Retry {
                after,
                cause: cause(),
            },
            after,
        );
        tally.ended(run, &Verdict::Dead { cause: cause() }, after);
        let text = recorder.handle().render();
        for line in [
            "forge_inbox_dead_letters_total 1",
            "forge_inbox_runs_total{outcome=\"dead\"} 1",
            "forge_inbox_runs_total{outcome=\"retried\"} 1",
            // Nothing happened, and it can be seen that nothing did.
            "forge_inbox_runs_total{outcome=\"lost\"} 0",
            "forge_inbox_attempts_sum 3",
            "forge_inbox_attempts_count 1",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
