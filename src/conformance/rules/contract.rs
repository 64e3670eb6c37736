//! What an answer looks like, how large it is, and how late.

use crate::conformance::rule::Rule;

/// The tables of this group.
pub(super) static TABLES: [&[Rule]; 0] = [];
