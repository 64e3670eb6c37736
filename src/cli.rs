//! Commands, their options, and what they say when they fail.

mod backup;
#[cfg(feature = "conformance")]
mod check;
mod config;
#[cfg(feature = "emulator")]
mod dev;
mod health;
mod inbox;
mod keys;
mod panics;
mod serve;

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};

/// For threads that still work once everything else has ended.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Runs the backend of an Atlassian Forge app.
#[derive(Debug, Parser)]
#[command(name = "forge-remote", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Settings come from config/default.toml, config/<FORGE_REMOTE_ENV>.toml and variables such as
FORGE_REMOTE__SERVER__LISTEN; `forge-remote config` shows them all.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the remote (the default)
    Serve,
    /// Run the remote and an emulated Forge platform: no Atlassian account, no network
    #[cfg(feature = "emulator")]
    #[command(after_help = dev::EXAMPLES)]
    Dev(dev::Options),
    /// Play the platform against any running remote and report, rule by rule, what is wrong
    #[cfg(feature = "conformance")]
    #[command(after_help = check::EXAMPLES)]
    Check(Box<check::Options>),
    /// Look at the jobs of the store and replay dead letters, also while the remote runs
    Inbox(inbox::Options),
    /// Make a key, see which keys have sealed what is stored, and seal it anew, also while the
    /// remote runs
    Keys(keys::Options),
    /// Copy the SQLite file of the store into a new file, also while the remote runs
    Backup(backup::Backup),
    /// Put a backup in the place of the SQLite file of the store, while no remote runs
    Restore(backup::Restore),
    /// Print the settings in force and where each came from, secrets redacted
    Config,
    /// Ask the admin listener of a running remote whether it lives; for container health checks
    Health,
}

/// Runs the command that was asked for. Exit code 2 means wrong settings, 3 that keys are still
/// in use beside the one that seals, 1 any other failure.
pub(crate) fn run() -> ExitCode {
    let outcome = match Cli::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(),
        #[cfg(feature = "emulator")]
        Command::Dev(options) => dev::run(&options),
        #[cfg(feature = "conformance")]
        Command::Check(options) => match check::run(&options) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Inbox(options) => inbox::run(&options),
        Command::Keys(options) => keys::run(&options),
        Command::Backup(options) => backup::backup(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::Config => config::run(),
        Command::Health => health::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<keys::NotYet>() => ExitCode::from(3),
        Err(error) => {
            complain(&error);
            let settings = error.is::<forge_remote::config::ConfigError>();
            ExitCode::from(if settings { 2 } else { 1 })
        }
    }
}

/// How many turns a worker takes from its own queue before it takes one from the queue of all.
/// What does not fit into the former goes to the latter; with the runtime's own choice, up to a
/// hundred turns, it waits there for ever so long while new work comes. When more is to be done
/// than can be, that is where most connections wait.
const GLOBAL_QUEUE_INTERVAL: u32 = 2;

/// Runs `work` to its end. A thread that a handler left blocked does not hold the process.
fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .global_queue_interval(GLOBAL_QUEUE_INTERVAL)
        .build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_PATIENCE);
    outcome
}

#[expect(
    clippy::print_stderr,
    reason = "the answer to whoever typed the command"
)]
fn complain(error: &anyhow::Error) {
    eprintln!("forge-remote: {error:#}");
}
