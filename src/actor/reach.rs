//! Where an actor may go: the products of one installation, as the FIT or the store names them.

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    fit::Fit,
    ids::{AppId, CloudId, IcLabel, InstallationId, Product, WorkspaceId},
    impersonation::ContextId,
    store::Remembered,
    token::AppToken,
};

/// The contexts of an installation, without copying them for each request.
#[derive(Debug, Clone)]
pub struct Reach(Source);

#[derive(Debug, Clone)]
enum Source {
    Fit(Fit),
    Store(Arc<Remembered>),
}

impl Reach {
    /// As a verified FIT has it.
    pub(crate) const fn of_fit(fit: Fit) -> Self {
        Self(Source::Fit(fit))
    }

    /// As the store remembers it.
    pub(crate) const fn of_store(known: Arc<Remembered>) -> Self {
        Self(Source::Store(known))
    }

    /// Whether the tokens that came along may be a browser's invention.
    pub(crate) fn may_come_from_browser(&self) -> bool {
        match &self.0 {
            Source::Fit(fit) => fit.may_come_from_browser(),
            Source::Store(_) => false,
        }
    }

    /// What may take the place of a token that a product refused. What the platform brought
    /// gives way to the platform's alone; background work that had no better than a
    /// browser's takes the next one of that kind too.
    pub(crate) fn replacement<'a>(
        &self,
        refused: &AppToken,
        latest: &'a Remembered,
        now: Timestamp,
    ) -> Option<&'a AppToken> {
        let latest = match &self.0 {
            Source::Store(known) if known.has_from_browser(refused) => latest.living_token(now),
            _ => latest.platform_token(now),
        };
        latest.filter(|latest| latest.secret() != refused.secret())
    }

    /// The app.
    #[must_use]
    pub fn app(&self) -> AppId {
        match &self.0 {
            Source::Fit(fit) => fit.app.id,
            Source::Store(known) => known.installation.app_id,
        }
    }

    /// The installation.
    #[must_use]
    pub fn installation(&self) -> &InstallationId {
        match &self.0 {
            Source::Fit(fit) => &fit.app.installation_id,
            Source::Store(known) => &known.installation.id,
        }
    }

    /// The Isolated Cloud it is in, if it is.
    #[must_use]
    pub fn ic_label(&self) -> Option<&IcLabel> {
        match &self.0 {
            Source::Fit(fit) => fit.ic_label.as_ref(),
            Source::Store(known) => known.installation.ic_label.as_ref(),
        }
    }

    /// Where calls to `product` go.
    #[must_use]
    pub fn base_url(&self, product: &Product) -> Option<&str> {
        match &self.0 {
            Source::Fit(fit) => fit
                .context_of(product)
                .map(|context| context.api_base_url.as_str()),
            Source::Store(known) => {
                let contexts = &known.installation.contexts;
                contexts
                    .iter()
                    .find(|c| c.product == *product)
                    .map(|context| &*context.api_base_url)
            }
        }
    }

    /// The context in which an account of `product` is impersonated.
    #[must_use]
    pub fn context(&self, product: &Product) -> Option<ContextId> {
        match &self.0 {
            Source::Fit(fit) => fit
                .context_of(product)
                .and_then(|c| context_id(product, c.cloud_id.as_ref(), c.workspace_id.as_ref())),
            Source::Store(known) => {
                let contexts = &known.installation.contexts;
                contexts
                    .iter()
                    .find(|context| context.product == *product)
                    .and_then(|c| context_id(product, c.cloud_id.as_ref(), c.workspace_id.as_ref()))
            }
        }
    }

    /// The context of the product that `app.apiBaseUrl` belongs to.
    #[must_use]
    pub fn primary_context(&self) -> Option<ContextId> {
        match &self.0 {
            Source::Fit(fit) => fit
                .primary()
                .and_then(|context| self.context(&context.name)),
            Source::Store(known) => {
                let installation = &known.installation;
                let primary = installation
                    .contexts
                    .iter()
                    .find(|c| c.api_base_url == installation.api_base_url);
                primary.and_then(|context| self.context(&context.product))
            }
        }
    }
}

fn context_id(
    product: &Product,
    cloud: Option<&CloudId>,
    workspace: Option<&WorkspaceId>,
) -> Option<ContextId> {
    match (cloud, workspace) {
        (Some(cloud), _) => Some(ContextId::site(product.clone(), cloud.clone())),
        (None, Some(workspace)) => Some(ContextId::workspace(workspace.clone())),
        (None, None) => None,
    }
}
