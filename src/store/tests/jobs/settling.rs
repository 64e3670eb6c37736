use super::*;

pub(in crate::store) async fn what_is_done_keeps_its_key_without_payload_and_token(bench: Bench) {
    let mut new = job(1, 1);
    new.app_token = Some(token("t0ken", 60));
    bench.add(std::slice::from_ref(&new)).await;
    let run = bench.start(1).await;
    bench.pass(Duration::from_secs(3));
    bench.end(run, Ending::Done).await;
    let record = bench.show(1).await.unwrap();
    assert_eq!(record.state, JobState::Done);
    assert_eq!(record.payload, None);
    assert_eq!(record.ended_at, Some(NOW.plus(Duration::from_secs(3))));
    assert_eq!(record.attempts, 1);
    assert_eq!(bench.claimed(9).await, []);
    assert_eq!(bench.add(&[new]).await, [(1, true)]);
}

pub(in crate::store) async fn a_retry_comes_back_in_time_with_its_attempt_counted(bench: Bench) {
    let mut new = job(1, 1);
    new.app_token = Some(token("t0ken", 60));
    bench.add(std::slice::from_ref(&new)).await;
    let run = bench.start(1).await;
    let after = Duration::from_secs(10);
    let error = error("503 from the product");
    bench.end(run, Ending::Retry { after, error }).await;
    let record = bench.show(1).await.unwrap();
    assert_eq!(record.state, JobState::Delayed);
    assert_eq!(record.due_at, Some(NOW.plus(after)));
    assert_eq!(record.error.as_deref(), Some("503 from the product"));
    bench.pass(Duration::from_secs(9));
    assert_eq!(bench.sweep().await.woken, 0);
    assert_eq!(bench.claimed(9).await, []);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.sweep().await.woken, 1);
    let again = bench.claim(9).await;
    assert_eq!(again[0].run, Run { attempt: 2, ..run });
    assert_eq!(again[0].payload, new.payload);
    assert!(again[0].app_token.is_some());
    assert_eq!(bench.show(1).await.unwrap().due_at, None);
}

pub(in crate::store) async fn what_is_postponed_has_its_attempt_back(bench: Bench) {
    bench.add(&[job(1, 1)]).await;
    let run = bench.start(1).await;
    let after = Duration::from_secs(10);
    let how = Ending::Postponed { after, error: None };
    bench.end(run, how).await;
    let record = bench.show(1).await.unwrap();
    assert_eq!((record.attempts, record.error), (0, None));
    bench.pass(after);
    bench.sweep().await;
    assert_eq!(bench.start(1).await, run);
    let error = Some(error("busy"));
    bench.end(run, Ending::Postponed { after, error }).await;
    bench.pass(after);
    bench.sweep().await;
    let run = bench.start(1).await;
    let how = Ending::Postponed { after, error: None };
    bench.end(run, how).await;
    // Nothing to say does not take back what was said.
    let record = bench.show(1).await.unwrap();
    assert_eq!(record.error.as_deref(), Some("busy"));
}

pub(in crate::store) async fn an_immediate_retry_is_ready_at_once(bench: Bench) {
    bench.add(&[job(1, 1)]).await;
    let run = bench.start(1).await;
    let after = Duration::ZERO;
    let error = error("once more");
    bench.end(run, Ending::Retry { after, error }).await;
    assert_eq!(bench.start(1).await, Run { attempt: 2, ..run });
}

pub(in crate::store) async fn a_dead_letter_keeps_its_payload_and_loses_its_token(bench: Bench) {
    let mut new = job(1, 1);
    new.app_token = Some(token("t0ken", 60));
    bench.add(std::slice::from_ref(&new)).await;
    bench.kill(1).await;
    let record = bench.show(1).await.unwrap();
    assert_eq!(record.state, JobState::Dead);
    assert_eq!(record.payload, Some(new.payload));
    assert_eq!(record.error.as_deref(), Some("it broke"));
    assert_eq!(record.ended_at, Some(NOW));
    assert_eq!(bench.jobs().replay(&Which::default()).await.unwrap(), 1);
    assert!(bench.claim(1).await[0].app_token.is_none());
}

pub(in crate::store) async fn only_the_run_that_holds_a_job_settles_it(bench: Bench) {
    bench.add(&[job(1, 1)]).await;
    let first = bench.start(1).await;
    let mut stranger = bench.settled(first, Ending::Done);
    stranger.owner = Owner::random();
    assert_eq!(
        bench.try_turn(&[stranger], None).await.unwrap().lost,
        [first]
    );

    bench.pass(LEASE);
    bench.sweep().await;
    // Nobody holds it, and then another run does.
    assert_eq!(bench.settle(&[(first, Ending::Done)]).await, [first]);
    let second = bench.start(1).await;
    assert_eq!(
        second,
        Run {
            attempt: 2,
            ..first
        }
    );
    let dead = Ending::Dead { error: error("x") };
    assert_eq!(bench.settle(&[(first, dead)]).await, [first]);
    assert_eq!(bench.state(1).await, Some(JobState::Running));
    assert_eq!(bench.settle(&[(second, Ending::Done)]).await, []);
}

pub(in crate::store) async fn what_is_settled_twice_counts_once(bench: Bench) {
    bench.add(&[job(1, 1), job(2, 1)]).await;
    let (one, two) = (bench.start(1).await, bench.start(2).await);
    bench.end(one, Ending::Done).await;
    let error = error("late");
    let endings = [(one, Ending::Dead { error }), (two, Ending::Done)];
    assert_eq!(bench.settle(&endings).await, [one]);
    assert_eq!(bench.state(1).await, Some(JobState::Done));
    assert_eq!(bench.state(2).await, Some(JobState::Done));
}

pub(in crate::store) async fn settling_and_claiming_are_one_turn(bench: Bench) {
    bench.add(&[ordered(1, 1), ordered(2, 1), job(3, 1)]).await;
    let run = bench.start(1).await;
    let settled = [bench.settled(run, Ending::Done)];
    let claim = bench.claim_of(9, None);
    let turn = bench.try_turn(&settled, Some(claim)).await.unwrap();
    let claimed: Vec<_> = turn.claimed.iter().map(|it| number(it.run.job)).collect();
    assert_eq!(claimed, [2, 3]);
}

pub(in crate::store) async fn a_long_error_is_cut(bench: Bench) {
    bench.add(&[job(1, 1)]).await;
    let run = bench.start(1).await;
    let error = format!("a\0b{}", "ü".repeat(5000));
    bench.end(run, Ending::Dead { error }).await;
    let kept = bench.show(1).await.unwrap().error.unwrap();
    assert!((4000..=4100).contains(&kept.len()), "{}", kept.len());
    assert!(kept.starts_with("a\u{fffd}bü"));
}

pub(in crate::store) async fn a_job_that_is_gone_is_lost(bench: Bench) {
    let run = Run {
        job: job_id(5),
        attempt: 1,
    };
    assert_eq!(bench.settle(&[(run, Ending::Done)]).await, [run]);
    let lost = bench.jobs().renew(bench.owner, &[run], LEASE).await;
    assert_eq!(lost.unwrap(), [run]);
}
