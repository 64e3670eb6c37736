//! What the platform demands of any remote, as rules that can be applied to an answer, and the
//! platform that asks a running remote about all of them.
//!
//! The rules know nothing of this crate's own server: they judge a remote in any
//! language. The emulator's verdict is made of those in [`answer`]; [`check`] is
//! `forge-remote check`.
//!
//! Needs the feature `conformance`.
//!
//! ```
//! use forge_remote::conformance::rule::{Group, Severity, catalogue};
//!
//! let must = catalogue().filter(|rule| rule.severity == Severity::Must);
//! for rule in must.filter(|rule| rule.group == Group::Authentication) {
//!     println!("{}: {} ({})", rule.id, rule.sentence, rule.source);
//! }
//! ```

pub mod answer;
pub mod check;
mod platform;
pub mod report;
pub mod rule;
mod rules;
mod wire;
