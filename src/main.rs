//! The `forge-remote` command.

mod cli;

use std::process::ExitCode;

/// A request allocates some hundred times, and glibc's allocator takes a tenth of its time for
/// that. Of the command only: whoever builds on the library chooses for themselves.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
