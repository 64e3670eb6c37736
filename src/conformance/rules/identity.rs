//! Who is who: installation and account come from the FIT, and from nothing else.

mod background;
mod said;
mod tenants;
mod users;

use crate::conformance::rule::{Group, Rule};

const GROUP: Group = Group::Identity;

/// The tables of this group.
pub(super) static TABLES: [&[Rule]; 4] =
    [said::RULES, background::RULES, tenants::RULES, users::RULES];
