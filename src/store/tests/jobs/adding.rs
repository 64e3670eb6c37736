use super::*;

pub(in crate::store) async fn what_is_added_is_claimed_as_it_was(bench: Bench) {
    let token = token("t0ken", 60);
    let mut new = job(1, 7);
    new.app_token = Some(token.clone());
    let tick = NewJob {
        kind: JobKind::Tick,
        name: "digest-hourly".into(),
        ..job(2, 7)
    };
    assert_eq!(
        bench.add(&[new.clone(), tick.clone()]).await,
        [(1, false), (2, false)]
    );
    bench.pass(Duration::from_secs(5));
    let claimed = bench.claim(9).await;
    assert_eq!(claimed.len(), 2);
    for (claimed, new) in claimed.iter().zip([new, tick]) {
        let run = Run {
            job: new.id,
            attempt: 1,
        };
        assert_eq!(claimed.run, run);
        assert_eq!(claimed.installation, new.installation);
        assert_eq!(claimed.kind, new.kind);
        assert_eq!(claimed.name, new.name);
        assert_eq!(claimed.payload, new.payload);
        assert_eq!(claimed.trace, new.trace);
        assert_eq!(claimed.received_at, NOW);
        let tokens = [&claimed.app_token, &new.app_token];
        let [held, sent] = tokens.map(|it| it.as_ref().map(|it| (it.secret(), it.expires_at())));
        assert_eq!(held, sent);
    }
    assert!(claimed[0].app_token.is_some());
}

pub(in crate::store) async fn nothing_is_added_for_nothing(bench: Bench) {
    assert_eq!(bench.add(&[]).await, []);
    assert_eq!(bench.counts().await, Counts::default());
}

pub(in crate::store) async fn the_same_id_is_one_job(bench: Bench) {
    assert_eq!(bench.add(&[job(1, 1)]).await, [(1, false)]);
    assert_eq!(
        bench.add(&[job(1, 1), job(2, 1)]).await,
        [(1, true), (2, false)]
    );
    let run = bench.start(1).await;
    assert_eq!(bench.add(&[job(1, 1)]).await, [(1, true)]);
    bench.end(run, Ending::Done).await;
    assert_eq!(bench.add(&[job(1, 1)]).await, [(1, true)]);
    assert_eq!(bench.claimed(9).await, [2]);
}

pub(in crate::store) async fn the_same_digest_within_its_time_is_one_job(bench: Bench) {
    let alike = |number, within| NewJob {
        digest: [9; 32],
        unless_within: within,
        ..job(number, 1)
    };
    let minute = Some(Duration::from_mins(1));
    assert_eq!(bench.add(&[alike(1, minute)]).await, [(1, false)]);
    bench.pass(Duration::from_secs(59));
    assert_eq!(bench.add(&[alike(2, minute)]).await, [(1, true)]);
    // The digest alone makes no duplicate.
    assert_eq!(bench.add(&[alike(3, None)]).await, [(3, false)]);
    bench.pass(Duration::from_mins(2));
    assert_eq!(bench.add(&[alike(4, minute)]).await, [(4, false)]);
    assert_eq!(bench.claimed(9).await, [1, 3, 4]);
    // However far a job is: while its key is held, it counts.
    let run = Run {
        job: job_id(4),
        attempt: 1,
    };
    bench.end(run, Ending::Done).await;
    assert_eq!(bench.add(&[alike(5, minute)]).await, [(4, true)]);
}

pub(in crate::store) async fn what_came_before_the_clock_was_set_back_is_no_duplicate_for_long(
    bench: Bench,
) {
    let alike = |number| NewJob {
        digest: [9; 32],
        unless_within: Some(Duration::from_mins(1)),
        ..job(number, 1)
    };
    assert_eq!(bench.add(&[alike(1)]).await, [(1, false)]);
    bench.clock.set_back(Duration::from_secs(30));
    assert_eq!(bench.add(&[alike(2)]).await, [(1, true)]);
    bench.clock.set_back(Duration::from_hours(5));
    assert_eq!(bench.add(&[alike(3)]).await, [(3, false)]);
    assert_eq!(bench.add(&[alike(4)]).await, [(3, true)]);
}

