//! The key set: rotated, asked for in vain, and gone.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::{Scene, accepted, alone, must, refused, should};
use crate::conformance::{
    check::Run,
    platform::KeysServed,
    rule::{Miss, Outcome, Rule},
    wire::describe,
};

const KEYS: &str = "Forge Invocation Token: keys";

/// FITs of a storm, and how many go out at a time.
const STORM: usize = 100;
const AT_ONCE: usize = 10;
/// Fetches that a storm may cause: far fewer than it has FITs.
const MOST_FETCHES: usize = 5;
/// A remote that has the key needs no longer, whatever the key set does.
const PROMPT: Duration = Duration::from_secs(3);

pub(super) static RULES: &[Rule] = &[
    must(
        "key-of-set-accepted",
        "FITs by any RSA key of the set are accepted, among keys of other kinds.",
        KEYS,
        "Look the key up by `kid`, and skip keys of other types without failing on them.",
        |run| Box::pin(any_key(run)),
    ),
    must(
        "key-new-accepted",
        "A key that is new in the set is used, within a minute at most.",
        KEYS,
        "On an unknown `kid` fetch the set again, not more often than every 30 seconds.",
        |run| Box::pin(new_key(run)),
    ),
    should(
        "key-withdrawn-refused",
        "A key that is no longer in the set is refused once the set was fetched again.",
        KEYS,
        "Replace the whole set when it is fetched; do not only add to it.",
        |run| Box::pin(withdrawn(run)),
    ),
    alone(must(
        "key-storm-bounded",
        "A hundred FITs with unknown key ids lead to a handful of fetches of the set, and good FITs are accepted meanwhile.",
        KEYS,
        "Let 30 seconds pass between two fetches for unknown ids, and let all who wait share one.",
        |run| Box::pin(storm(run)),
    )),
    alone(must(
        "key-outage-survived",
        "While the key set cannot be fetched, FITs by known keys are accepted.",
        KEYS,
        "Keep the last good set when a fetch fails.",
        |run| Box::pin(outage(run)),
    )),
    alone(must(
        "key-outage-refuses-unknown",
        "While the key set cannot be fetched, a FIT by an unknown key is refused at once, with 401 or 503.",
        KEYS,
        "Answer 503 with a JSON body if you cannot tell, or 401; never let it pass, and never hang.",
        |run| Box::pin(outage_unknown(run)),
    )),
    alone(should(
        "key-slow-holds-up-nobody",
        "While the key set is slow, FITs by known keys are accepted without a wait.",
        KEYS,
        "Fetch the set beside the requests: whoever has a known key must not wait for it.",
        |run| Box::pin(slow(run)),
    )),
];

fn ours(run: &Run) -> Outcome {
    if run.platform.keys().is_ours() {
        return Ok(());
    }
    Err(Miss::not_exercised(
        "with --jwks-key the remote has a key set that is not ours to change",
    ))
}

async fn any_key(run: &Run) -> Outcome {
    ours(run)?;
    let scene = Scene::at(run).await?;
    // After the rotation it is the new one that stands beside the first.
    if run.platform.keys().is_rotated() {
        return new_key(run).await;
    }
    let fit = scene.fit().signed_by(&run.platform.keys().retiring());
    let (call, answer) = scene
        .send("a FIT by the second key of the set", &fit.token())
        .await?;
    if run.platform.keys().is_rotated() {
        return Ok(());
    }
    accepted(&call, &answer)
}

/// Rotates if nobody has, and waits until the new key is accepted.
async fn rotate(run: &Run) -> Outcome {
    ours(run)?;
    let scene = Scene::at(run).await?;
    // The remote has the old set in hand before there is a new one.
    scene.accepts("a good FIT", &scene.fit().token()).await?;
    run.platform.keys().rotate();
    let next = run.platform.keys().next();
    let deadline = Instant::now() + run.limits.new_key;
    loop {
        let call = scene.call().fit(&scene.fit().signed_by(&next).token());
        let answered = run.ask(&call).await;
        if matches!(&answered, Ok(answer) if answer.status != 401 && answer.status < 500) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let what = format!(
                "a FIT by a key that came into the set {} s ago",
                run.limits.new_key.as_secs()
            );
            return Err(Miss::failed(
                call.with(what).describe(),
                describe(&answered),
            ));
        }
        sleep(run.limits.new_key / 40).await;
    }
}

