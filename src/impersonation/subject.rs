//! Whom a token is for, and where.

use std::fmt;

use super::context::ContextId;
use crate::ids::{AccountId, AppId, IcLabel, InstallationId};

/// An account that the app wants to act as, in one context of one installation.
///
/// It is what tokens are cached by: two subjects never share one. `Debug` does not show the account.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The app; the quota is counted by it. It comes from a verified FIT or the settings.
    pub app: AppId,
    /// The installation whose token is exchanged.
    pub installation: InstallationId,
    /// The Isolated Cloud that the installation lives in, if it does.
    pub ic_label: Option<IcLabel>,
    /// The context of the product that is going to be called.
    pub context: ContextId,
    /// The account.
    pub account: AccountId,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("app", &self.app)
            .field("installation", &self.installation)
            .field("ic_label", &self.ic_label)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
