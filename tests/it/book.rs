//! The book under `docs/`, and the other pages of the repository: every block of code is held
//! against what it speaks of, and every link leads somewhere.
//!
//! The first word after the fence is the language. What is checked of it:
//!
//! | block | is |
//! |---|---|
//! | `rust` | compiled as a doc test: its page stands in `src/lib.rs` |
//! | `toml` | settings that the reader takes; with `[dependencies]` a part of a `Cargo.toml`; with `toml,file` any other file |
//! | `yaml` | parsed; with `yaml,manifest` taken by the emulator, a fragment laid over `book/base.yml` |
//! | `json`, `js` | parsed, the latter by Node |
//! | `sh` | parsed by bash; our own commands have their arguments checked; with `sh,run` it is run beside `forge-remote dev` |
//! | `promql` | its metrics are ones that the code counts; parsed by promtool where that is installed |
//! | `text` | left alone |

mod blocks;
mod cargo;
mod errors;
mod howto;
mod links;
mod manifest;
pub(crate) mod markdown;
pub(crate) mod pages;
mod paths;
mod promql;
mod run;
mod settings;
mod shell;
mod summary;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Fails with all of what is wrong, a line each.
#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
