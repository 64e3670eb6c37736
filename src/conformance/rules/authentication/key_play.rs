//! One play with the key set, of which several rules judge a part: a fetch that hangs and fails,
//! and then a rotation.
//!
//! A remote is advised to let 30 s pass between two fetches, so there is time for one of them to
//! be spoilt and for one to be good, and no more.

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Scene, accepted, refused};
use crate::conformance::{
    check::Run,
    platform::KeysServed,
    rule::{Failure, Miss, Outcome},
    wire::{Answered, describe},
};

/// What came of each part.
#[derive(Debug)]
pub(in crate::conformance) struct KeyPlay {
    pub(super) second_key: Part,
    pub(super) slow: Part,
    pub(super) outage: Part,
    pub(super) outage_unknown: Part,
    pub(super) new_key: Part,
    pub(super) withdrawn: Part,
}

/// What came of one part; kept, because each rule is told of it by itself.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Held,
    Broken(Failure),
    /// It did not come to that.
    Untried(String),
}

impl From<Outcome> for Part {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(()) => Self::Held,
            Err(Miss::Failed(failure)) => Self::Broken(failure),
            Err(Miss::NotExercised(why)) => Self::Untried(why),
        }
    }
}

impl Part {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Held => Ok(()),
            Self::Broken(failure) => Err(Miss::Failed(failure.clone())),
            Self::Untried(why) => Err(Miss::not_exercised(why.clone())),
        }
    }
}

impl KeyPlay {
    /// Plays it, or tells what came of it.
    pub(super) async fn of(run: &Run) -> Result<&Self, Miss> {
        if !run.platform.keys().is_ours() {
            return Err(Self::not_ours());
        }
        let scene = Scene::at(run).await?;
        Ok(run.key_play.get_or_init(|| play(&scene)).await)
    }

    pub(super) fn not_ours() -> Miss {
        Miss::not_exercised("with --jwks-key the remote has a key set that is not ours to change")
    }
}

async fn play(scene: &Scene<'_>) -> KeyPlay {
    let run = scene.run;
    let _out_of_order = run.keys_in_order.write().await;
    let keys = run.platform.keys();
    let retiring = keys.retiring();
    let second = scene.fit().signed_by(&retiring).token();
    let second_key = scene
        .accepts("a FIT by the second key of the set", &second)
        .await;
    keys.serve(KeysServed::HangsAndFails(run.limits.key_hang));
    // Whoever hung up might end the fetch too: the knocks are on the line until it is over.
    let mut knocks = JoinSet::new();
    let asked = until_fetched(scene, &mut knocks).await;
    let (mut slow, mut outage, mut outage_unknown): (Part, Part, Part) = {
        let untried = Part::Untried(
            "the remote did not fetch the key set while it was out of order".to_owned(),
        );
        (untried.clone(), untried.clone(), untried)
    };
    if asked.is_ok() {
        slow = at_once(scene).await.into();
        sleep(run.limits.key_hang).await;
        outage = scene
            .accepts(
                "a good FIT after the key set could not be fetched",
                &scene.fit().token(),
            )
            .await
            .into();
        outage_unknown = unknown(scene).await.into();
    }
    keys.rotate();
    keys.serve(KeysServed::Well);
    let new_key = match asked {
        Ok(()) => until_taken(scene).await,
        Err(miss) => Err(miss),
    };
    let withdrawn = if new_key.is_ok() {
        let token = scene.fit().signed_by(&retiring).token();
        scene
            .refuses("a FIT by a key that is no longer in the set", &token)
            .await
            .into()
    } else {
        Part::Untried("the remote did not fetch the set after the rotation".to_owned())
    };
    KeyPlay {
        second_key: second_key.into(),
        slow,
        outage,
        outage_unknown,
        new_key: new_key.into(),
        withdrawn,
    }
}

/// Knocks with unknown keys until the remote asks for the set.
async fn until_fetched(scene: &Scene<'_>, knocks: &mut JoinSet<Answered>) -> Outcome {
    let run = scene.run;
    let before = run.platform.journal().key_fetches();
    let deadline = Instant::now() + run.limits.new_key;
    let pause = run.limits.new_key / 60;
    let patience = run.limits.key_hang * 2;
    loop {
        let foreign = run.platform.keys().foreign();
        let call = scene.call().fit(&scene.fit().signed_by(&foreign).token());
        let wire = run.wire.clone();
        knocks.spawn(async move { wire.ask(&call, patience).await });
        sleep(pause).await;
        if run.platform.journal().key_fetches() > before {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let seconds = run.limits.new_key.as_secs();
            let sent = format!("FITs by a key that the remote does not know, for {seconds} s");
            return Err(Miss::failed(sent, "the key set was not fetched again"));
        }
    }
}

/// A good FIT while the fetch hangs.
async fn at_once(scene: &Scene<'_>) -> Outcome {
    let call = scene.call().fit(&scene.fit().token());
    let call = call.with("a good FIT while a fetch of the key set hangs");
    match scene
        .run
        .ask_within(&call, scene.run.limits.key_hang / 2)
        .await
    {
        Ok(answer) => accepted(&call, &answer),
        Err(none) => Err(Miss::failed(call.describe(), none.to_string())),
    }
}

/// A FIT by a key that nobody can look up now.
async fn unknown(scene: &Scene<'_>) -> Outcome {
    let run = scene.run;
    let token = scene
        .fit()
        .signed_by(&run.platform.keys().foreign())
        .token();
    let call = scene.call().fit(&token);
    let call = call.with("a FIT by an unknown key while the key set cannot be fetched");
    // It may wait for a fetch of its own.
    let patience = run.limits.key_hang * 2;
    match run.ask_within(&call, patience).await {
        Ok(answer) if answer.status == 503 && answer.json().is_some() => Ok(()),
        Ok(answer) => refused(&call, &answer),
        Err(none) => Err(Miss::failed(call.describe(), none.to_string())),
    }
}

/// Knocks with the new key until it is taken.
async fn until_taken(scene: &Scene<'_>) -> Outcome {
    let run = scene.run;
    let next = run.platform.keys().next();
    let deadline = Instant::now() + run.limits.new_key;
    loop {
        let call = scene.call().fit(&scene.fit().signed_by(&next).token());
        let answered = run.ask(&call).await;
        if matches!(&answered, Ok(answer) if answer.status != 401 && answer.status < 500) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let seconds = run.limits.new_key.as_secs();
            let call = call.with(format!(
                "a FIT by a key that came into the set {seconds} s ago"
            ));
            return Err(Miss::failed(call.describe(), describe(&answered)));
        }
        sleep(run.limits.new_key / 40).await;
    }
}
