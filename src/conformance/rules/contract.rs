//! What an answer looks like, how large it is, and how late.

use crate::conformance::rule::Rule;

pub(super) static RULES: &[Rule] = &[];
