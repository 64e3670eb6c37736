use super::Caught;

pub(in crate::check) const FLAWS: &[Caught] = &[];