pub(in crate::store) async fn a_tick_coalesces_with_one_that_has_not_begun(bench: Bench) {
    let tick = |number| NewJob {
        coalesces: true,
        ..ordered(number, 1)
    };
    assert_eq!(bench.add(&[tick(1)]).await, [(1, false)]);
    assert_eq!(bench.add(&[tick(2)]).await, [(1, true)]);
    let run = bench.start(1).await;
    // What runs has begun: the next one waits behind it, and takes in those that follow.
    assert_eq!(bench.add(&[tick(3)]).await, [(3, false)]);
    assert_eq!(bench.add(&[tick(4)]).await, [(3, true)]);
    // Of another order, or without coalescing, it is a job of its own.
    let other = NewJob {
        coalesces: true,
        ..ordered(5, 2)
    };
    assert_eq!(
        bench.add(&[other, ordered(6, 1)]).await,
        [(5, false), (6, false)]
    );
    let after = Duration::from_mins(1);
    let error = error("later");
    bench.end(run, Ending::Retry { after, error }).await;
    assert_eq!(bench.add(&[tick(7)]).await, [(1, true)]);
}

pub(in crate::store) async fn duplicates_within_one_batch_are_found(bench: Bench) {
    let minute = Some(Duration::from_mins(1));
    let alike = |number| NewJob {
        digest: [9; 32],
        unless_within: minute,
        ..job(number, 1)
    };
    let tick = |number| NewJob {
        coalesces: true,
        ..ordered(number, 1)
    };
    let batch = [
        job(1, 1),
        job(1, 1),
        alike(2),
        alike(3),
        tick(4),
        tick(5),
        job(6, 1),
    ];
    let expected = [
        (1, false),
        (1, true),
        (2, false),
        (2, true),
        (4, false),
        (4, true),
        (6, false),
    ];
    assert_eq!(bench.add(&batch).await, expected);
    let again = expected.map(|(number, _)| (number, true));
    assert_eq!(bench.add(&batch).await, again);
    assert_eq!(bench.claimed(9).await, [1, 2, 4, 6]);
}

pub(in crate::store) async fn a_batch_of_256_is_one_order_of_arrival(bench: Bench) {
    let batch: Vec<_> = (0..256).map(|number| job(1000 - number, 1)).collect();
    let added = bench.add(&batch).await;
    assert!(added.iter().all(|(_, duplicate)| !duplicate));
    let expected: Vec<_> = (0..256).map(|number| 1000 - number).collect();
    assert_eq!(bench.claimed(300).await, expected);
}

pub(in crate::store) async fn a_batch_of_large_events_is_one_commit(bench: Bench) {
    let large = |number| NewJob {
        payload: format!("\"{}\"", "x".repeat(9 * 1024 * 1024)).into(),
        ..job(number, 1)
    };
    let batch = [large(1), large(2), large(3), job(4, 1)];
    let added = bench.add(&batch).await;
    assert_eq!(added, [(1, false), (2, false), (3, false), (4, false)]);
    let claimed = bench.claim(9).await;
    let payloads = claimed.iter().map(|it| &it.payload);
    assert!(payloads.eq(batch.iter().map(|it| &it.payload)));
}

pub(in crate::store) async fn a_token_is_unsealed_for_its_job_only(bench: Bench) {
    let mut with = job(1, 1);
    with.app_token = Some(token("t0ken", 60));
    bench.add(&[with, job(2, 1)]).await;
    let claimed = bench.claim(9).await;
    let texts: Vec<_> = claimed
        .iter()
        .map(|it| it.app_token.as_ref().map(|it| it.secret().expose()))
        .collect();
    assert_eq!(texts, [Some("t0ken"), None]);
    // It is the job's and not the installation's.
    let stored = bench.database.installations.load(id(1)).await.unwrap();
    assert!(stored.is_none());
}
