//! Where an impersonated token is to be valid: a context of the installation.

use std::fmt;

use crate::ids::{CloudId, Product, WorkspaceId};

/// Name of a context, as the gateway takes it in `contextIds`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContextAri(String);

impl ContextAri {
    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContextAri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One product in one place, where the app is installed: taken from a context of the FIT.
///
/// Use the one of the product that is going to be called.
///
/// ```
/// use forge_remote::{ids::Product, impersonation::ContextId};
/// let context = ContextId::site(Product::Confluence, "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85".parse()?);
/// let (ari, other) = context.forms();
/// assert_eq!(ari.as_str(), "ari:cloud:confluence::site/3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85");
/// assert!(other.is_none());
/// # Ok::<(), forge_remote::ids::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContextId(Place);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Site(Product, CloudId),
    Workspace(WorkspaceId),
}

impl ContextId {
    /// A product of a site: Jira, Confluence, Compass and any later one that has a cloud id.
    #[must_use]
    pub const fn site(product: Product, cloud: CloudId) -> Self {
        Self(Place::Site(product, cloud))
    }

    /// A Bitbucket workspace.
    #[must_use]
    pub const fn workspace(workspace: WorkspaceId) -> Self {
        Self(Place::Workspace(workspace))
    }

    /// The product that a token for this context is meant for.
    #[must_use]
    pub const fn product(&self) -> &Product {
        match &self.0 {
            Place::Site(product, _) => product,
            Place::Workspace(_) => &Product::Bitbucket,
        }
    }

    /// What kind of place it is, in a word, and its id.
    pub(super) fn place(&self) -> (&'static str, &str) {
        match &self.0 {
            Place::Site(_, cloud) => ("site", cloud.as_str()),
            Place::Workspace(workspace) => ("workspace", workspace.as_str()),
        }
    }

    /// How the context is written: the documented form first, and another if there is one.
    ///
    /// Jira has two. Its site form is documented; where the gateway could not load
    /// permissions for it, a vendor's engineer recommended the workspace form with
    /// the cloud id in both places. Bitbucket's form is known from another feature only.
    #[must_use]
    pub fn forms(&self) -> (ContextAri, Option<ContextAri>) {
        match &self.0 {
            Place::Site(product, cloud) => {
                let site = ContextAri(format!("ari:cloud:{product}::site/{cloud}"));
                let workspace = (*product == Product::Jira)
                    .then(|| ContextAri(format!("ari:cloud:jira:{cloud}:workspace/{cloud}")));
                (site, workspace)
            }
            Place::Workspace(workspace) => {
                let ari = ContextAri(format!("ari:cloud:bitbucket::workspace/{workspace}"));
                (ari, None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUD: &str = "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";

    #[test]
    fn jira_has_a_second_form() {
        let (first, second) = ContextId::site(Product::Jira, CLOUD.parse().unwrap()).forms();
        assert_eq!(first.as_str(), format!("ari:cloud:jira::site/{CLOUD}"));
        assert_eq!(
            second.unwrap().as_str(),
            format!("ari:cloud:jira:{CLOUD}:workspace/{CLOUD}")
        );
    }

    #[test]
    fn other_products_have_one() {
        for product in ["confluence", "compass", "loom"] {
            let (only, none) =
                ContextId::site(Product::from(product), CLOUD.parse().unwrap()).forms();
            assert_eq!(only.as_str(), format!("ari:cloud:{product}::site/{CLOUD}"));
            assert_eq!(none, None);
        }
    }

    #[test]
    fn a_workspace_is_written_without_braces() {
        let id = "{d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63}".parse().unwrap();
        let context = ContextId::workspace(id);
        assert_eq!(context.product(), &Product::Bitbucket);
        assert_eq!(
            context.forms().0.as_str(),
            "ari:cloud:bitbucket::workspace/d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63"
        );
    }
}
