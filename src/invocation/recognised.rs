//! What a request turned out to be, for the layer that counts its answer.

use std::sync::{Arc, OnceLock};

use super::Kind;
use crate::fit::Fit;

/// Whose request it is: nobody's until its FIT is verified. An extension of the request, of
/// which the layer that put it there keeps a clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recognised(Arc<OnceLock<(Fit, Kind)>>);

impl Recognised {
    /// The FIT and what the platform wants, once the FIT is verified.
    pub(crate) fn get(&self) -> Option<&(Fit, Kind)> {
        self.0.get()
    }

    /// A request has one FIT: a second would not count.
    pub(super) fn by(&self, fit: &Fit, kind: Kind) {
        let _ = self.0.set((fit.clone(), kind));
    }
}
