//! Who is who: installation and account come from the FIT, and from nothing else.

use crate::conformance::rule::Rule;

pub(super) static RULES: &[Rule] = &[];
