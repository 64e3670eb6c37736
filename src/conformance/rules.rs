//! The catalogue: one file for each group, each with its table and the functions behind it.

mod authentication;
mod contract;
mod events;
mod identity;
mod resilience;
mod tokens;
mod trail;

pub(super) use authentication::KeyPlay;
pub(super) use resilience::RestartPlay;

use super::rule::Rule;

/// The groups' tables in the order of a report. A group may have several, one for each file.
pub(super) static ALL: [&[&[Rule]]; 6] = [
    &authentication::TABLES,
    &contract::TABLES,
    &identity::TABLES,
    &tokens::TABLES,
    &events::TABLES,
    &resilience::TABLES,
];
