use super::*;

pub(in crate::store) async fn a_lease_that_lapses_is_an_attempt_and_the_last_one_kills(
    bench: Bench,
) {
    let mut new = job(1, 1);
    new.app_token = Some(token("t0ken", 60));
    bench.add(&[new]).await;
    for attempt in 1..=ATTEMPTS {
        let run = bench.start(1).await;
        assert_eq!(run.attempt, attempt);
        bench.pass(Duration::from_secs(59));
        assert!(bench.sweep().await.lapsed.is_empty());
        bench.pass(Duration::from_secs(1));
        let swept = bench.sweep().await;
        let lapsed = &swept.lapsed[0];
        assert_eq!(swept.lapsed.len(), 1);
        assert_eq!(lapsed.run, run);
        assert_eq!(lapsed.installation, id(1));
        assert_eq!(&*lapsed.name, "avi:confluence:updated:page");
        assert_eq!(lapsed.dead, attempt == ATTEMPTS);
        assert_eq!(swept.woken, u64::from(!lapsed.dead));
    }
    let record = bench.show(1).await.unwrap();
    assert_eq!(record.state, JobState::Dead);
    assert_eq!(record.attempts, ATTEMPTS);
    assert!(record.payload.is_some() && record.ended_at.is_some());
    let error = record.error.unwrap();
    assert!(error.contains("the run was lost"), "{error}");
}

pub(in crate::store) async fn a_renewed_lease_holds(bench: Bench) {
    bench.add(&[job(1, 1), job(2, 1)]).await;
    let (kept, dropped) = (bench.start(1).await, bench.start(2).await);
    bench.pass(LEASE / 2);
    let lost = bench.jobs().renew(bench.owner, &[kept], LEASE).await;
    assert_eq!(lost.unwrap(), []);
    bench.pass(LEASE / 2);
    let swept = bench.sweep().await;
    let lapsed: Vec<_> = swept.lapsed.iter().map(|it| it.run).collect();
    assert_eq!(lapsed, [dropped]);
    assert_eq!(bench.state(1).await, Some(JobState::Running));
    bench.end(kept, Ending::Done).await;
}

pub(in crate::store) async fn a_lease_that_is_not_held_is_not_renewed(bench: Bench) {
    bench.add(&[job(1, 1), job(2, 1), job(3, 1)]).await;
    let runs = [
        bench.start(1).await,
        bench.start(2).await,
        bench.start(3).await,
    ];
    bench.end(runs[0], Ending::Done).await;
    let earlier = Run {
        attempt: 7,
        ..runs[1]
    };
    let asked = [runs[0], earlier, runs[2]];
    let lost = bench.jobs().renew(bench.owner, &asked, LEASE).await;
    assert_eq!(lost.unwrap(), [runs[0], earlier]);
    let stranger = Owner::random();
    let lost = bench.jobs().renew(stranger, &runs[2..], LEASE).await;
    assert_eq!(lost.unwrap(), [runs[2]]);
    assert_eq!(bench.jobs().renew(stranger, &[], LEASE).await.unwrap(), []);
}

pub(in crate::store) async fn a_parked_job_wakes_when_a_token_lives_a_minute(bench: Bench) {
    bench.add(&[job(1, 1), job(2, 1)]).await;
    for number in [1, 2] {
        let run = bench.start(number).await;
        let error = error("no app token");
        bench.end(run, Ending::AwaitsToken { error }).await;
    }
    let record = bench.show(1).await.unwrap();
    assert_eq!((record.state, record.attempts), (JobState::Parked, 0));
    assert_eq!(record.error.as_deref(), Some("no app token"));
    assert_eq!(bench.sweep().await.woken, 0);
    bench.remember(1, None).await;
    assert_eq!(bench.sweep().await.woken, 0);
    // A token in its last minute is none.
    bench.remember(1, Some(token("short", 1))).await;
    assert_eq!(bench.sweep().await.woken, 0);
    bench.remember(1, Some(token("long", 2))).await;
    assert_eq!(bench.sweep().await.woken, 2);
    assert_eq!(bench.claimed(9).await, [1, 2]);
}

pub(in crate::store) async fn a_token_of_another_installation_wakes_nobody(bench: Bench) {
    bench.add(&[job(1, 1), job(2, 2), job(3, 3)]).await;
    for number in [1, 2, 3] {
        let run = bench.start(number).await;
        let error = error("no app token");
        bench.end(run, Ending::AwaitsToken { error }).await;
    }
    bench.remember(2, Some(token("two", 60))).await;
    bench.remember(4, Some(token("four", 60))).await;
    assert_eq!(bench.sweep().await.woken, 1);
    assert_eq!(bench.claimed(9).await, [2]);
}

pub(in crate::store) async fn a_token_of_a_browser_wakes_nobody_and_gives_way_to_the_platforms(
    bench: Bench,
) {
    bench.add(&[job(1, 1)]).await;
    let run = bench.start(1).await;
    let error = error("no app token");
    bench.end(run, Ending::AwaitsToken { error }).await;
    let made_up = || bench.remember_from_browser(1, token("made-up", 240));
    let browsers = ("made-up".to_owned(), TokenOrigin::Browser);
    made_up().await;
    assert_eq!(bench.token(1).await, browsers);
    assert_eq!(bench.sweep().await.woken, 0);
    // However long the other claims to live.
    bench.remember(1, Some(token("real", 5))).await;
    made_up().await;
    let real = ("real".to_owned(), TokenOrigin::Platform);
    assert_eq!(bench.token(1).await, real);
    assert_eq!(bench.sweep().await.woken, 1);
    // In its last minute it does not live, and gives way.
    bench.pass(Duration::from_mins(4));
    made_up().await;
    assert_eq!(bench.token(1).await, browsers);
}

pub(in crate::store) async fn a_job_does_not_wait_for_a_token_for_ever(bench: Bench) {
    bench.add(&[job(1, 1)]).await;
    let run = bench.start(1).await;
    let error = error("no app token");
    bench.end(run, Ending::AwaitsToken { error }).await;
    bench.pass(Duration::from_hours(8 * 24) - Duration::from_secs(1));
    assert_eq!(bench.sweep().await.woken, 0);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.sweep().await.woken, 1);
    assert_eq!(bench.claimed(9).await, [1]);
}

pub(in crate::store) async fn a_sweep_tells_when_to_come_again(bench: Bench) {
    assert_eq!(bench.sweep().await.next, None);
    bench.add(&[job(1, 1), job(2, 1)]).await;
    assert_eq!(bench.sweep().await.next, None);
    let run = bench.start(1).await;
    assert_eq!(bench.sweep().await.next, Some(LEASE));
    bench.start(2).await;
    let after = Duration::from_secs(20);
    let error = error("x");
    bench.end(run, Ending::Retry { after, error }).await;
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.sweep().await.next, Some(Duration::from_secs(15)));
    bench.pass(Duration::from_secs(15));
    assert_eq!(bench.sweep().await.next, Some(Duration::from_secs(40)));
}
