//! What the inbox is worth on the machine at hand, measured from outside: a remote in a
//! process of its own, real HTTP, signed FITs, a store that syncs.
//!
//! ```sh
//! cargo bench --bench inbox -- ack       # acknowledged events/s at 64 connections
//! cargo bench --bench inbox -- drain     # memory and rate with 100,000 events waiting
//! cargo bench --bench inbox -- kill      # kill -9 under load, twenty rounds
//! cargo bench --bench inbox -- replicas  # two on one PostgreSQL, one killed at work
//! cargo bench --bench inbox -- full      # a full disk (mounts a small tmpfs: root)
//! ```
//!
//! Each takes `--postgres URL` to use that server instead of SQLite under `target/`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

#[path = "inbox/ack.rs"]
mod ack;
#[path = "inbox/atlassian.rs"]
mod atlassian;
#[path = "inbox/drain.rs"]
mod drain;
#[path = "inbox/full.rs"]
mod full;
#[path = "inbox/kill.rs"]
mod kill;
#[path = "inbox/load.rs"]
mod load;
#[path = "platform/played.rs"]
mod played;
#[path = "inbox/remote.rs"]
mod remote;
#[path = "inbox/replicas.rs"]
mod replicas;

use std::env;

/// Where the store of the remote under test is.
#[derive(Clone)]
enum Place {
    Sqlite,
    Postgres(String),
}

fn main() {
    if env::var_os(remote::MARK).is_some() {
        return remote::run();
    }
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    let option = arguments.iter().position(|it| it == "--postgres");
    let place = option.map_or(Place::Sqlite, |at| {
        Place::Postgres(arguments[at + 1].clone())
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        match arguments.first().map_or("ack", String::as_str) {
            "ack" => ack::measure(&place).await,
            "drain" => drain::measure(&place).await,
            "kill" => kill::rounds(&place).await,
            "replicas" => replicas::watch(&place).await,
            "full" => full::fill().await,
            other => println!("there is no `{other}`: ack, drain, kill, replicas or full"),
        }
    });
}
