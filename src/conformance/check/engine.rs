//! Plays the rules: many at a time where they have tenants of their own, the others one by one.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::timeout;
use url::Url;

use super::{Run, mask::mask};
use crate::conformance::{
    report::{Judged, Report},
    rule::{Failure, Miss, Only, Outcome, Rule, Turn, Verdict, catalogue},
    rules::RestartPlay,
};

/// Rules that are played at the same time: enough to be done soon, and far from a load. Six of them
/// only wait for the play of the key set.
const AT_ONCE: usize = 14;

/// No rule takes longer: the longest waits for the platform's 25 s and a little more, or for keys.
const LONGEST: Duration = Duration::from_secs(75);

pub(super) async fn play(
    run: Run,
    remote: &Url,
    only: &[Only],
    progress: &(dyn Fn(&Judged) + Send + Sync),
) -> Report {
    let started = Instant::now();
    run.platform.keys().reset();
    let rules: Vec<&'static Rule> = catalogue()
        .filter(|rule| only.is_empty() || only.iter().any(|only| only.takes(rule)))
        .collect();
    // What was acknowledged before a restart may wait for as long as a lease lasts: the other
    // rules are played meanwhile, which is why it comes first.
    if run.restart_command.is_some() && rules.iter().any(|rule| rule.id.starts_with("restart-")) {
        run.restart_play.get_or_init(|| RestartPlay::of(&run)).await;
    }
    let mut judged = Vec::with_capacity(rules.len());
    // Boxed and collected, so that whoever calls may put all of it into a task of its own.
    let beside = with_turn(&rules, Turn::Beside);
    let beside: Vec<_> = beside
        .into_iter()
        .map(|rule| judge(&run, rule).boxed())
        .collect();
    let mut beside = stream::iter(beside).buffer_unordered(AT_ONCE);
    while let Some(one) = beside.next().await {
        progress(&one);
        judged.push(one);
    }
    drop(beside);
    for rule in with_turn(&rules, Turn::Alone) {
        let one = judge(&run, rule).await;
        progress(&one);
        judged.push(one);
    }
    run.platform.keys().reset();
    let place = |one: &Judged| rules.iter().position(|rule| rule.id == one.rule.id);
    judged.sort_by_key(place);
    Report {
        remote: remote.to_string(),
        judged,
        took: started.elapsed(),
    }
}

fn with_turn(rules: &[&'static Rule], turn: Turn) -> Vec<&'static Rule> {
    rules
        .iter()
        .copied()
        .filter(|rule| rule.turn == turn)
        .collect()
}

async fn judge(run: &Run, rule: &'static Rule) -> Judged {
    let started = Instant::now();
    let playing = AssertUnwindSafe((rule.play)(run)).catch_unwind();
    let outcome: Outcome = match timeout(LONGEST, playing).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Miss::not_exercised(
            "the checker itself failed in this rule: please report it",
        )),
        Err(_) => Err(Miss::failed(
            "the rule was played",
            format!("no end within {LONGEST:?}"),
        )),
    };
    Judged {
        rule,
        verdict: verdict(outcome),
        took: started.elapsed(),
    }
}

fn verdict(outcome: Outcome) -> Verdict {
    match outcome {
        Ok(()) => Verdict::Passed,
        Err(Miss::NotExercised(why)) => Verdict::NotExercised { why: mask(&why) },
        Err(Miss::Failed(failure)) => Verdict::Failed(Failure {
            sent: mask(&failure.sent),
            came_back: mask(&failure.came_back),
            mend: failure.mend,
        }),
    }
}
