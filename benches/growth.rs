//! What a request costs with one, a thousand, a hundred thousand installations, accounts and
//! keys: processor time of the thread that does it, medians, and the memory of an entry.
//!
//! ```sh
//! cargo bench --bench growth                              # all of it, some minutes
//! cargo bench --bench growth -- accounts --markdown       # one of them, as a table for docs
//! cargo bench --bench growth -- --small                   # up to ten thousand only
//! ```
//!
//! There are `installations`, `accounts`, `keys` and `invocations`. Each part runs in a process
//! of its own, so that no part's memory is counted for another.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

#[path = "growth/accounts.rs"]
mod accounts;
#[path = "growth/installations.rs"]
mod installations;
#[path = "growth/invocations.rs"]
mod invocations;
#[path = "growth/keys.rs"]
mod keys;
#[path = "growth/measure.rs"]
mod measure;
#[path = "platform/played.rs"]
#[expect(dead_code, reason = "no address has to be chosen here")]
mod played;

use std::{env, process::Command};

const PARTS: [&str; 4] = ["installations", "accounts", "keys", "invocations"];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    let markdown = arguments.iter().any(|it| it == "--markdown");
    let most = if arguments.iter().any(|it| it == "--small") {
        10_000
    } else {
        usize::MAX
    };
    match arguments.iter().find(|it| !it.starts_with("--")) {
        Some(part) => run(part, most, markdown),
        None => {
            for part in PARTS {
                let mut child = Command::new(env::current_exe().unwrap());
                child.args(arguments.iter()).arg(part);
                assert!(child.status().unwrap().success(), "{part}");
            }
        }
    }
}

fn run(part: &str, most: usize, markdown: bool) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let table = match part {
        "installations" => installations::measure(&runtime, most),
        "accounts" => accounts::measure(&runtime, most),
        "keys" => keys::measure(&runtime),
        "invocations" => invocations::measure(&runtime, most),
        other => return println!("there is no `{other}`: {}", PARTS.join(", ")),
    };
    table.print(markdown);
}
