//! The site that is played: who works there, and what each of them may see.
//!
//! The same list of pages looks different to everybody, so that it shows at a
//! glance on whose behalf a call was made.

mod pages;

use uuid::Uuid;

use crate::ids::CloudId;

#[cfg(test)]
use pages::SPACES;
pub(super) use pages::{PAGES, Page};

/// Where the site lives, as browsers see it. Nothing here ever asks it.
pub(super) const SITE_URL: &str = "https://quarry.atlassian.net";
const CLOUD_ID: &str = "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
const ENVIRONMENT: &str = "f2a4c8d1-7b3e-4e59-8a60-1c9d2e7f4b38";

/// An account of the site.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) account_id: &'static str,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    /// What the person does there, for the console.
    pub(super) role: &'static str,
    pub(super) time_zone: &'static str,
    pub(super) administrator: bool,
    /// Deactivated accounts cannot use the site and cannot be impersonated.
    pub(super) active: bool,
}

pub(super) const MIRA: &str = "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458";
pub(super) const JONAS: &str = "5f3c9a1be8d2470071b64c0d";
pub(super) const PRIYA: &str = "712020:0c9e4a17-62bd-4d38-91f5-a8b3d07e2c64";
pub(super) const TOMAS: &str = "712020:e71f5b08-3ac4-4962-8d1b-5f9027c6ad13";
/// The app's bot account, on whose behalf its own token speaks.
pub(super) const BOT: &str = "712020:b5a8f2d0-17e6-4c93-a04b-9de3617cf852";

/// Everybody. The last one has left and cannot sign in.
pub(super) const USERS: &[User] = &[
    User {
        account_id: MIRA,
        name: "Mira Okafor",
        email: "mira@quarry.example",
        role: "site administrator",
        time_zone: "Europe/Berlin",
        administrator: true,
        active: true,
    },
    User {
        account_id: JONAS,
        name: "Jonas Lindqvist",
        email: "jonas@quarry.example",
        role: "backend engineer",
        time_zone: "Europe/Stockholm",
        administrator: false,
        active: true,
    },
    User {
        account_id: PRIYA,
        name: "Priya Raman",
        email: "priya@quarry.example",
        role: "people partner",
        time_zone: "Asia/Kolkata",
        administrator: false,
        active: true,
    },
    User {
        account_id: TOMAS,
        name: "Tomás Ferreira",
        email: "tomas@quarry.example",
        role: "has left the company",
        time_zone: "Europe/Lisbon",
        administrator: false,
        active: false,
    },
];

/// Those who can sign in.
pub(super) fn active_users() -> impl Iterator<Item = &'static User> {
    USERS.iter().filter(|user| user.active)
}

pub(super) fn user(account_id: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.account_id == account_id)
}

/// Who may see a page or an issue.
#[derive(Debug, Clone, Copy)]
pub(super) enum Audience {
    /// Everybody, the app's bot included.
    Everyone,
    /// Every person; the bot was not let in.
    People,
    /// These accounts only.
    Only(&'static [&'static str]),
}

impl Audience {
    pub(super) fn admits(self, account_id: &str) -> bool {
        match self {
            Self::Everyone => true,
            Self::People => account_id != BOT,
            Self::Only(accounts) => accounts.contains(&account_id),
        }
    }

    pub(super) const fn is_restricted(self) -> bool {
        !matches!(self, Self::Everyone)
    }

    /// For the console: who may see it.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Everyone => "everybody".to_owned(),
            Self::People => "people, not the app".to_owned(),
            Self::Only(accounts) => accounts
                .iter()
                .filter_map(|account| user(account))
                .map(|user| user.name)
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

/// An issue of the Jira project.
#[derive(Debug)]
pub(super) struct Issue {
    pub(super) id: &'static str,
    pub(super) key: &'static str,
    pub(super) summary: &'static str,
    pub(super) kind: (&'static str, &'static str),
    pub(super) status: &'static str,
    pub(super) assignee: &'static str,
    pub(super) reporter: &'static str,
    pub(super) updated: &'static str,
    pub(super) audience: Audience,
}

pub(super) const PROJECT_KEY: &str = "QUA";
pub(super) const PROJECT_ID: &str = "10001";
pub(super) const PROJECT_NAME: &str = "Quarry platform";

pub(super) const ISSUES: &[Issue] = &[
    Issue {
        id: "10042",
        key: "QUA-17",
        summary: "Digest mails arrive twice after a deployment",
        kind: ("10002", "Task"),
        status: "In Progress",
        assignee: JONAS,
        reporter: MIRA,
        updated: "2026-11-19T09:12:44.000+0000",
        audience: Audience::Everyone,
    },
    Issue {
        id: "10043",
        key: "QUA-18",
        summary: "Session cookies survive a password change",
        kind: ("10004", "Bug"),
        status: "To Do",
        assignee: JONAS,
        reporter: MIRA,
        updated: "2026-11-20T15:40:02.000+0000",
        // A security level keeps it from everybody else.
        audience: Audience::Only(&[MIRA, JONAS]),
    },
    Issue {
        id: "10047",
        key: "QUA-21",
        summary: "Onboarding checklist forgets part-time colleagues",
        kind: ("10002", "Task"),
        status: "To Do",
        assignee: PRIYA,
        reporter: PRIYA,
        updated: "2026-11-17T11:05:30.000+0000",
        audience: Audience::Everyone,
    },
    Issue {
        id: "10051",
        key: "QUA-23",
        summary: "Search is slow for spaces with many attachments",
        kind: ("10004", "Bug"),
        status: "Done",
        assignee: JONAS,
        reporter: PRIYA,
        updated: "2026-11-12T08:21:13.000+0000",
        audience: Audience::People,
    },
];

/// The site's cloud id, as text.
pub(super) const fn cloud_id() -> &'static str {
    CLOUD_ID
}

/// Whether `id` is this site's.
pub(super) fn is_this_site(id: &str) -> bool {
    id.parse::<CloudId>()
        .is_ok_and(|id| id.as_str() == CLOUD_ID)
}

/// The environment the app is deployed to.
pub(super) const fn environment() -> &'static str {
    ENVIRONMENT
}

/// A random id as the platform writes them in claims.
pub(super) fn random_uuid() -> Uuid {
    Uuid::new_v4()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn seen_by(account: &str) -> Vec<&'static str> {
        PAGES
            .iter()
            .filter(|page| page.audience.admits(account))
            .map(|page| page.id)
            .collect()
    }

    #[test]
    fn everybody_sees_another_list_of_pages() {
        let lists: HashSet<_> = [MIRA, JONAS, PRIYA, BOT].map(seen_by).into_iter().collect();
        assert_eq!(lists.len(), 4);
        assert!(
            lists
                .iter()
                .all(|list| !list.is_empty() && list.len() < PAGES.len())
        );
    }

    #[test]
    fn ids_are_ids_and_none_is_used_twice() {
        let mut ids = HashSet::new();
        for user in USERS {
            user.account_id.parse::<crate::ids::AccountId>().unwrap();
            assert!(ids.insert(user.account_id));
        }
        for page in PAGES {
            assert!(ids.insert(page.id));
            assert!(SPACES.iter().any(|space| space.key == page.space));
        }
        CLOUD_ID.parse::<CloudId>().unwrap();
        ENVIRONMENT.parse::<crate::ids::EnvironmentId>().unwrap();
    }
}
