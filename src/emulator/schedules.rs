//! Scheduled triggers: when they are due, and what is sent then.
//!
//! A schedule runs five minutes after the install for the first time, and from then on at a
//! moment of its interval that is the installation's own (Forge scheduled trigger).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::{
    deliveries::{self, Content, Parcel},
    events::FireError,
    installation::Installation,
    journal::Occasion,
    stage::Stage,
};
use crate::ids::InstallationId;
use crate::manifest::{Interval, Schedule};

const FIRST_RUN: Duration = Duration::from_mins(5);

/// Fires a schedule now; the number of the delivery.
pub(super) fn fire(stage: &Arc<Stage>, key: &str) -> Result<u64, FireError> {
    let installation = stage.installed.current().ok_or(FireError::NotInstalled)?;
    let schedule = stage.manifest.triggers.schedule(key);
    let schedule = schedule.ok_or_else(|| FireError::UnknownSchedule(key.to_owned()))?;
    run(stage, &installation, schedule)
}

/// Runs the schedules of whatever is installed, until the emulator stops.
pub(super) async fn run_all(stage: Arc<Stage>) {
    let mut changes = stage.installed.changes();
    loop {
        let installation = changes.current();
        let Some(installation) = installation else {
            changes.next().await;
            continue;
        };
        let id = installation.id;
        let schedules = stage.manifest.triggers.schedules.iter();
        let running = join_all(schedules.map(|schedule| keep(&stage, schedule, id)));
        tokio::select! {
            _ = running => {}
            () = changes.until_other_than(id) => {}
        }
        if stage.manifest.triggers.schedules.is_empty() {
            return;
        }
    }
}

/// Runs one schedule at its times; ends when the installation does.
async fn keep(stage: &Arc<Stage>, schedule: &Schedule, installation: InstallationId) {
    let start = Instant::now();
    let offset = offset(installation, &schedule.key, schedule.interval);
    let mut due = FIRST_RUN;
    let mut runs = 0_u32;
    loop {
        let Some(at) = start.checked_add(stage.timing.scaled(due)) else {
            return;
        };
        sleep_until(at).await;
        let Some(current) = stage.installed.current().filter(|it| it.id == installation) else {
            return;
        };
        runs = runs.wrapping_add(1);
        let twice = stage.timing.duplicate_every;
        let twice = twice.is_some_and(|every| runs.is_multiple_of(every.get()));
        for _ in 0..=u8::from(twice) {
            if let Err(error) = run(stage, &current, schedule) {
                tracing::warn!(schedule.key = %schedule.key, cause = %error, "a schedule was due and did not run");
            }
        }
        due = next(due, offset, schedule.interval);
    }
}

fn run(
    stage: &Arc<Stage>,
    installation: &Installation,
    schedule: &Schedule,
) -> Result<u64, FireError> {
    // The least that a remote must cope with: no source tells what an endpoint gets.
    let content = Content::Json(json!({}));
    let (endpoint, key) = (&schedule.endpoint, &schedule.key);
    let parcel = Parcel::to(endpoint, key, Occasion::Schedule, content);
    Ok(deliveries::deliver(stage, installation, parcel)?)
}

/// The installation's moment in each interval: always the same, and another for every installation.
fn offset(installation: InstallationId, key: &str, interval: Interval) -> Duration {
    let text = format!("{installation} {key}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let number = digest.as_ref().iter().take(7);
    let number = number.fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Duration::from_secs(number % interval.length().as_secs())
}

/// The first moment after `last` that lies `offset` behind the beginning of an interval.
fn next(last: Duration, offset: Duration, interval: Interval) -> Duration {
    let (last, offset, length) = (
        last.as_secs(),
        offset.as_secs(),
        interval.length().as_secs(),
    );
    let begun = last.saturating_sub(offset) / length;
    let candidate = begun * length + offset;
    let next = if candidate > last {
        candidate
    } else {
        candidate + length
    };
    Duration::from_secs(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_first_run_the_moment_in_the_interval_is_constant() {
        let minutes = Duration::from_mins;
        for (offset, second) in [(0, 60), (3, 63), (5, 65), (6, 6), (59, 59)] {
            let mut due = next(FIRST_RUN, minutes(offset), Interval::Hour);
            assert_eq!(due, minutes(second), "{offset}");
            for _ in 0..3 {
                let last = due;
                due = next(due, minutes(offset), Interval::Hour);
                assert_eq!(due, last + minutes(60));
            }
        }
    }

    #[test]
    fn installations_are_spread_over_the_interval() {
        let id = |number| InstallationId::from(uuid::Uuid::from_u128(number));
        let of = |number| offset(id(number), "digest-hourly", Interval::Hour);
        assert_eq!(of(1), of(1));
        let late = (0..200).filter(|number| of(*number) > Duration::from_mins(30));
        assert!((60..140).contains(&late.count()));
        assert!((0..200).all(|number| of(number) < Duration::from_hours(1)));
    }
}
