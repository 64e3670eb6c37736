//! One installation of the app on one site, all of it made up for this run.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use uuid::Uuid;

use super::{
    fault::{Fault, Faults, On},
    lock,
    storage::Shelf,
};

/// A tenant: cheap to clone, and the same one then.
#[derive(Clone)]
pub(crate) struct Tenant(Arc<Inner>);

struct Inner {
    installation: Uuid,
    cloud: String,
    workspace: String,
    mark: String,
    users: Vec<String>,
    faults: Mutex<Faults>,
    shelf: Arc<Mutex<Shelf>>,
    exchange: Mutex<ExchangeRules>,
}

/// How the gateway answers exchanges of this tenant.
#[derive(Debug, Clone)]
pub(crate) struct ExchangeRules {
    /// `ttl` of what it hands out.
    pub(crate) ttl: Duration,
    /// Accounts that cannot be impersonated.
    pub(crate) refused: Vec<String>,
}

impl Tenant {
    pub(super) fn new() -> Self {
        let mark = short();
        let users = (0..4).map(|_| account(&mark)).collect();
        Self(Arc::new(Inner {
            installation: Uuid::new_v4(),
            cloud: Uuid::new_v4().to_string(),
            workspace: Uuid::new_v4().to_string(),
            mark,
            users,
            faults: Mutex::default(),
            shelf: Arc::default(),
            exchange: Mutex::new(ExchangeRules {
                ttl: Duration::from_hours(1),
                refused: Vec::new(),
            }),
        }))
    }

    /// The same site and users, a new installation, and what was stored is not found again.
    pub(super) fn reinstalled(&self) -> Self {
        Self(Arc::new(Inner {
            installation: Uuid::new_v4(),
            cloud: self.0.cloud.clone(),
            workspace: self.0.workspace.clone(),
            mark: short(),
            users: self.0.users.clone(),
            faults: Mutex::default(),
            shelf: Arc::default(),
            exchange: Mutex::new(lock(&self.0.exchange).clone()),
        }))
    }

    /// The installation's ARI.
    pub(crate) fn installation(&self) -> String {
        format!("ari:cloud:ecosystem::installation/{}", self.0.installation)
    }

    /// The installation's uuid, as lifecycle events name it.
    pub(crate) fn installation_uuid(&self) -> String {
        self.0.installation.to_string()
    }

    pub(crate) fn cloud_id(&self) -> &str {
        &self.0.cloud
    }

    /// Without braces.
    pub(crate) fn workspace_id(&self) -> &str {
        &self.0.workspace
    }

    pub(crate) fn site_url(&self) -> String {
        format!("https://{}.atlassian.net", self.0.mark)
    }

    /// A word that stands in everything that this tenant's products and storage say, and in no
    /// other tenant's.
    pub(crate) fn mark(&self) -> &str {
        &self.0.mark
    }

    /// Account ids. They hold the tenant's mark.
    pub(crate) fn users(&self) -> &[String] {
        &self.0.users
    }

    /// The first user: who is in session unless a rule says otherwise.
    pub(crate) fn user(&self) -> &str {
        &self.0.users[0]
    }

    /// From now on, `on` answers this tenant so. `Fault::None` ends it.
    pub(crate) fn fault(&self, on: On, fault: Fault) {
        lock(&self.0.faults).set(on, fault);
    }

    pub(super) fn fault_now(&self, on: On) -> Fault {
        lock(&self.0.faults).of(on)
    }

    pub(crate) fn exchange_rules(&self) -> ExchangeRules {
        lock(&self.0.exchange).clone()
    }

    pub(crate) fn set_exchange_rules(&self, rules: ExchangeRules) {
        *lock(&self.0.exchange) = rules;
    }

    pub(crate) fn shelf(&self) -> &Mutex<Shelf> {
        &self.0.shelf
    }
}

impl PartialEq for Tenant {
    fn eq(&self, other: &Self) -> bool {
        self.0.installation == other.0.installation
    }
}

/// Twelve letters and digits that nobody else has.
fn short() -> String {
    let mut text = Uuid::new_v4().simple().to_string();
    text.truncate(11);
    format!("k{text}")
}

/// In the form of the platform's newer account ids.
fn account(mark: &str) -> String {
    let uuid = Uuid::new_v4().to_string();
    // The mark takes the place of the last group, which is as long.
    let (start, _) = uuid.split_at(24);
    format!("712020:{start}{mark}")
}