async fn new_key(run: &Run) -> Outcome {
    rotate(run).await
}

async fn withdrawn(run: &Run) -> Outcome {
    let retiring = run.platform.keys().retiring();
    rotate(run).await?;
    let scene = Scene::at(run).await?;
    let fit = scene.fit().signed_by(&retiring);
    scene
        .refuses("a FIT by a key that is no longer in the set", &fit.token())
        .await
}

async fn storm(run: &Run) -> Outcome {
    ours(run)?;
    let scene = Scene::at(run).await?;
    let foreign = run.platform.keys().foreign();
    let before = run.platform.journal().key_fetches();
    let scene = &scene;
    let knocks = stream::iter(0..STORM).map(|number| {
        let fit = scene.fit().signed_by(&foreign);
        let kid = format!(
            "forge/invocation-token/storm-{number}-{}",
            uuid::Uuid::new_v4()
        );
        let token = fit.header("kid", serde_json::json!(kid)).token();
        async move { scene.send("an unknown key id", &token).await }
    });
    let mut knocks = knocks.buffer_unordered(AT_ONCE);
    let mut count = 0;
    while let Some(answered) = knocks.next().await {
        let (call, answer) = answered?;
        // In the middle of it: somebody who has a good FIT.
        count += 1;
        if count == STORM / 2 {
            scene
                .accepts("a good FIT amid unknown key ids", &scene.fit().token())
                .await?;
        }
        if answer.status != 503 {
            refused(&call, &answer)?;
        }
    }
    let fetches = run.platform.journal().key_fetches() - before;
    if fetches <= MOST_FETCHES {
        return Ok(());
    }
    Err(Miss::failed(
        format!("{STORM} FITs with unknown key ids"),
        format!("the key set was fetched {fetches} times"),
    ))
}

async fn outage(run: &Run) -> Outcome {
    ours(run)?;
    let scene = Scene::at(run).await?;
    run.platform.keys().serve(KeysServed::Down);
    let outcome = known_during_outage(run, &scene).await;
    run.platform.keys().serve(KeysServed::Well);
    outcome
}

async fn known_during_outage(run: &Run, scene: &Scene<'_>) -> Outcome {
    let unknown = scene
        .fit()
        .signed_by(&run.platform.keys().foreign())
        .token();
    for _ in 0..3 {
        // It may make the remote fetch, in vain.
        let call = scene.call().fit(&unknown);
        drop(run.ask(&call).await);
        scene
            .accepts(
                "a good FIT while the key set answers 503",
                &scene.fit().token(),
            )
            .await?;
        sleep(run.limits.new_key / 30).await;
    }
    Ok(())
}

async fn outage_unknown(run: &Run) -> Outcome {
    ours(run)?;
    let scene = Scene::at(run).await?;
    run.platform.keys().serve(KeysServed::Down);
    let token = scene
        .fit()
        .signed_by(&run.platform.keys().foreign())
        .token();
    let sent = scene
        .send(
            "a FIT by an unknown key while the key set answers 503",
            &token,
        )
        .await;
    run.platform.keys().serve(KeysServed::Well);
    let (call, answer) = sent?;
    if answer.status == 503 && answer.json().is_some() {
        return Ok(());
    }
    refused(&call, &answer)
}

async fn slow(run: &Run) -> Outcome {
    ours(run)?;
    let scene = Scene::at(run).await?;
    run.platform.keys().serve(KeysServed::Slow(PROMPT * 3));
    let token = scene
        .fit()
        .signed_by(&run.platform.keys().foreign())
        .token();
    let waiting = scene.call().fit(&token);
    let patience = PROMPT * 4;
    let known = async {
        // The other one is on its way by then.
        sleep(Duration::from_millis(200)).await;
        let call = scene
            .call()
            .fit(&scene.fit().token())
            .with("a good FIT while the key set is slow");
        (run.ask_within(&call, PROMPT).await, call)
    };
    let (_, (answered, call)) = tokio::join!(
        async {
            tokio::select! {
                _ = run.ask_within(&waiting, patience) => {}
                () = sleep(PROMPT) => {}
            }
        },
        known
    );
    run.platform.keys().serve(KeysServed::Well);
    match answered {
        Ok(answer) => accepted(&call, &answer),
        Err(none) => Err(Miss::failed(call.describe(), none.to_string())),
    }
}
