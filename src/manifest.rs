//! `manifest.yml`: what emulator and checker need of it, resolved and checked.
//!
//! The chain is UI module → `resolver.endpoint` → `endpoint.remote` → `remotes[]`. A UI module
//! without an endpoint may call any remote from the browser.
//! A manifest with a problem is refused at the start, as deploying it would be.

mod document;
mod entities;
mod event_scopes;
mod frontend;
mod lint;
#[cfg(test)]
mod tests;
mod trigger_lint;
#[cfg(test)]
mod trigger_tests;
mod triggers;

use std::{collections::BTreeMap, fmt, path::Path};

use crate::ids::{AppId, Product};

use document::Document;
pub(crate) use frontend::{Frontend, PagePermissions};
pub(crate) use triggers::{Endpoint, Interval, Migration, Schedule, Triggers};

pub(crate) use entities::{AttributeType, Entity, Index};

/// The platform takes no larger manifest (Forge manifest reference: 200 KB).
const MAX_BYTES: u64 = 200 * 1024;

/// Grants `x-forge-oauth-system`.
pub(crate) const APP_TOKEN_SCOPE: &str = "read:app-system-token";
/// Grants `x-forge-oauth-user`.
pub(crate) const USER_TOKEN_SCOPE: &str = "read:app-user-token";

/// A manifest that passed its checks.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) app_id: AppId,
    /// Products the app is installed in, the required one first.
    pub(crate) products: Vec<Product>,
    /// UI modules that have a page or an endpoint, in the products that are played here.
    pub(crate) modules: Vec<UiModule>,
    /// What the platform fires by itself.
    pub(crate) triggers: Triggers,
    pub(crate) scopes: Scopes,
    /// Keys of the remotes: `requestRemote` may call any of them.
    pub(crate) remotes: Vec<String>,
    /// Paths of the resources by key.
    pub(crate) resources: BTreeMap<String, String>,
    pub(crate) page_permissions: PagePermissions,
    /// Entity types of the app's storage.
    pub(crate) entities: Vec<Entity>,
}

/// A UI module and the endpoint behind it.
#[derive(Debug, Clone)]
pub(crate) struct UiModule {
    pub(crate) key: String,
    /// The manifest's type, such as `confluence:globalPage`.
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) product: Product,
    /// What `invokeRemote` reaches. None if its resolver is no endpoint: then there is
    /// `requestRemote` (Forge bridge: "any remote of the manifest, by key").
    pub(crate) endpoint: Option<UiEndpoint>,
    /// None if the manifest names no resource of that key.
    pub(crate) frontend: Option<Frontend>,
}

/// The endpoint behind a UI module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UiEndpoint {
    pub(crate) remote: String,
    /// `route.path`, which no page needs: it chooses the path of each call.
    pub(crate) path: Option<String>,
    pub(crate) auth: TokenSwitches,
}

impl UiModule {
    /// Whether it is a page by itself and no part of the product's own.
    pub(crate) fn is_whole_page(&self) -> bool {
        let kind = self.kind.rsplit(':').next().unwrap_or_default();
        kind == "globalPage" || kind == "adminPage" || kind == "fullPage"
    }
}

/// `endpoint.auth`: which tokens travel with an invocation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TokenSwitches {
    pub(crate) app: bool,
    pub(crate) user: bool,
}

/// `permissions.scopes`, from either of its forms: each scope, and whether it allows impersonation.
#[derive(Debug, Default)]
pub(crate) struct Scopes(BTreeMap<String, bool>);

impl Scopes {
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.0.contains_key(scope)
    }

    /// All of them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The scopes that a token carries besides those that only ask for tokens.
    pub(crate) fn granted(&self) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .map(String::as_str)
            .filter(|scope| !is_token_scope(scope))
    }

    /// The scopes that an impersonated token carries.
    pub(crate) fn impersonable(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|(scope, allowed)| **allowed && !is_token_scope(scope))
            .map(|(scope, _)| scope.as_str())
    }
}

fn is_token_scope(scope: &str) -> bool {
    matches!(scope, APP_TOKEN_SCOPE | USER_TOKEN_SCOPE)
}

/// Why there is no manifest to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("cannot be read")]
    Unreadable(#[source] std::io::Error),
    #[error("is larger than the 200 KB that the platform takes")]
    TooLarge,
    #[error("is not UTF-8")]
    NotText,
    /// Not YAML, or not the shape of a manifest.
    #[error("{0}")]
    Malformed(Malformed),
    /// The linter's words.
    #[error("{}", .0.join(" "))]
    Problems(Vec<String>),
}

