//! What happens when a product breaks, a sender is slow, or the remote dies.

use crate::conformance::rule::Rule;

pub(super) static RULES: &[Rule] = &[];
