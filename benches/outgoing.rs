//! What a call to a product costs: one request through the app that ships, from the
//! router to the answer, with and without the call in it.
//!
//! `cargo bench --bench outgoing` prints the time and the allocations of each. For the
//! instructions, which are the same in each run, let callgrind count two runs of different
//! length, and divide the difference by the requests that one has more:
//!
//! ```text
//! valgrind --tool=callgrind target/release/deps/outgoing-… --calls user 1000
//! valgrind --tool=callgrind target/release/deps/outgoing-… --calls user 2000
//! ```
//!
//! The product is a process of its own, so that nothing of it is counted.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

#[path = "outgoing/app.rs"]
mod app;
#[path = "platform/played.rs"]
#[expect(dead_code, reason = "this one needs no address that is free")]
mod played;
#[path = "outgoing/product.rs"]
mod product;

use divan::{AllocProfiler, Bencher};

use self::app::{App, Asked};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [product::PLAY] => product::play(),
        ["--calls", asked, times] => calls(Asked::named(asked), times.parse().unwrap()),
        _ => divan::main(),
    }
}

/// That many requests, one after the other.
fn calls(asked: Asked, times: usize) {
    let app = App::start();
    for _ in 0..times {
        app.ask(asked);
    }
    println!("{times} answers");
}

/// The verified invocation as JSON: everything but a call.
#[divan::bench]
fn no_call(bencher: Bencher<'_, '_>) {
    bench(bencher, Asked::Invocation);
}

#[divan::bench]
fn content_as_user(bencher: Bencher<'_, '_>) {
    bench(bencher, Asked::User);
}

#[divan::bench]
fn content_as_app(bencher: Bencher<'_, '_>) {
    bench(bencher, Asked::App);
}

/// With the token of the account, and the word of the product on the administrator, at hand.
#[divan::bench]
fn content_as_account(bencher: Bencher<'_, '_>) {
    bench(bencher, Asked::Account);
}

fn bench(bencher: Bencher<'_, '_>, asked: Asked) {
    let app = App::start();
    app.ask(asked);
    bencher.bench_local(|| app.ask(asked));
}
