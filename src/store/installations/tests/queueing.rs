use std::pin::pin;

use futures_util::FutureExt;

use super::*;
use crate::store::tests::fixtures::bare;

/// What arrives after memory has evicted an installation does not lie over it.
fn after_eviction() -> Arc<Remembered> {
    let mut event = installation(1);
    event.site_url = None;
    event.app_version = Some("5.0.0".into());
    record(event, None)
}

fn assert_merged(queue: &Queue) {
    let queued = queue.get(id(1)).unwrap();
    let installation = &queued.installation;
    assert_eq!(installation.app_version.as_deref(), Some("5.0.0"));
    assert!(installation.site_url.is_some());
    assert_eq!(token_of(&queued), Some("t"));
    assert_eq!(queue.len(), 1);
}

#[tokio::test]
async fn the_latest_record_keeps_what_an_earlier_one_brought() {
    let queue = Queue::new();
    queue.push(record(installation(1), Some(token("t", 60))), true);
    queue.push(after_eviction(), false);
    assert_merged(&queue);
    assert!(queue.next().await);
    assert!(queue.batch()[0].first);
}

#[tokio::test]
async fn what_could_not_be_written_goes_back_under_what_came_since() {
    let queue = Queue::new();
    queue.push(record(installation(1), Some(token("t", 60))), true);
    assert!(queue.next().await);
    queue.push(after_eviction(), false);
    assert_eq!(queue.len(), 2);
    queue.failed();
    assert_merged(&queue);
    assert!(queue.next().await);
    assert!(queue.batch()[0].first);
}

#[tokio::test]
async fn a_full_queue_takes_changes_of_what_it_holds_and_nothing_new() {
    let logs = Logs::capture();
    let queue = Queue::new();
    for number in 0..100_000 {
        queue.push(record(bare(number), None), false);
    }
    queue.push(record(installation(1), None), false);
    queue.push(record(bare(200_000), None), false);
    queue.push(record(bare(200_001), None), false);
    assert_eq!(queue.len(), 100_000);
    assert_eq!(queue.get(id(1)).unwrap().installation, installation(1));
    assert!(queue.get(id(200_000)).is_none());
    assert_eq!(logs.count("WARN", "too many installations"), 1);
}

#[tokio::test]
async fn whoever_waits_for_a_write_does_not_wait_for_what_came_after() {
    let queue = Queue::new();
    queue.push(record(installation(1), Some(token("t", 60))), true);
    let mut written = pin!(queue.written(id(1)));
    assert_eq!(written.as_mut().now_or_never(), None);
    assert!(queue.next().await);
    queue.push(after_eviction(), false);
    queue.failed();
    assert_eq!(written.as_mut().now_or_never(), None);
    assert!(queue.next().await);
    queue.push(after_eviction(), false);
    assert_eq!(written.as_mut().now_or_never(), None);
    queue.done();
    assert_eq!(written.as_mut().now_or_never(), Some(()));
    assert_eq!(queue.written(id(1)).now_or_never(), None);
}
