//! Who uses the site, where, and in which standing: what a host page's form sets.

mod license;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;

use super::world::{self, Issue, Page, User};
pub use license::License;

/// Type of the environment that the app is deployed to (`app.environment.type`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Environment {
    /// Where `forge deploy` puts an app.
    #[default]
    Development,
    /// Where it is tried out.
    Staging,
    /// Where customers use it; here alone a license counts.
    Production,
}

impl Environment {
    pub(super) const ALL: [Self; 3] = [Self::Development, Self::Staging, Self::Production];

    /// As it stands in a FIT.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "DEVELOPMENT",
            Self::Staging => "STAGING",
            Self::Production => "PRODUCTION",
        }
    }
}

/// The product's colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    pub(super) const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// As the bridge's context names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What shall be different from now on; what is none stays as it is.
///
/// ```
/// use forge_remote::emulator::{Environment, License, SessionChange, Theme};
/// let change = SessionChange { license: Some(License::Evaluation), ..SessionChange::default() };
/// assert_eq!(License::Evaluation.name(), "evaluation");
/// assert_eq!((Environment::Staging.name(), Theme::Dark.name()), ("STAGING", "dark"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionChange {
    /// Account id of the user in session.
    pub user: Option<String>,
    /// Whether that user administers the site.
    pub administrator: Option<bool>,
    /// The app's license in the site.
    pub license: Option<License>,
    /// The environment that the app is deployed to.
    pub environment: Option<Environment>,
    /// The product's colours.
    pub theme: Option<Theme>,
    /// Id of the Confluence page that is open.
    pub page: Option<String>,
    /// Key of the Jira issue that is open.
    pub issue: Option<String>,
}

/// Why a session stays as it is.
///
/// ```
/// use forge_remote::emulator::{Running, SessionChange, SessionError};
/// fn is_there(emulator: &Running, issue: &str) -> bool {
///     let change = SessionChange { issue: Some(issue.to_owned()), ..SessionChange::default() };
///     !matches!(emulator.change_session(&change), Err(SessionError::UnknownIssue))
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Nobody of that account id can sign in to the site.
    #[error("no active user has that account id")]
    UnknownUser,
    /// The site has no such page.
    #[error("the site has no page of that id")]
    UnknownPage,
    /// The site has no such issue.
    #[error("the site has no issue of that key")]
    UnknownIssue,
}

/// The session as it is at one moment.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) user: &'static User,
    pub(super) license: License,
    pub(super) environment: Environment,
    pub(super) theme: Theme,
    pub(super) page: &'static Page,
    pub(super) issue: &'static Issue,
    /// Accounts for which the form said other than the site.
    administrators: BTreeMap<&'static str, bool>,
    /// Counts the changes: what was made for an earlier one is out of date.
    pub(super) revision: u64,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            user: &world::USERS[0],
            license: License::default(),
            environment: Environment::default(),
            theme: Theme::default(),
            page: &world::PAGES[0],
            issue: &world::ISSUES[0],
            administrators: BTreeMap::new(),
            revision: 0,
        }
    }
}

impl Session {
    /// Whether the products say of that account that it administers the site.
    pub(super) fn administers(&self, account_id: &str) -> bool {
        let said = self.administrators.get(account_id).copied();
        said.unwrap_or_else(|| world::user(account_id).is_some_and(|user| user.administrator))
    }

    fn changed(&self, change: &SessionChange) -> Result<Self, SessionError> {
        let mut next = self.clone();
        next.revision += 1;
        if let Some(account) = &change.user {
            next.user = world::active_users()
                .find(|user| user.account_id == account)
                .ok_or(SessionError::UnknownUser)?;
        }
        if let Some(id) = &change.page {
            let page = world::PAGES.iter().find(|page| page.id == id);
            next.page = page.ok_or(SessionError::UnknownPage)?;
        }
        if let Some(key) = &change.issue {
            let issue = world::ISSUES.iter().find(|issue| issue.key == key);
            next.issue = issue.ok_or(SessionError::UnknownIssue)?;
        }
        if let Some(administrator) = change.administrator {
            let account = next.user.account_id;
            next.administrators.insert(account, administrator);
        }
        next.license = change.license.unwrap_or(next.license);
        next.environment = change.environment.unwrap_or(next.environment);
        next.theme = change.theme.unwrap_or(next.theme);
        Ok(next)
    }
}

/// The session, changed as a whole.
#[derive(Debug, Default)]
pub(super) struct CurrentSession(ArcSwap<Session>);

impl CurrentSession {
    pub(super) fn get(&self) -> Arc<Session> {
        self.0.load_full()
    }

    /// All of the change, or none of it.
    pub(super) fn change(&self, change: &SessionChange) -> Result<(), SessionError> {
        let mut refused = None;
        self.0.rcu(|session| match session.changed(change) {
            Ok(next) => Arc::new(next),
            Err(error) => {
                refused = Some(error);
                Arc::clone(session)
            }
        });
        refused.map_or(Ok(()), Err)
    }
}
