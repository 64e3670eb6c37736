//! What is counted, and what is deleted.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::{Instant, sleep};

use super::*;
use crate::store::jobs::Counts;

#[tokio::test]
async fn jobs_and_runs_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let remote = Remote::paused().await;
    let _here = metrics::set_default_local_recorder(&recorder);
    remote.jobs.books().counts = Counts {
        ready: 5,
        delayed: 4,
        parked: 3,
        running: 2,
        dead: 1,
        oldest: Some(Duration::from_secs(90)),
    };
    (1..=3).for_each(|number| remote.jobs.put(number));
    let working = remote.start(pages(|event| async move {
        match event.idempotency_key() {
            it if it == job(1) => Err(JobError::drop("nothing to do")),
            it if it == job(2) && event.attempt() == 1 => Err(JobError::retry("later")),
            _ => Ok(()),
        }
    }));
    remote.jobs.until(fake::Books::all_done).await;
    working.stop().await;
    let without = remote.start(Events::new());
    remote.jobs.put(4);
    let dead = |books: &fake::Books| matches!(books.state(4), fake::State::Dead(_));
    remote.jobs.until(dead).await;
    without.stop().await;
    let text = metrics.render();
    for line in [
        "forge_inbox_jobs{state=\"ready\"} 5",
        "forge_inbox_jobs{state=\"delayed\"} 4",
        "forge_inbox_jobs{state=\"parked\"} 3",
        "forge_inbox_jobs{state=\"running\"} 2",
        "forge_inbox_jobs{state=\"dead\"} 1",
        "forge_inbox_oldest_seconds 90",
        "forge_inbox_runs_total{outcome=\"done\"} 2",
        "forge_inbox_runs_total{outcome=\"dropped\"} 1",
        "forge_inbox_runs_total{outcome=\"retried\"} 1",
        "forge_inbox_runs_total{outcome=\"dead\"} 1",
        "forge_inbox_dead_letters_total 1",
        "forge_inbox_run_seconds_count 5",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn what_is_old_is_deleted_and_at_once_if_there_is_a_lot() {
    let remote = Remote::paused().await;
    remote.jobs.books().prunable = vec![7, 20, 1000, 1000];
    let begin = Instant::now();
    let working = remote.start(pages(never));
    remote.jobs.until(|books| books.prunable.len() == 1).await;
    assert!(about(begin.elapsed(), Duration::from_secs(2)));
    sleep(Duration::from_secs(14)).await;
    assert_eq!(remote.jobs.books().prunable.len(), 1);
    remote.jobs.until(|books| books.prunable.is_empty()).await;
    working.stop().await;
}
