//! What all of it costs a process of its own.

use std::time::Duration;

use futures_util::future::join_all;

use super::in_time;
use crate::support::{
    caller::Fit,
    place::Place,
    remote::Serve,
    site::Site,
    wire::{TEN_GB, Wire, bomb, whole},
};

/// Above what it had before. Four answers at once, up to 16 MiB each, in buffers that have
/// just doubled and been copied, and as much again for what an allocator keeps.
const ROOM_KIB: u64 = 256 << 10;

#[tokio::test]
async fn ten_gigabytes_of_anything_fit_into_a_bounded_memory() {
    let place = Place::sqlite();
    let site = Site::start(Duration::ZERO).await;
    let remote = Serve::new(&place, &site).start().await;
    let good = || {
        let caller = remote.anybody().with_fit().app_token().user_token();
        in_time(caller.get("/api/content"))
    };
    let _ = good().await.ok();
    let before = remote.most_memory_kib();
    let block = vec![b' '; 64 << 10];
    let length = format!("HTTP/1.1 200 OK\r\ncontent-length: {TEN_GB}\r\n\r\n");
    let (packed, packed_block) = bomb(b' ');
    for (head, block) in [
        (length.into_bytes(), block.clone()),
        (b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), block.clone()),
        (b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(), block),
        (packed, packed_block),
        (b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-a: b\r\n".repeat(1024)),
    ] {
        let wire = Wire::flooding(head, block).await;
        let url = wire.url();
        join_all((0..4).map(async |_| {
            let caller = remote.anybody().fit(|_| Fit::of(&url));
            let caller = caller.with_fit().app_token().user_token();
            let answer = in_time(caller.get("/api/content")).await;
            assert_ne!(answer.status, 200);
        }))
        .await;
        let _ = good().await.ok();
    }
    // As a tree of values it would have thirty times its size.
    let numbers = "1,".repeat(7 << 20);
    let wire = Wire::saying(whole(&format!("{{\"results\":[{numbers}1]}}"))).await;
    let caller = remote.anybody().fit(|_| Fit::of(&wire.url()));
    let caller = caller.with_fit().app_token().user_token();
    let answer = in_time(caller.get("/api/content")).await;
    assert_eq!(answer.status, 502);
    let grown = remote.most_memory_kib() - before;
    assert!(grown < ROOM_KIB, "{grown} KiB");
}
