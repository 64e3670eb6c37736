use super::*;

impl Bench {
    fn remember(&self, number: u128) {
        self.installations
            .remember(installation(number), Some(token("t", 60)));
    }

    async fn delete(&self, number: u128) -> Result<Deleted, StoreError> {
        self.installations.delete(&id(number)).await
    }

    fn is_known(&self, number: u128) -> bool {
        self.installations.known(&id(number)).is_some() || self.store.get(id(number)).is_some()
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_installation_is_gone_everywhere_and_its_neighbours_stay() {
    let bench = bench();
    bench.remember(1);
    bench.remember(2);
    bench.installations.flush().await;
    assert!(bench.delete(1).await.unwrap().known);
    assert!(!bench.is_known(1));
    assert!(bench.find(1).await.unwrap().is_none());
    assert!(bench.is_known(2));
    assert!(!bench.delete(1).await.unwrap().known);
}

#[tokio::test(start_paused = true)]
async fn for_a_minute_nothing_brings_it_back() {
    let bench = bench();
    bench.remember(1);
    bench.delete(1).await.unwrap();
    assert!(bench.installations.is_gone(&id(1)));
    bench.remember(1);
    bench.remember(2);
    bench.installations.flush().await;
    assert!(!bench.is_known(1));
    assert!(bench.is_known(2));
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!(!bench.installations.is_gone(&id(1)));
    bench.remember(1);
    bench.installations.flush().await;
    assert!(bench.is_known(1));
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_written_is_deleted_too() {
    let bench = bench();
    bench.store.failures.store(1, SeqCst);
    bench.remember(1);
    until(|| bench.store.failures.load(SeqCst) == 0).await;
    bench.delete(1).await.unwrap();
    bench.installations.flush().await;
    assert!(!bench.is_known(1));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_written_is_deleted_too() {
    let bench = bench();
    bench.store.saving.forget_permits(1000);
    bench.remember(1);
    until(|| bench.store.save_count() == 1).await;
    let (deleted, ()) = tokio::join!(bench.delete(1), async {
        // In memory it goes at once, while the write is still under way.
        tokio::task::yield_now().await;
        assert!(bench.installations.known(&id(1)).is_none());
        bench.store.saving.add_permits(1000);
    });
    assert!(deleted.unwrap().known);
    bench.installations.flush().await;
    assert!(!bench.is_known(1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_waits_for_its_turn_goes_without_what_was_deleted_or_forgotten() {
    let queue = Queue::new();
    queue.push(record(installation(1), None), true);
    queue.push(record(installation(2), Some(token("refused", 60))), true);
    assert!(queue.next().await);
    let turn = queue.turn().await;
    queue.remove(id(1));
    queue.forget(id(2), &token("refused", 60));
    drop(turn);
    let _turn = queue.turn().await;
    let batch = queue.batch();
    assert_eq!(batch.len(), 1);
    assert_eq!(batch[0].record.installation.id, id(2));
    assert_eq!(token_of(&batch[0].record), None);
}

#[tokio::test(start_paused = true)]
async fn a_reader_does_not_bring_it_back() {
    let bench = bench_on(FakeStore::holding([record(installation(1), None)]));
    bench.store.loading.forget_permits(1000);
    let (found, ()) = tokio::join!(bench.find(1), async {
        until(|| bench.store.loads.load(SeqCst) == 1).await;
        bench.delete(1).await.unwrap();
        bench.store.loading.add_permits(1000);
    });
    // It was there when it was asked for.
    found.unwrap().unwrap();
    assert!(!bench.is_known(1));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_told_and_the_call_can_be_made_again() {
    let bench = bench();
    bench.remember(1);
    bench.installations.flush().await;
    bench.store.failures.store(1, SeqCst);
    assert!(bench.delete(1).await.is_err());
    assert!(bench.installations.known(&id(1)).is_none());
    assert!(bench.delete(1).await.unwrap().known);
    assert!(!bench.is_known(1));
}

#[tokio::test(start_paused = true)]
async fn one_can_wait_until_an_installation_is_written() {
    let bench = bench();
    // Nothing to wait for.
    bench.installations.written(&id(1)).await.unwrap();
    bench.store.saving.forget_permits(1000);
    bench.remember(1);
    let first = id(1);
    let (written, ()) = tokio::join!(bench.installations.written(&first), async {
        until(|| bench.store.save_count() == 1).await;
        // Not its business.
        bench.remember(2);
        bench.store.saving.add_permits(1);
    });
    written.unwrap();
    assert!(bench.store.get(id(1)).is_some());
    assert!(bench.store.get(id(2)).is_none());

    let late = bench.installations.written(&id(2)).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))));
    bench.store.saving.add_permits(1000);
    bench.installations.written(&id(2)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_ends_the_pause_after_a_failure() {
    let bench = bench();
    bench.store.failures.store(1, SeqCst);
    bench.remember(1);
    until(|| bench.store.failures.load(SeqCst) == 0).await;
    let start = tokio::time::Instant::now();
    bench.installations.written(&id(1)).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(bench.store.get(id(1)).is_some());
}
