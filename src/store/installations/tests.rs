use std::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::{
    clock::Timestamp,
    store::tests::{
        fake::FakeStore,
        fixtures::{Logs, NOW, cloud, id, installation, record, token, token_of},
    },
};

mod deleting;
mod failures;
mod forgetting;
mod queueing;

struct Bench {
    store: Arc<FakeStore>,
    clock: Clock,
    installations: Installations,
}

fn bench_on(store: Arc<FakeStore>) -> Bench {
    let clock = Clock::manual(NOW);
    Bench {
        installations: Installations::new(store.clone(), clock.clone()),
        store,
        clock,
    }
}

fn bench() -> Bench {
    bench_on(Arc::default())
}

impl Bench {
    async fn find(&self, number: u128) -> Result<Option<Arc<Remembered>>, StoreError> {
        self.installations.find(&id(number)).await
    }

    /// As if a product had answered 401 to this token of the first installation.
    async fn forget(&self, text: &str) -> Result<(), StoreError> {
        self.installations
            .forget_app_token(&id(1), &token(text, 60))
            .await
    }
}

/// Lets the other tasks run until it is so.
async fn until(condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it did not come to that");
}

fn known(bench: &Bench, number: u128) -> Arc<Remembered> {
    bench.installations.known(&id(number)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_known_at_once() {
    let bench = bench();
    bench
        .installations
        .remember(installation(1), Some(token("t", 60)));
    assert_eq!(known(&bench, 1).installation, installation(1));
    assert_eq!(token_of(&known(&bench, 1)), Some("t"));
    assert_eq!(bench.store.save_count(), 0);
    assert!(bench.installations.known(&id(2)).is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_when_nothing_changed() {
    let bench = bench();
    let mut event = installation(1);
    event.site_url = None;
    for _ in 0..3 {
        bench.clock.advance(Duration::from_mins(10));
        let token = Some(token("t", 60));
        bench.installations.remember(installation(1), token.clone());
        bench.installations.remember(event.clone(), token);
        bench.installations.remember(installation(1), None);
        bench.installations.flush().await;
    }
    assert_eq!(bench.store.save_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_change_is_one_write() {
    let bench = bench();
    bench
        .installations
        .remember(installation(1), Some(token("t", 60)));
    bench.installations.flush().await;
    let mut changed = installation(1);
    changed.license_active = Some(false);
    changed.contexts.pop();
    let steps = [
        (changed.clone(), None, 0),
        (changed.clone(), Some(token("longer", 61)), 0),
        (changed.clone(), None, 60),
    ];
    for (at, (installation, token, minutes)) in steps.into_iter().enumerate() {
        bench.clock.advance(Duration::from_mins(minutes));
        bench.installations.remember(installation, token);
        bench.installations.flush().await;
        assert_eq!(bench.store.save_count(), at + 2);
    }
    let stored = bench.store.get(id(1)).unwrap();
    assert_eq!(stored.installation, changed);
    assert_eq!(token_of(&stored), Some("longer"));
    assert_eq!(stored.last_seen, NOW.plus(Duration::from_hours(1)));
}

#[tokio::test(start_paused = true)]
async fn a_shorter_lived_token_changes_nothing() {
    let bench = bench();
    for (text, minutes) in [("long", 60), ("short", 30)] {
        bench
            .installations
            .remember(installation(1), Some(token(text, minutes)));
        bench.installations.flush().await;
    }
    assert_eq!(token_of(&known(&bench, 1)), Some("long"));
    assert_eq!(bench.store.save_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_arrives_together_is_written_together() {
    let bench = bench();
    for number in 0..300 {
        bench.installations.remember(installation(number), None);
    }
    bench.installations.flush().await;
    let sizes: Vec<_> = bench
        .store
        .saves
        .lock()
        .unwrap()
        .iter()
        .map(Vec::len)
        .collect();
    assert_eq!(sizes, [128, 128, 44]);
    assert!(bench.store.get(id(299)).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_once_for_what_memory_lacks() {
    let bench = bench_on(FakeStore::holding([record(
        installation(1),
        Some(token("t", 60)),
    )]));
    for _ in 0..2 {
        let found = bench.find(1).await.unwrap().unwrap();
        assert_eq!(token_of(&found), Some("t"));
    }
    assert_eq!(bench.store.loads.load(SeqCst), 1);
    assert!(bench.find(2).await.unwrap().is_none());
    assert_eq!(bench.store.save_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_replica_is_found_when_ours_has_lapsed() {
    let bench = bench();
    bench
        .installations
        .remember(installation(1), Some(token("ours", 60)));
    bench.installations.flush().await;
    let theirs = record(installation(1), Some(token("theirs", 120)));
    bench.store.save(&[theirs]).await.unwrap();
    let find = async || bench.find(1).await.unwrap().unwrap();
    assert_eq!(token_of(&*find().await), Some("ours"));
    bench.clock.advance(Duration::from_hours(1));
    assert_eq!(token_of(&*find().await), Some("theirs"));
    assert_eq!(token_of(&known(&bench, 1)), Some("theirs"));
}

#[tokio::test(start_paused = true)]
async fn a_stored_record_does_not_overwrite_newer_memory() {
    let mut old = installation(1);
    old.app_version = Some("1.0.0".into());
    let bench = bench_on(FakeStore::holding([record(old, Some(token("old", 30)))]));
    bench.store.loading.forget_permits(1000);
    let (found, ()) = tokio::join!(bench.find(1), async {
        // The load has read the old record and has not returned yet.
        until(|| bench.store.loads.load(SeqCst) == 1).await;
        bench.clock.advance(Duration::from_secs(1));
        bench
            .installations
            .remember(installation(1), Some(token("new", 60)));
        bench.store.loading.add_permits(1000);
    });
    let found = found.unwrap().unwrap();
    assert_eq!(found.installation, installation(1));
    assert_eq!(token_of(&found), Some("new"));
    assert_eq!(known(&bench, 1).installation, installation(1));
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_an_event_does_not_hide_what_the_store_knows() {
    let bench = bench_on(FakeStore::holding([record(
        installation(1),
        Some(token("stored", 90)),
    )]));
    let mut event = installation(1);
    event.site_url = None;
    bench
        .installations
        .remember(event, Some(token("event", 60)));
    bench.installations.flush().await;
    until(|| known(&bench, 1).installation == installation(1)).await;
    assert_eq!(token_of(&known(&bench, 1)), Some("stored"));
}

#[tokio::test(start_paused = true)]
async fn a_site_finds_what_is_stored_and_what_is_not_written_yet() {
    let earlier = Arc::new(Remembered {
        last_seen: Timestamp::from_unix(NOW.unix() - 9999),
        ..(*record(installation(1), None)).clone()
    });
    let moved = record(installation(3), None);
    let bench = bench_on(FakeStore::holding([earlier, moved]));
    bench.store.saving.forget_permits(1000);
    bench.installations.remember(installation(2), None);
    let mut elsewhere = installation(3);
    elsewhere.contexts.clear();
    bench.clock.advance(Duration::from_secs(1));
    bench.installations.remember(elsewhere, None);
    let site = async |name| -> Vec<_> {
        let found = bench.installations.of_cloud(&cloud(name)).await.unwrap();
        found.iter().map(|it| it.installation.id).collect()
    };
    assert_eq!(site("quarry").await, [id(2), id(1)]);
    // Now as a batch that is being written.
    until(|| bench.store.save_count() == 1).await;
    assert_eq!(site("quarry").await, [id(2), id(1)]);
    bench.store.saving.add_permits(1000);
    bench.installations.flush().await;
    assert_eq!(site("quarry").await, [id(2), id(1)]);
    assert!(site("other").await.is_empty());
}
