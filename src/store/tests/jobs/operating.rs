use super::*;
use crate::store::StoreError;

const DAY: Duration = Duration::from_hours(24);

fn of(installation: InstallationId) -> Which {
    Which {
        installation: Some(installation),
        ..Which::default()
    }
}

fn one(number: u128) -> Which {
    Which {
        id: Some(job_id(number)),
        ..Which::default()
    }
}

fn older(span: Duration) -> Which {
    Which {
        older_than: Some(span),
        ..Which::default()
    }
}

fn in_state(state: JobState) -> Which {
    Which {
        state: Some(state),
        ..Which::default()
    }
}

fn at_most(most: u32) -> Which {
    Which {
        most: Some(most),
        ..Which::default()
    }
}

impl Bench {
    /// Five dead letters an hour apart; the first two are one installation's.
    async fn five_dead_letters(&self) {
        for number in 1..=5 {
            let installation = if number <= 2 { 1 } else { 2 };
            self.add(&[job(number, installation)]).await;
            self.kill(number).await;
            self.pass(Duration::from_hours(1));
        }
    }

    async fn replay(&self, which: Which) -> Result<u64, StoreError> {
        self.jobs().replay(&which).await
    }

    async fn purge(&self, which: Which) -> Result<u64, StoreError> {
        self.jobs().purge(&which).await
    }
}

pub(in crate::store) async fn counts_tell_how_many_there_are_in_each_state(bench: Bench) {
    bench.add(&[job(1, 1)]).await;
    let run = bench.start(1).await;
    bench.end(run, Ending::Done).await;
    assert_eq!(bench.counts().await, Counts::default());

    bench.pass(Duration::from_secs(7));
    bench.add(&[ordered(2, 1)]).await;
    bench.pass(Duration::from_secs(7));
    bench.add(&[job(3, 2), job(4, 3), job(5, 4)]).await;
    let endings = [
        Ending::Retry {
            after: DAY,
            error: error("x"),
        },
        Ending::AwaitsToken { error: error("x") },
        Ending::Dead { error: error("x") },
    ];
    bench.start(2).await;
    for (number, how) in (3..).zip(endings) {
        let run = bench.start(number).await;
        bench.end(run, how).await;
    }
    bench.add(&[ordered(6, 1), ordered(7, 1), job(8, 1)]).await;
    let expected = Counts {
        ready: 3,
        delayed: 1,
        parked: 1,
        running: 1,
        dead: 1,
        oldest: Some(Duration::from_secs(7)),
    };
    assert_eq!(bench.counts().await, expected);
}

pub(in crate::store) async fn a_list_has_dead_letters_the_newest_first(bench: Bench) {
    bench.five_dead_letters().await;
    bench.add(&[job(9, 1)]).await;
    let list = bench.jobs().list(&Which::default()).await.unwrap();
    let numbers: Vec<_> = list.iter().map(|it| number(it.id)).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    let first = &list[4];
    assert_eq!(first.installation, id(1));
    assert_eq!(first.kind, JobKind::Event);
    assert_eq!(&*first.name, "avi:confluence:updated:page");
    assert_eq!(first.state, JobState::Dead);
    assert_eq!(first.attempts, 1);
    assert_eq!(first.received_at, NOW);
    assert_eq!(first.ended_at, Some(NOW));
    assert_eq!(first.error.as_deref(), Some("it broke"));
    assert_eq!(first.trace.as_str(), "463ac35c9f6413ad");
    assert!(list.iter().all(|it| it.payload.is_none()));
}

pub(in crate::store) async fn a_list_is_filtered(bench: Bench) {
    bench.five_dead_letters().await;
    bench
        .add(&[job(6, 1), job(7, 2), ordered(8, 1), ordered(9, 1)])
        .await;
    assert_eq!(bench.list(of(id(1))).await, [2, 1]);
    assert_eq!(bench.list(one(3)).await, [3]);
    assert_eq!(bench.list(one(6)).await, []);
    assert_eq!(bench.list(older(Duration::from_hours(4))).await, [2, 1]);
    assert_eq!(bench.list(at_most(2)).await, [5, 4]);
    assert_eq!(bench.list(at_most(u32::MAX)).await.len(), 5);
    assert_eq!(bench.list(in_state(JobState::Ready)).await, [8, 7, 6]);
    assert_eq!(bench.list(in_state(JobState::Blocked)).await, [9]);
    assert_eq!(bench.list(in_state(JobState::Done)).await, []);
    let both = Which {
        state: Some(JobState::Ready),
        ..of(id(2))
    };
    assert_eq!(bench.list(both).await, [7]);
}

pub(in crate::store) async fn one_job_is_shown_with_its_payload(bench: Bench) {
    let new = job(1, 1);
    bench.add(std::slice::from_ref(&new)).await;
    let record = bench.show(1).await.unwrap();
    assert_eq!(record.payload, Some(new.payload));
    assert_eq!((record.state, record.attempts), (JobState::Ready, 0));
    assert!(bench.show(2).await.is_none());
}

