//! The key set: rotated, asked for in vain, and gone.

use futures_util::{StreamExt, stream};
use serde_json::json;

use super::{GROUP, KeyPlay, Scene, refused};
use crate::conformance::{
    check::Run,
    rule::{Miss, Outcome, Rule, alone},
};

const KEYS: &str = "Forge Invocation Token: keys";

/// FITs of a storm, and how many go out at a time.
const STORM: usize = 100;
const AT_ONCE: usize = 10;
/// Fetches that a storm may cause: far fewer than it has FITs.
const MOST_FETCHES: usize = 5;

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "key-new-accepted",
        "A key that is new in the set is used, within three quarters of a minute at most.",
        KEYS,
        "On an unknown `kid` fetch the set again, not more often than every 30 seconds.",
        |run| Box::pin(async { KeyPlay::of(run).await?.new_key.outcome() }),
    ),
    GROUP.must(
        "key-of-set-accepted",
        "FITs by any RSA key of the set are accepted, among keys of other kinds.",
        KEYS,
        "Look the key up by `kid`, and skip keys of other types without failing on them.",
        |run| Box::pin(async { KeyPlay::of(run).await?.second_key.outcome() }),
    ),
    GROUP.should(
        "key-withdrawn-refused",
        "A key that is no longer in the set is refused once the set was fetched again.",
        KEYS,
        "Replace the whole set when it is fetched; do not only add to it.",
        |run| Box::pin(async { KeyPlay::of(run).await?.withdrawn.outcome() }),
    ),
    GROUP.should(
        "key-slow-holds-up-nobody",
        "While a fetch of the key set hangs, FITs by known keys are accepted without a wait.",
        KEYS,
        "Fetch the set beside the requests: whoever has a known key must not wait for it.",
        |run| Box::pin(async { KeyPlay::of(run).await?.slow.outcome() }),
    ),
    GROUP.must(
        "key-outage-survived",
        "When the key set cannot be fetched, FITs by known keys are accepted all the same.",
        KEYS,
        "Keep the last good set when a fetch fails.",
        |run| Box::pin(async { KeyPlay::of(run).await?.outage.outcome() }),
    ),
    GROUP.must(
        "key-outage-refuses-unknown",
        "When the key set cannot be fetched, a FIT by an unknown key is refused, with 401 or 503.",
        KEYS,
        "Answer 503 with a JSON body if you cannot tell, or 401; never let it pass, and never hang.",
        |run| Box::pin(async { KeyPlay::of(run).await?.outage_unknown.outcome() }),
    ),
    alone(GROUP.must(
        "key-storm-bounded",
        "A hundred FITs with unknown key ids lead to a handful of fetches of the set, and good FITs are accepted meanwhile.",
        KEYS,
        "Let 30 seconds pass between two fetches for unknown ids, and let all who wait share one.",
        |run| Box::pin(storm(run)),
    )),
];

async fn storm(run: &Run) -> Outcome {
    if !run.platform.keys().is_ours() {
        return Err(KeyPlay::not_ours());
    }
    let scene = &Scene::at(run).await?;
    let foreign = run.platform.keys().foreign();
    let before = run.platform.journal().key_fetches();
    let knocks = stream::iter(0..STORM).map(|number| {
        let kid = format!(
            "forge/invocation-token/storm-{number}-{}",
            uuid::Uuid::new_v4()
        );
        let token = scene
            .fit()
            .signed_by(&foreign)
            .header("kid", json!(kid))
            .token();
        async move { scene.send("an unknown key id", &token).await }
    });
    let mut knocks = knocks.buffer_unordered(AT_ONCE);
    let mut count = 0;
    while let Some(answered) = knocks.next().await {
        let (call, answer) = answered?;
        if answer.status != 503 {
            refused(&call, &answer)?;
        }
        // In the middle of it: somebody who has a good FIT.
        count += 1;
        if count == STORM / 2 {
            scene
                .accepts("a good FIT amid unknown key ids", &scene.fit().token())
                .await?;
        }
    }
    let fetches = run.platform.journal().key_fetches() - before;
    if fetches <= MOST_FETCHES {
        return Ok(());
    }
    let came = format!("the key set was fetched {fetches} times");
    Err(Miss::failed(
        format!("{STORM} FITs with unknown key ids"),
        came,
    ))
}
