//! The whole service beside what people use today, in one run: this remote, a plain Node
//! remote, the strongest Node remote known, and a bare axum route, each a process of its
//! own, all asked the same by the same load generator and all in front of one upstream.
//!
//! ```sh
//! cargo bench --bench compare                      # everything, about twenty minutes
//! cargo bench --bench compare -- --markdown        # the tables of docs/performance.md
//! cargo bench --bench compare -- --scenario a,b --only forge-remote,bare --rounds 3
//! ```
//!
//! The answers of every remote are checked before anything is measured, and so is that it
//! refuses bad tokens. The Node remotes are in `compare/node/`: `npm ci` installs what they
//! need on the first run. Linux only: CPU time and memory are read from `/proc`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and the platform's side of it stops where it cannot go on"
)]

#[path = "compare/bare.rs"]
mod bare;
#[path = "compare/check.rs"]
mod check;
#[path = "compare/child.rs"]
mod child;
#[path = "compare/connection.rs"]
mod connection;
#[path = "compare/cpu.rs"]
mod cpu;
#[path = "compare/fits.rs"]
mod fits;
#[path = "compare/load.rs"]
mod load;
#[path = "compare/node.rs"]
mod node;
#[path = "compare/options.rs"]
mod options;
#[path = "platform/pinned.rs"]
mod pinned;
#[path = "platform/played.rs"]
mod played;
#[path = "compare/ratios.rs"]
mod ratios;
#[path = "compare/remotes.rs"]
mod remotes;
#[path = "compare/rounds.rs"]
mod rounds;
#[path = "compare/rsa.rs"]
mod rsa;
#[path = "compare/scenario.rs"]
mod scenario;
#[path = "compare/site.rs"]
mod site;
#[path = "compare/table.rs"]
mod table;
#[path = "compare/upstream.rs"]
mod upstream;

use std::{env, process::Command};

use anyhow::Result;
use clap::Parser;

use self::{
    child::Helper,
    fits::Fits,
    options::{Options, Role},
    played::{serve_keys, signing_key},
    remotes::{Place, Remote},
    rounds::Measured,
};

fn main() -> Result<()> {
    let options = Options::parse();
    match &options.role {
        Some(Role::Upstream) => upstream::run(),
        Some(Role::Bare { body }) => bare::run(body.clone()),
        Some(Role::Busy) => rsa::keep_busy(),
        None if pinned::again_on_a_core_of_its_own() => Ok(()),
        None => {
            // One thread sends: what it leaves of the machine is the remote's.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(compare(&options))
        }
    }
}

async fn compare(options: &Options) -> Result<()> {
    println!("{}; {}", cpu::machine()?, pinned::description());
    let kinds = options.remotes();
    if kinds.iter().any(|kind| kind.is_node()) {
        println!("Node {}", node::prepare()?);
    }
    let key = signing_key();
    let upstream = Helper::start(Command::new(env::current_exe()?).arg("upstream"))?;
    let place = Place::new(serve_keys(&key), upstream.address)?;
    let mut fits = Fits::new(key, &place.api());
    let mut remotes = Vec::new();
    for kind in kinds {
        let remote = Remote::start(kind, &place, &mut fits).await?;
        check::all(&remote, &options.scenarios(), &mut fits).await?;
        println!("{kind}: answers as it must");
        remotes.push(remote);
    }
    let mut measured = Measured::default();
    for scenario in options.scenarios() {
        measured
            .scenario(scenario, &remotes, &mut fits, options)
            .await?;
    }
    let ratios = ratios::of(&measured);
    if options.markdown {
        table::markdown(&measured, &ratios);
    } else {
        table::plain(&measured, &ratios);
    }
    Ok(())
}