pub(in crate::store) async fn a_replay_starts_again_with_the_same_id(bench: Bench) {
    let new = job(1, 1);
    bench.add(std::slice::from_ref(&new)).await;
    let run = bench.start(1).await;
    let after = Duration::ZERO;
    let error = error("x");
    bench.end(run, Ending::Retry { after, error }).await;
    bench.kill(1).await;
    assert_eq!(bench.replay(Which::default()).await.unwrap(), 1);
    let claimed = bench.claim(9).await;
    assert_eq!(claimed[0].run, run);
    assert_eq!(claimed[0].payload, new.payload);
    // It is not dead any more.
    assert_eq!(bench.replay(Which::default()).await.unwrap(), 0);
    assert_eq!(bench.add(&[job(1, 1)]).await, [(1, true)]);
}

pub(in crate::store) async fn a_replay_touches_what_was_meant(bench: Bench) {
    bench.five_dead_letters().await;
    assert_eq!(bench.replay(one(9)).await.unwrap(), 0);
    assert_eq!(bench.replay(in_state(JobState::Ready)).await.unwrap(), 0);
    assert_eq!(bench.replay(one(4)).await.unwrap(), 1);
    assert_eq!(bench.replay(one(4)).await.unwrap(), 0);
    assert_eq!(bench.replay(of(id(1))).await.unwrap(), 2);
    assert_eq!(bench.replay(at_most(1)).await.unwrap(), 1);
    assert_eq!(bench.list(Which::default()).await.len(), 1);
}

pub(in crate::store) async fn jobs_that_are_replayed_in_steps_keep_their_order(bench: Bench) {
    bench.add(&[ordered(1, 1), ordered(2, 1)]).await;
    bench.kill(1).await;
    bench.kill(2).await;
    for _ in 0..2 {
        assert_eq!(bench.replay(at_most(1)).await.unwrap(), 1);
    }
    assert_eq!(bench.claimed(9).await, [1]);
}

pub(in crate::store) async fn a_replay_or_a_purge_is_bounded(bench: Bench) {
    let many: Vec<_> = (1..=1002).map(|number| job(number, 1)).collect();
    bench.add(&many).await;
    loop {
        let claimed = bench.claim(256).await;
        if claimed.is_empty() {
            break;
        }
        let error = error("it broke");
        let dead = Ending::Dead { error };
        let dead: Vec<_> = claimed.iter().map(|it| (it.run, dead.clone())).collect();
        assert_eq!(bench.settle(&dead).await, []);
    }
    assert_eq!(bench.replay(at_most(1)).await.unwrap(), 1);
    assert_eq!(bench.replay(at_most(u32::MAX)).await.unwrap(), 1000);
    assert_eq!(bench.claimed(2).await, [1, 2]);
    assert_eq!(bench.purge(Which::default()).await.unwrap(), 1);
}

pub(in crate::store) async fn a_purge_touches_what_was_meant(bench: Bench) {
    bench.five_dead_letters().await;
    bench.add(&[job(6, 1)]).await;
    assert_eq!(bench.purge(one(6)).await.unwrap(), 0);
    assert_eq!(bench.purge(in_state(JobState::Ready)).await.unwrap(), 0);
    assert_eq!(bench.purge(one(5)).await.unwrap(), 1);
    let old = bench.purge(older(Duration::from_hours(4))).await;
    assert_eq!(old.unwrap(), 2);
    assert_eq!(bench.list(Which::default()).await, [4, 3]);
    assert_eq!(bench.purge(of(id(1))).await.unwrap(), 0);
    assert_eq!(bench.purge(Which::default()).await.unwrap(), 2);
    assert_eq!(bench.claimed(9).await, [6]);
    // Nothing knows of it any more.
    assert_eq!(bench.add(&[job(5, 2)]).await, [(5, false)]);
}

pub(in crate::store) async fn keys_are_pruned_in_their_time_and_dead_letters_after_a_month(
    bench: Bench,
) {
    let short = NewJob {
        remember_for: Duration::from_mins(10),
        ..job(1, 1)
    };
    bench.add(&[short, job(2, 1), job(3, 1), job(4, 1)]).await;
    for number in [1, 2] {
        let run = bench.start(number).await;
        bench.end(run, Ending::Done).await;
    }
    bench.kill(3).await;
    assert_eq!(bench.jobs().prune().await.unwrap(), 0);
    bench.pass(Duration::from_mins(10));
    assert_eq!(bench.jobs().prune().await.unwrap(), 1);
    assert_eq!(bench.add(&[job(1, 1)]).await, [(1, false)]);
    bench.pass(DAY);
    assert_eq!(bench.jobs().prune().await.unwrap(), 1);
    assert_eq!(bench.state(3).await, Some(JobState::Dead));
    bench.pass(30 * DAY);
    assert_eq!(bench.jobs().prune().await.unwrap(), 1);
    assert_eq!(bench.state(3).await, None);
    // What has not ended stays, however old.
    assert_eq!(bench.claimed(9).await, [4, 1]);
}
