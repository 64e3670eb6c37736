//! What can be wrong with a remote: for each rule at least one thing that it must catch.
//!
//! A flaw is a name that the reference remote asks for at the place where it does it wrong.

pub(super) mod authentication;
pub(super) mod contract;
pub(super) mod events;
pub(super) mod identity;
pub(super) mod resilience;
pub(super) mod tokens;

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flaw(&'static str);

/// Nothing is wrong.
pub(super) const NONE: Flaw = Flaw("none");

impl Flaw {
    pub(super) const fn name(self) -> &'static str {
        self.0
    }
}

/// A rule's id, and a flaw that it must catch.
pub(super) type Caught = (&'static str, Flaw);

pub(super) fn all() -> impl Iterator<Item = &'static Caught> {
    [
        authentication::FLAWS,
        contract::FLAWS,
        identity::FLAWS,
        tokens::FLAWS,
        events::FLAWS,
        resilience::FLAWS,
    ]
    .into_iter()
    .flatten()
}
