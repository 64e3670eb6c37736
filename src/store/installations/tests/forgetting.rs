use super::*;

#[tokio::test(start_paused = true)]
async fn exactly_that_token_is_forgotten() {
    let bench = bench();
    bench
        .installations
        .remember(installation(1), Some(token("refused", 60)));
    bench.installations.flush().await;
    bench.forget("another").await.unwrap();
    assert_eq!(token_of(&known(&bench, 1)), Some("refused"));
    bench.forget("refused").await.unwrap();
    assert_eq!(token_of(&known(&bench, 1)), None);
    assert_eq!(known(&bench, 1).installation, installation(1));
    let stored = bench.store.get(id(1)).unwrap();
    assert_eq!(token_of(&stored), None);
    assert_eq!(stored.installation, installation(1));
}

#[tokio::test(start_paused = true)]
async fn after_it_was_forgotten_even_a_shorter_lived_token_is_taken() {
    let bench = bench();
    bench
        .installations
        .remember(installation(1), Some(token("refused", 60)));
    bench.forget("refused").await.unwrap();
    bench
        .installations
        .remember(installation(1), Some(token("next", 30)));
    bench.installations.flush().await;
    let stored = bench.store.get(id(1)).unwrap();
    assert_eq!(token_of(&stored), Some("next"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_waits_to_be_written_is_forgotten_too() {
    let bench = bench();
    bench.store.failures.store(1, SeqCst);
    bench
        .installations
        .remember(installation(1), Some(token("refused", 60)));
    until(|| bench.store.failures.load(SeqCst) == 0).await;
    bench.forget("refused").await.unwrap();
    bench.installations.flush().await;
    let stored = bench.store.get(id(1)).unwrap();
    assert_eq!(token_of(&stored), None);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_being_written_is_forgotten_too() {
    let bench = bench();
    bench.store.saving.forget_permits(1000);
    bench
        .installations
        .remember(installation(1), Some(token("refused", 60)));
    until(|| bench.store.save_count() == 1).await;
    let (forgotten, ()) = tokio::join!(bench.forget("refused"), async {
        // In memory it goes at once, while the write is still under way.
        tokio::task::yield_now().await;
        assert_eq!(token_of(&known(&bench, 1)), None);
        bench.store.saving.add_permits(1000);
    });
    forgotten.unwrap();
    bench.installations.flush().await;
    let stored = bench.store.get(id(1)).unwrap();
    assert_eq!(token_of(&stored), None);
}

#[tokio::test(start_paused = true)]
async fn a_reader_does_not_bring_a_forgotten_token_back() {
    let stored = record(installation(1), Some(token("refused", 60)));
    let bench = bench_on(FakeStore::holding([stored]));
    bench.store.loading.forget_permits(1000);
    let (found, ()) = tokio::join!(bench.find(1), async {
        until(|| bench.store.loads.load(SeqCst) == 1).await;
        bench.forget("refused").await.unwrap();
        bench.store.loading.add_permits(1000);
    });
    found.unwrap().unwrap();
    let again = bench.find(1).await.unwrap().unwrap();
    assert_eq!(token_of(&again), None);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_meets_the_token_before_it_goes_does_not_keep_it() {
    let stored = record(installation(1), Some(token("refused", 60)));
    let bench = bench_on(FakeStore::holding([stored]));
    bench.store.saving.forget_permits(1000);
    bench.installations.remember(installation(1), None);
    until(|| bench.store.save_count() == 1).await;
    let (forgotten, ()) = tokio::join!(bench.forget("refused"), async {
        // The token still waits for the write under way.
        let found = bench.find(1).await.unwrap().unwrap();
        assert_eq!(token_of(&found), Some("refused"));
        bench.store.saving.add_permits(1000);
    });
    forgotten.unwrap();
    assert_eq!(token_of(&known(&bench, 1)), None);
}

#[tokio::test(start_paused = true)]
async fn memory_forgets_even_if_the_store_fails() {
    let bench = bench();
    bench
        .installations
        .remember(installation(1), Some(token("refused", 60)));
    bench.installations.flush().await;
    bench.store.failures.store(1, SeqCst);
    let outcome = bench.forget("refused").await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
    assert_eq!(token_of(&known(&bench, 1)), None);
}

#[tokio::test(start_paused = true)]
async fn forgetting_waits_for_a_stuck_write_no_longer_than_its_bound() {
    let bench = bench();
    bench.store.saving.forget_permits(1000);
    bench
        .installations
        .remember(installation(1), Some(token("refused", 60)));
    until(|| bench.store.save_count() == 1).await;
    let start = tokio::time::Instant::now();
    let outcome = bench.forget("refused").await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
    assert_eq!(start.elapsed(), PATIENCE);
    assert_eq!(token_of(&known(&bench, 1)), None);
}
