//! Keeps all that is sealed under `store.encryption_key`, and tells what is not.

use std::{convert::Infallible, sync::Arc, time::Duration};

use metrics::{Counter, counter, gauge};
use tokio::time::{Instant, sleep};

use super::keys::{Cursor, KeyRing, Sealed, SealedKind, Survey, Walk};

/// What comes first after a start is not ours.
const FIRST: Duration = Duration::from_secs(1);
/// Between two batches: others use the store too.
const PAUSE: Duration = Duration::from_millis(20);
/// After a batch that met another replica at the same work: one of the two gets ahead.
const LET_PASS: Duration = Duration::from_millis(500);
/// While the store does not answer.
const OUTAGE: Duration = Duration::from_secs(10);
/// Between two walks. While there are additional keys, replicas may still seal with one.
const OFTEN: Duration = Duration::from_mins(1);
const SELDOM: Duration = Duration::from_hours(1);
/// A walk takes at most this part of the time, however much there is.
const PART: u32 = 20;

/// Walks as long as it is polled: `forge_sealed_values` by kind and key, and
/// `forge_resealed_total`. It may be dropped at any point.
pub(crate) async fn keep_under_one_key(sealed: Arc<dyn Sealed>) -> Infallible {
    let ring = sealed.key_ring();
    if !ring.is_lasting {
        // What an earlier process left behind cannot be read, which is no news.
        return std::future::pending().await;
    }
    sleep(FIRST).await;
    for kind in SealedKind::ALL {
        counted(kind).increment(0);
    }
    let mut told = None;
    loop {
        let began = Instant::now();
        let survey = walk(&*sealed).await;
        show(&survey, &ring);
        told = Some(tell(&survey, &ring, told));
        let rest = if ring.additional.is_empty() {
            SELDOM
        } else {
            OFTEN
        };
        sleep(rest.max(began.elapsed() * PART)).await;
    }
}

async fn walk(sealed: &dyn Sealed) -> Survey {
    let mut survey = Survey::default();
    let mut cursor = Cursor::START;
    let mut is_out = false;
    loop {
        match sealed.step(&cursor, Walk::Reseal).await {
            Ok(step) => {
                is_out = false;
                count(&step.survey);
                survey.add(&step.survey);
                let Some(next) = step.next else {
                    return survey;
                };
                cursor = next;
                let met_another = step.survey.missed > 0;
                sleep(if met_another { LET_PASS } else { PAUSE }).await;
            }
            Err(error) => {
                if !is_out {
                    tracing::warn!(
                        cause = &error as &dyn std::error::Error,
                        "the walk over what is sealed has to wait for the store"
                    );
                }
                is_out = true;
                sleep(OUTAGE).await;
            }
        }
    }
}

fn count(survey: &Survey) {
    for (kind, resealed) in &survey.resealed {
        counted(*kind).increment(*resealed);
    }
}

fn counted(kind: SealedKind) -> Counter {
    counter!("forge_resealed_total", "kind" => kind.as_str())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge of values need not be exact beyond 2^52 of them"
)]
fn show(survey: &Survey, ring: &KeyRing) {
    for kind in SealedKind::ALL {
        let (mut additional, mut unknown) = (0, 0);
        for ((_, key), count) in survey.by_key.iter().filter(|((of, _), _)| *of == kind) {
            if !ring.knows(*key) {
                unknown += count;
            } else if *key != ring.primary {
                additional += count;
            }
        }
        let damaged = survey.damaged.get(&kind).copied().unwrap_or(0);
        for (key, count) in [
            ("primary", survey.of_key(kind, ring.primary)),
            ("additional", additional),
            ("unknown", unknown),
            ("damaged", damaged),
        ] {
            gauge!("forge_sealed_values", "kind" => kind.as_str(), "key" => key).set(count as f64);
        }
    }
}

/// What was said of a walk: said again only when it is something else.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    left: u64,
    unknown: u64,
    damaged: u64,
}

fn tell(survey: &Survey, ring: &KeyRing, before: Option<Told>) -> Told {
    let told = Told {
        left: survey.left(ring),
        unknown: survey.of_unknown_keys(ring),
        damaged: survey.damaged.values().sum(),
    };
    let resealed: u64 = survey.resealed.values().sum();
    if before == Some(told) && resealed == 0 {
        return told;
    }
    let Told {
        left,
        unknown,
        damaged,
    } = told;
    let values = survey.total();
    if unknown > 0 {
        let keys = survey.by_key.keys().map(|(_, key)| *key);
        let mut strange: Vec<_> = keys
            .filter(|key| !ring.knows(*key))
            .map(|key| key.to_string())
            .collect();
        strange.sort_unstable();
        strange.dedup();
        tracing::error!(
            values,
            "values.unreadable" = unknown,
            "keys.unknown" = strange.join(", "),
            "stored tokens cannot be read: they were sealed with keys that the settings do not \
             name. Add those to store.additional_encryption_keys, or wait for the next invocation \
             of each installation, which brings another"
        );
    }
    if damaged > 0 {
        tracing::error!(
            values,
            "values.damaged" = damaged,
            "stored tokens are damaged and taken for none: the next invocation of each \
             installation brings another"
        );
    }
    if resealed > 0 || left > 0 {
        tracing::info!(
            values,
            "values.resealed" = resealed,
            "values.left" = left,
            "key.primary" = %ring.primary,
            "stored tokens were sealed anew with store.encryption_key"
        );
    } else if unknown == 0 && damaged == 0 {
        tracing::info!(
            values,
            "key.primary" = %ring.primary,
            "all stored tokens are sealed with store.encryption_key"
        );
    }
    told
}
