//! Which token goes where, and where none may go.

use crate::conformance::rule::Rule;

pub(super) static RULES: &[Rule] = &[];
