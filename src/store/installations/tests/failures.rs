use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_gets_everything_in_the_end() {
    let logs = Logs::capture();
    let bench = bench();
    bench.store.failures.store(4, SeqCst);
    bench
        .installations
        .remember(installation(1), Some(token("t0ken", 60)));
    assert_eq!(token_of(&known(&bench, 1)), Some("t0ken"));
    tokio::time::sleep(Duration::from_mins(2)).await;
    let stored = bench.store.get(id(1)).unwrap();
    assert_eq!(token_of(&stored), Some("t0ken"));
    assert_eq!(bench.store.save_count(), 5);
    assert_eq!(logs.count("WARN", "told to fail"), 4);
    assert_eq!(logs.count("INFO", "can be written again"), 1);
    assert!(!logs.text().contains("t0ken"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_away_is_tried_about_twice_a_minute() {
    let bench = bench();
    bench.store.failures.store(usize::MAX, SeqCst);
    bench.installations.remember(installation(1), None);
    tokio::time::sleep(Duration::from_hours(1)).await;
    let tries = bench.store.save_count();
    assert!((60..=140).contains(&tries), "{tries}");
}

#[tokio::test(start_paused = true)]
async fn of_many_changes_only_the_latest_is_written() {
    let bench = bench();
    bench.store.failures.store(2, SeqCst);
    for version in 0..50 {
        let mut installation = installation(1);
        installation.app_version = Some(version.to_string().into());
        let token = (version == 7).then(|| token("t", 60));
        bench.installations.remember(installation, token);
        tokio::time::advance(Duration::from_millis(10)).await;
        tokio::task::yield_now().await;
    }
    bench.installations.flush().await;
    let stored = bench.store.get(id(1)).unwrap();
    assert_eq!(stored.installation.app_version.as_deref(), Some("49"));
    assert_eq!(token_of(&stored), Some("t"));
    assert!(
        bench.store.save_count() <= 5,
        "{}",
        bench.store.save_count()
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_holds_a_flush_for_its_bound_only() {
    let logs = Logs::capture();
    let bench = bench();
    bench.store.saving.forget_permits(1000);
    bench.installations.remember(installation(1), None);
    let start = Instant::now();
    bench.installations.flush().await;
    assert_eq!(start.elapsed(), PATIENCE);
    assert_eq!(logs.count("WARN", "store.pending=1"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flush_does_not_wait_for_the_pause_after_a_failure() {
    let bench = bench();
    bench.store.failures.store(8, SeqCst);
    bench.installations.remember(installation(1), None);
    // Pauses that double from half a second, up to twice as long for jitter.
    for _ in 0..3000 {
        if bench.store.failures.load(SeqCst) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let start = Instant::now();
    bench.installations.flush().await;
    assert!(start.elapsed() < Duration::from_millis(10));
    assert!(bench.store.get(id(1)).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_can_never_be_written_does_not_hold_up_the_others() {
    let logs = Logs::capture();
    let store = FakeStore {
        poison: Some(id(2)),
        ..FakeStore::default()
    };
    let bench = bench_on(Arc::new(store));
    for number in 1..=3 {
        bench.installations.remember(installation(number), None);
    }
    bench.installations.flush().await;
    assert!(bench.store.get(id(1)).is_some());
    assert!(bench.store.get(id(2)).is_none());
    assert!(bench.store.get(id(3)).is_some());
    assert_eq!(logs.count("ERROR", &id(2).uuid().to_string()), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_matters_only_where_it_is_needed() {
    let bench = bench();
    bench
        .installations
        .remember(installation(1), Some(token("t", 60)));
    bench.installations.flush().await;
    bench.store.failures.store(usize::MAX, SeqCst);
    let found = bench.find(1).await.unwrap();
    assert!(found.is_some());
    bench.clock.advance(Duration::from_hours(1));
    for outcome in [
        bench.find(1).await.err(),
        bench.find(2).await.err(),
        bench.installations.of_cloud(&cloud("quarry")).await.err(),
        bench.installations.ping().await.err(),
    ] {
        assert!(matches!(outcome, Some(StoreError::Unavailable(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_clone_writes_what_is_left_when_it_is_dropped() {
    let Bench {
        store,
        installations,
        ..
    } = bench();
    let clone = installations.clone();
    installations.remember(installation(1), None);
    drop(installations);
    drop(clone);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(store.get(id(1)).is_some());
    // The writer has gone, and nothing else holds the store.
    assert_eq!(Arc::strong_count(&store), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_door_does_not_leave_a_writer_that_tries_for_ever() {
    let Bench {
        store,
        installations,
        ..
    } = bench();
    store.failures.store(usize::MAX, SeqCst);
    installations.remember(installation(1), None);
    tokio::time::sleep(Duration::from_mins(10)).await;
    drop(installations);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::strong_count(&store), 1);
}
