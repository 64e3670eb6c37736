//! What the platform sends by itself: acknowledged in time, handled once.

use crate::conformance::rule::Rule;

pub(super) static RULES: &[Rule] = &[];
