use super::{Caught, Flaw};

/// It demands a claim that is optional.
pub(in crate::check) const REFUSES_ALL: Flaw = Flaw("refuses every FIT");
pub(in crate::check) const TAKES_EXPIRED: Flaw = Flaw("takes expired FITs");

pub(in crate::check) const FLAWS: &[Caught] = &[
    ("fit-good-accepted", REFUSES_ALL),
    ("fit-expired-refused", TAKES_EXPIRED),
];
