//! The files behind a UI module, and what its page may load.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{Module, Permissions, Resource};

/// What the product shows for a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frontend {
    /// Key of the resource.
    pub(crate) resource: String,
    /// A folder for Custom UI, a source file for UI Kit; relative to the manifest.
    pub(crate) path: String,
    /// The HTML file in the folder that is opened first.
    pub(crate) document: String,
    /// UI Kit: the product draws it, and the app's script runs out of sight.
    pub(crate) native: bool,
}

impl Frontend {
    pub(super) fn of(module: &Module, resources: &[Resource]) -> Option<Self> {
        let named = module.resource.as_deref()?;
        let (key, entry) = named
            .split_once('/')
            .map_or((named, None), |(key, entry)| (key, Some(entry)));
        let resource = resources.iter().find(|resource| resource.key == key)?;
        let document = match entry {
            Some(entry) => resource.entry.get(entry)?.clone(),
            None => "index.html".to_owned(),
        };
        Some(Self {
            resource: key.to_owned(),
            path: resource.path.clone(),
            document,
            native: module.render.as_deref() == Some("native"),
        })
    }
}

/// `permissions.content` and `permissions.external`: by default a page loads its own files only.
#[derive(Debug, Default)]
pub(crate) struct PagePermissions {
    /// Such as `unsafe-inline`.
    pub(crate) scripts: Vec<String>,
    pub(crate) styles: Vec<String>,
    /// Addresses by kind: `fetch`, `fonts`, `frames`, `images`, `media`, `scripts`, `styles`.
    pub(crate) external: BTreeMap<String, Vec<String>>,
}

impl PagePermissions {
    pub(super) fn of(permissions: &Permissions) -> Self {
        let mut external = BTreeMap::new();
        for (kind, entries) in permissions.external.as_object().into_iter().flatten() {
            let entries = if kind == "fetch" {
                &entries["client"]
            } else {
                entries
            };
            external.insert(kind.clone(), addresses(entries));
        }
        Self {
            scripts: permissions.content.scripts.clone(),
            styles: permissions.content.styles.clone(),
            external,
        }
    }
}

/// Each entry is an address, or an object with one. One that names a remote opens
/// `requestRemote`, which the product's page sends, and nothing to the app's own page.
fn addresses(entries: &Value) -> Vec<String> {
    let entries = entries.as_array().into_iter().flatten();
    entries
        .filter_map(|entry| entry.as_str().or_else(|| entry["address"].as_str()))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifest, document::Document};

    const TEXT: &str = r"
app:
  id: ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21
modules:
  macro:
    - {key: whole, resource: ui, resolver: {endpoint: ui}}
    - {key: entry, resource: ui/edit, resolver: {endpoint: ui}}
    - {key: kit, resource: kit, render: native, resolver: {endpoint: ui}}
    - {key: lost, resource: ui/none, resolver: {endpoint: ui}}
  endpoint:
    - {key: ui, remote: backend}
remotes:
  - {key: backend, baseUrl: 'https://r.example', operations: [fetch]}
resources:
  - {key: ui, path: static/dist, entry: {edit: edit.html}}
  - {key: kit, path: src/index.jsx}
permissions:
  scopes: ['read:jira-work']
  content: {styles: [unsafe-inline]}
  external:
    images: ['https://pictures.example', {address: 'https://more.example'}]
    fetch: {client: [{remote: backend}, 'https://data.example'], backend: ['https://b.example']}
";

    #[test]
    fn a_module_leads_to_its_files() {
        let manifest = Manifest::parse(TEXT).unwrap();
        let of = |key: &str| manifest.module(key).unwrap().frontend.clone();
        let whole = of("whole").unwrap();
        assert_eq!(
            (whole.path.as_str(), whole.document.as_str(), whole.native),
            ("static/dist", "index.html", false)
        );
        assert_eq!(of("entry").unwrap().document, "edit.html");
        assert!(of("kit").unwrap().native);
        assert_eq!(of("lost"), None);
        assert_eq!(manifest.remotes, ["backend"]);
    }

    #[test]
    fn a_page_may_load_what_the_manifest_names() {
        let document = Document::parse(TEXT).unwrap();
        let allowed = PagePermissions::of(&document.permissions);
        assert_eq!(allowed.styles, ["unsafe-inline"]);
        assert!(allowed.scripts.is_empty());
        assert_eq!(
            allowed.external["images"],
            ["https://pictures.example", "https://more.example"]
        );
        assert_eq!(allowed.external["fetch"], ["https://data.example"]);
    }
}
