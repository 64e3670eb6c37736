//! Who may see as somebody else: site administrators, by the product's own word.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;
use serde::Deserialize;

use crate::{
    Error, ErrorCode, Invocation, UserActor,
    ids::{AccountId, InstallationId, Product},
};

/// The product's answer is remembered that long.
const MEMORY: Duration = Duration::from_mins(1);
const MOST_REMEMBERED: u64 = 10_000;

/// Asks the product whether the user in session is an administrator, at most once a minute.
///
/// Part of the state that each request gets a clone of: one count more, where the cache's own
/// clone is several.
#[derive(Clone)]
pub(super) struct Administrators(Arc<Cache<Asked, bool>>);

/// Product and account of one installation: an administrator of Jira is none of Confluence.
type Asked = (InstallationId, AccountId, Product);

impl Default for Administrators {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(MOST_REMEMBERED)
            .time_to_live(MEMORY)
            .build();
        Self(Arc::new(cache))
    }
}

impl Administrators {
    /// Refuses everybody but a site administrator in session.
    pub(super) async fn require(&self, invocation: &Invocation) -> Result<(), Error> {
        let user = invocation.as_user()?;
        let forbidden = || {
            let message = "Only a site administrator may see as somebody else.";
            Error::new(ErrorCode::Forbidden, message)
        };
        let account = invocation.account().ok_or_else(forbidden)?;
        let product = invocation.product().ok_or_else(forbidden)?;
        let asked = (*invocation.installation(), account.clone(), product.clone());
        let administers = if let Some(known) = self.0.get(&asked) {
            known
        } else {
            let answer = administers(&user, product).await?;
            // Only an answer is remembered: a failure has returned above.
            self.0.insert(asked, answer);
            answer
        };
        if administers {
            Ok(())
        } else {
            Err(forbidden())
        }
    }
}

/// The product's word on whether `user` administers its site.
async fn administers(user: &UserActor, product: &Product) -> Result<bool, Error> {
    match product {
        Product::Confluence => {
            let confluence = user.confluence()?;
            let current = confluence.get("/wiki/rest/api/user/current");
            let user: Operations = current.query(&[("expand", "operations")]).json().await?;
            Ok(user.administer())
        }
        Product::Jira => {
            let jira = user.jira()?;
            let permissions = jira.get("/rest/api/3/mypermissions");
            let granted: Permissions = permissions
                .query(&[("permissions", "ADMINISTER")])
                .json()
                .await?;
            Ok(granted.administer())
        }
        _ => Ok(false),
    }
}

/// Confluence: what the current user may do to the site.
#[derive(Deserialize)]
struct Operations {
    #[serde(default)]
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    operation: String,
    target_type: String,
}

impl Operations {
    fn administer(&self) -> bool {
        self.operations
            .iter()
            .any(|may| may.operation == "administer" && may.target_type == "application")
    }
}

/// Jira: which of the permissions asked for the current user has.
#[derive(Deserialize)]
struct Permissions {
    permissions: Asking,
}

#[derive(Deserialize)]
struct Asking {
    #[serde(rename = "ADMINISTER")]
    administer: Option<Permission>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    have_permission: bool,
}

impl Permissions {
    fn administer(&self) -> bool {
        self.permissions
            .administer
            .as_ref()
            .is_some_and(|permission| permission.have_permission)
    }
}
