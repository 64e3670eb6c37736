use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use super::*;

impl Lookup<u64> for u64 {
    fn is(&self, key: &u64) -> bool {
        self == key
    }

    fn to_key(&self) -> u64 {
        *self
    }
}

fn has(cache: &Cache<u64, u64>, key: u64) -> bool {
    cache.get(&key, |value| *value == key) == Some(true)
}

#[test]
fn what_is_put_is_found_and_what_is_put_again_replaced() {
    let cache = Cache::new(10);
    assert_eq!(cache.get(&1_u64, |value: &&str| *value), None);
    cache.put(&1, "one");
    cache.put(&2, "two");
    cache.put(&1, "another");
    assert_eq!(cache.get(&1, |value| *value), Some("another"));
    assert_eq!(cache.get(&2, |value| *value), Some("two"));
    assert_eq!(cache.len(), 2);
}

#[test]
fn an_update_sees_what_is_there_and_does_what_it_says() {
    let cache: Cache<u64, u64> = Cache::new(10);
    cache.update(&1, |value| {
        assert_eq!(value, None);
        Change::Keep
    });
    assert_eq!(cache.len(), 0);
    cache.update(&1, |_| Change::Put(5));
    cache.update(&1, |value| Change::Put(value.map_or(0, |value| value + 1)));
    cache.update(&1, |_| Change::Keep);
    assert_eq!(cache.get(&1, |value| *value), Some(6));
    for _ in 0..2 {
        cache.update(&1, |_| Change::Remove);
        assert_eq!(cache.get(&1, |value| *value), None);
    }
    assert_eq!(cache.len(), 0);
}

#[test]
fn it_never_holds_more_than_it_may_and_the_last_one_is_always_there() {
    for most in [1, 2, 7, 1_000, 10_000] {
        let cache = Cache::new(most);
        for key in 0..u64::try_from(most * 5 / 2).unwrap() {
            cache.put(&key, key);
            assert!(has(&cache, key), "{key} of at most {most}");
            assert!(cache.len() <= most);
        }
        let full = cache.len();
        assert!(full * 100 >= most * 95, "{full} of {most}");
    }
}

#[test]
fn no_room_at_all_is_room_for_one() {
    let cache = Cache::new(0);
    cache.put(&1, 1);
    assert!(has(&cache, 1));
}

#[test]
fn what_is_in_use_stays_while_others_come_and_go() {
    let cache = Cache::new(100);
    for key in 0..50 {
        cache.put(&key, key);
    }
    for key in 1_000..3_000 {
        cache.put(&key, key);
        for used in 0..50 {
            assert!(has(&cache, used), "{used} when {key} came");
        }
    }
}

#[test]
fn a_newcomer_stays_for_a_tour_of_the_hand() {
    let cache = Cache::new(100);
    for key in 0..1_000 {
        cache.put(&key, key);
        let oldest = u64::saturating_sub(key, 99);
        assert!(has_unmarked(&cache, oldest), "{oldest} when {key} came");
    }
}

/// Looks without leaving a mark.
fn has_unmarked(cache: &Cache<u64, u64>, key: u64) -> bool {
    cache.parts[0].read().entries.iter().any(|it| it.key == key)
}

#[test]
fn where_all_are_in_use_a_newcomer_gets_a_place_after_a_short_search() {
    let cache = Cache::new(4_000);
    for key in 0..4_000 {
        cache.put(&key, key);
        assert!(has(&cache, key));
    }
    cache.put(&5_000, 5_000);
    assert!(has(&cache, 5_000));
    let marked = |entry: &&Entry<u64, u64>| entry.used.load(SeqCst);
    let content = cache.parts[0].read();
    let unmarked = 4_000 - content.entries.iter().filter(marked).count();
    assert!(unmarked <= LONGEST_SEARCH, "{unmarked}");
}

#[test]
fn what_is_not_to_be_kept_goes_and_the_rest_is_still_found() {
    let cache = Cache::new(20_000);
    for key in 0..9_000 {
        cache.put(&key, key);
    }
    cache.retain(|key, value| {
        assert_eq!(key, value);
        key % 3 == 0
    });
    assert_eq!(cache.len(), 3_000);
    for key in 0..9_000 {
        assert_eq!(has(&cache, key), key % 3 == 0, "{key}");
    }
    cache.retain(|_, _| false);
    assert_eq!(cache.len(), 0);
}

#[test]
fn what_has_to_go_goes_also_when_others_move_meanwhile() {
    let cache: Arc<Cache<u64, u64>> = Arc::new(Cache::new(20_000));
    for key in 0..10_000 {
        cache.put(&key, key);
    }
    let over = Arc::new(AtomicUsize::new(0));
    let others = {
        let (cache, over) = (Arc::clone(&cache), Arc::clone(&over));
        std::thread::spawn(move || {
            while over.load(SeqCst) == 0 {
                // Even keys only, which nobody wants to go.
                for key in (10_000..11_000).step_by(2) {
                    cache.put(&key, key);
                }
                for key in (10_000..11_000).step_by(2) {
                    cache.update(&key, |_| Change::Remove);
                }
            }
        })
    };
    for _ in 0..20 {
        cache.retain(|key, _| key % 2 == 0);
        for key in (1..10_000).step_by(2) {
            assert!(!has(&cache, key), "{key}");
        }
        for key in (1..10_000).step_by(2) {
            cache.put(&key, key);
        }
    }
    over.store(1, SeqCst);
    others.join().unwrap();
    assert_eq!(cache.len(), 10_000);
}

#[test]
fn what_goes_is_dropped_when_the_lock_is_free() {
    struct Looks(Arc<Cache<u64, Self>>, Arc<AtomicUsize>);
    impl Drop for Looks {
        fn drop(&mut self) {
            // Would wait for ever if the lock were held.
            self.0.get(&77, |_| ());
            self.1.fetch_add(1, SeqCst);
        }
    }
    let cache = Arc::new(Cache::new(2));
    let dropped = Arc::new(AtomicUsize::new(0));
    let looks = || Looks(Arc::clone(&cache), Arc::clone(&dropped));
    for key in [1, 1, 2, 3] {
        cache.put(&key, looks());
    }
    assert_eq!(dropped.load(SeqCst), 2, "one replaced, one put out");
    cache.update(&3, |_| Change::Remove);
    cache.retain(|_, _| false);
    assert_eq!(dropped.load(SeqCst), 4);
}

#[test]
fn threads_find_what_is_theirs() {
    let cache: Arc<Cache<u64, u64>> = Arc::new(Cache::new(50_000));
    let threads: Vec<_> = (0..4_u64)
        .map(|thread| {
            let cache = Arc::clone(&cache);
            std::thread::spawn(move || {
                for round in 0..5_000 {
                    let key = round * 4 + thread;
                    cache.put(&key, key);
                    assert!(has(&cache, key));
                    if round % 2 == 0 {
                        cache.update(&key, |_| Change::Remove);
                        assert!(!has(&cache, key));
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(cache.len(), 10_000);
}