/// Where and why the text is no manifest.
#[derive(Debug)]
pub(crate) struct Malformed {
    pub(crate) position: Option<(u64, u64)>,
    pub(crate) reason: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.position {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl Manifest {
    /// Reads and checks the file.
    pub(crate) fn read(path: &Path) -> Result<Self, ManifestError> {
        let size = std::fs::metadata(path)
            .map_err(ManifestError::Unreadable)?
            .len();
        if size > MAX_BYTES {
            return Err(ManifestError::TooLarge);
        }
        let bytes = std::fs::read(path).map_err(ManifestError::Unreadable)?;
        let text = String::from_utf8(bytes).map_err(|_| ManifestError::NotText)?;
        Self::parse(&text)
    }

    /// Checks the text of a manifest.
    pub(crate) fn parse(text: &str) -> Result<Self, ManifestError> {
        let document = Document::parse(text).map_err(ManifestError::Malformed)?;
        let problems = lint::problems(&document);
        if !problems.is_empty() {
            return Err(ManifestError::Problems(problems));
        }
        let app_id = document
            .app
            .id
            .parse()
            .map_err(|_| ManifestError::Problems(vec![lint::BAD_APP_ID.to_owned()]))?;
        let manifest = Self {
            app_id,
            products: products(&document),
            modules: ui_modules(&document),
            triggers: Triggers::of(&document),
            remotes: document.remotes.iter().map(|it| it.key.clone()).collect(),
            resources: document
                .resources
                .iter()
                .map(|it| (it.key.clone(), it.path.clone()))
                .collect(),
            page_permissions: PagePermissions::of(&document.permissions),
            scopes: Scopes(document.permissions.scopes.into_flags()),
            entities: document.app.storage.entities,
        };
        let problem = if manifest.modules.is_empty() && manifest.triggers.is_empty() {
            lint::NOTHING_TO_CALL
        } else if manifest.products.is_empty() {
            lint::NO_PRODUCT
        } else {
            return Ok(manifest);
        };
        Err(ManifestError::Problems(vec![problem.to_owned()]))
    }

    /// The UI modules that `invokeRemote` works in.
    pub(crate) fn invocable(&self) -> impl Iterator<Item = (&UiModule, &UiEndpoint)> {
        self.modules
            .iter()
            .filter_map(|module| Some((module, module.endpoint.as_ref()?)))
    }

    pub(crate) fn module(&self, key: &str) -> Option<&UiModule> {
        self.modules.iter().find(|module| module.key == key)
    }
}

/// The product that a module type belongs to, where it is one that is played here.
fn product_of(kind: &str) -> Option<Product> {
    match kind.split_once(':').map_or(kind, |(product, _)| product) {
        "confluence" | "macro" => Some(Product::Confluence),
        "jira" | "jiraServiceManagement" => Some(Product::Jira),
        _ => None,
    }
}

fn products(document: &Document) -> Vec<Product> {
    let mut products: Vec<Product> = Vec::new();
    let mut add = |product: Product| {
        if matches!(product, Product::Confluence | Product::Jira) && !products.contains(&product) {
            products.push(product);
        }
    };
    let compatibility = &document.app.compatibility;
    for required in [true, false] {
        for (name, _) in compatibility.iter().filter(|(_, c)| c.required == required) {
            add(Product::from(name.as_str()));
        }
    }
    for kind in document.modules.keys() {
        product_of(kind).into_iter().for_each(&mut add);
    }
    let events = document.entries("trigger").iter().flat_map(|it| &it.events);
    for family in events.filter_map(|event| event.event_type().strip_prefix("avi:")) {
        product_of(family).into_iter().for_each(&mut add);
    }
    products
}

fn ui_endpoint(document: &Document, module: &document::Module) -> Option<UiEndpoint> {
    let key = module.resolver.as_ref()?.endpoint.as_deref()?;
    let endpoint = document.endpoint(key)?;
    Some(UiEndpoint {
        remote: endpoint.remote.clone()?,
        path: endpoint.route_path().map(str::to_owned),
        auth: endpoint.auth.switches(),
    })
}

fn ui_modules(document: &Document) -> Vec<UiModule> {
    let mut modules = Vec::new();
    for (kind, entries) in &document.modules {
        let Some(product) = product_of(kind) else {
            continue;
        };
        for entry in entries {
            let endpoint = ui_endpoint(document, entry);
            let may_call = entry.resource.is_some() && !document.remotes.is_empty();
            if endpoint.is_some() || may_call {
                modules.push(UiModule {
                    key: entry.key.clone(),
                    kind: kind.clone(),
                    title: entry.title().unwrap_or(&entry.key).to_owned(),
                    product: product.clone(),
                    endpoint,
                    frontend: Frontend::of(entry, &document.resources),
                });
            }
        }
    }
    modules
}
