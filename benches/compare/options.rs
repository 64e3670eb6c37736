//! What the command line says.

use clap::{Parser, Subcommand};

use crate::{remotes::Kind, scenario::Scenario};

/// Measures this remote beside Node remotes and a bare axum route.
#[derive(Debug, Parser)]
#[command(name = "compare", disable_help_subcommand = true)]
pub(crate) struct Options {
    /// Rounds that count; one more comes first, and is dropped.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Requests per round and remote; a quarter where each makes an outgoing call. The
    /// kernel counts CPU time in hundredths of a second: fewer make it coarse.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(4..))]
    requests: u32,
    /// Connections, each with one request on its way.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) connections: u16,
    /// Only these remotes.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Only these scenarios.
    #[arg(long, value_enum, value_delimiter = ',')]
    scenario: Vec<Scenario>,
    /// Prints the tables of the documentation.
    #[arg(long)]
    pub(crate) markdown: bool,
    /// `cargo bench` passes it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What this program is when it has started itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// The product and the gateway.
    #[command(hide = true)]
    Upstream,
    /// An axum route that answers `body`.
    #[command(hide = true)]
    Bare { body: String },
    /// Nothing, with all its might.
    #[command(hide = true)]
    Busy,
}

impl Options {
    /// The remotes to measure, in the order of the table.
    pub(crate) fn remotes(&self) -> Vec<Kind> {
        chosen(&self.only)
    }

    /// The scenarios to measure.
    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        chosen(&self.scenario)
    }

    /// How many requests a round has.
    pub(crate) fn requests(&self, scenario: Scenario) -> usize {
        let requests = self.requests as usize;
        if scenario.calls_out() {
            requests / 4
        } else {
            requests
        }
    }
}

/// All of them unless some are named.
fn chosen<Choice: clap::ValueEnum + PartialEq>(named: &[Choice]) -> Vec<Choice> {
    let all = Choice::value_variants().iter();
    all.filter(|one| named.is_empty() || named.contains(one))
        .cloned()
        .collect()
}
