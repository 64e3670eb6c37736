use super::*;

pub(in crate::store) async fn jobs_of_one_order_run_one_after_the_other(bench: Bench) {
    bench.add(&[ordered(1, 1), ordered(2, 1)]).await;
    bench.add(&[ordered(3, 1)]).await;
    assert_eq!(bench.state(2).await, Some(JobState::Blocked));
    for number in 1..=3 {
        assert_eq!(bench.sweep().await.woken, 0);
        let run = bench.start(number).await;
        assert_eq!(bench.claimed(9).await, []);
        bench.end(run, Ending::Done).await;
    }
    // What comes when all have ended does not wait.
    bench.add(&[ordered(4, 1)]).await;
    bench.start(4).await;
}

pub(in crate::store) async fn an_order_waits_for_retries_and_goes_on_after_a_dead_letter(
    bench: Bench,
) {
    bench.add(&[ordered(1, 1), ordered(2, 1)]).await;
    let run = bench.start(1).await;
    let after = Duration::from_secs(10);
    let retry = |text| Ending::Retry {
        after,
        error: error(text),
    };
    bench.end(run, retry("x")).await;
    assert_eq!(bench.claimed(9).await, []);
    bench.pass(after);
    bench.sweep().await;
    let run = bench.start(1).await;
    let error = error("no app token");
    bench.end(run, Ending::AwaitsToken { error }).await;
    assert_eq!(bench.claimed(9).await, []);
    bench.remember(1, Some(token("t", 60))).await;
    bench.sweep().await;
    bench.kill(1).await;
    assert_eq!(bench.claimed(9).await, [2]);
}

pub(in crate::store) async fn an_order_goes_on_after_a_lost_run_that_was_the_last(bench: Bench) {
    bench.add(&[ordered(1, 1), ordered(2, 1)]).await;
    for attempt in 1..=ATTEMPTS {
        bench.start(1).await;
        bench.pass(LEASE);
        let swept = bench.sweep().await;
        assert_eq!(swept.lapsed[0].dead, attempt == ATTEMPTS);
        // Either itself or the one behind it.
        assert_eq!(swept.woken, 1);
    }
    assert_eq!(bench.claimed(9).await, [2]);
}

pub(in crate::store) async fn a_replayed_job_waits_for_the_one_of_its_order_that_runs(
    bench: Bench,
) {
    bench
        .add(&[ordered(1, 1), ordered(2, 1), ordered(3, 1)])
        .await;
    bench.kill(1).await;
    let second = bench.start(2).await;
    assert_eq!(bench.jobs().replay(&Which::default()).await.unwrap(), 1);
    assert_eq!(bench.state(1).await, Some(JobState::Blocked));
    assert_eq!(bench.claimed(9).await, []);
    bench.end(second, Ending::Done).await;
    // It came before the third.
    let first = bench.start(1).await;
    assert_eq!(bench.claimed(9).await, []);
    bench.end(first, Ending::Done).await;
    assert_eq!(bench.claimed(9).await, [3]);
}

pub(in crate::store) async fn replayed_jobs_of_one_order_keep_it(bench: Bench) {
    bench
        .add(&[ordered(1, 1), ordered(2, 1), ordered(3, 2)])
        .await;
    for number in 1..=3 {
        bench.kill(number).await;
    }
    assert_eq!(bench.jobs().replay(&Which::default()).await.unwrap(), 3);
    assert_eq!(bench.claimed(9).await, [1, 3]);
}

pub(in crate::store) async fn a_purged_letter_holds_up_nobody(bench: Bench) {
    bench.add(&[ordered(1, 1), ordered(2, 1)]).await;
    bench.kill(1).await;
    assert_eq!(bench.jobs().purge(&Which::default()).await.unwrap(), 1);
    assert_eq!(bench.state(1).await, None);
    let run = bench.start(2).await;
    bench.end(run, Ending::Done).await;
    bench.add(&[ordered(4, 1)]).await;
    assert_eq!(bench.claimed(9).await, [4]);
}

pub(in crate::store) async fn other_orders_do_not_wait(bench: Bench) {
    bench
        .add(&[ordered(1, 1), ordered(2, 2), ordered(3, 1), job(4, 1)])
        .await;
    assert_eq!(bench.claimed(9).await, [1, 2, 4]);
}

pub(in crate::store) async fn jobs_of_one_order_that_are_replayed_in_parts_keep_it(bench: Bench) {
    bench
        .add(&[ordered(1, 1), ordered(2, 1), ordered(3, 1)])
        .await;
    for number in [1, 2, 3] {
        bench.kill(number).await;
    }
    for _ in 0..2 {
        let some = Which {
            most: Some(2),
            ..Which::default()
        };
        bench.jobs().replay(&some).await.unwrap();
    }
    for number in [1, 2, 3] {
        let run = bench.start(number).await;
        bench.end(run, Ending::Done).await;
    }
}
