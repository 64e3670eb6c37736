//! The text of a manifest as plain data: only the parts that are read here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Malformed, TokenSwitches, entities::Entity};

#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) app: App,
    #[serde(default)]
    pub(super) modules: BTreeMap<String, Vec<Module>>,
    #[serde(default)]
    pub(super) remotes: Vec<Remote>,
    #[serde(default)]
    pub(super) resources: Vec<Resource>,
    #[serde(default)]
    pub(super) permissions: Permissions,
}

#[derive(Debug, Deserialize)]
pub(super) struct App {
    pub(super) id: String,
    #[serde(default)]
    pub(super) compatibility: BTreeMap<String, Compatibility>,
    #[serde(default)]
    pub(super) storage: AppStorage,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct AppStorage {
    #[serde(default)]
    pub(super) entities: Vec<Entity>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Compatibility {
    #[serde(default)]
    pub(super) required: bool,
}

/// Any entry under `modules`: each kind uses some of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Module {
    pub(super) key: String,
    /// A text, or a map with an i18n key.
    title: Option<Value>,
    pub(super) resolver: Option<Resolver>,
    /// Of a UI module: the key of its resource, with `/entry` where that has several.
    pub(super) resource: Option<String>,
    /// Of a UI module: `native` is UI Kit.
    pub(super) render: Option<String>,
    /// Of a trigger: the endpoint that gets its events.
    pub(super) endpoint: Option<String>,
    /// Of an endpoint or a migration: the remote behind it.
    pub(super) remote: Option<String>,
    /// Of a trigger.
    #[serde(default)]
    pub(super) events: Vec<Subscribed>,
    /// Of a trigger, for all of its events.
    #[serde(default)]
    pub(super) filter: Filter,
    /// Of a trigger, for all of its events.
    #[serde(default)]
    payload: Value,
    /// Of a scheduled trigger.
    pub(super) interval: Option<String>,
    /// Of a migration: where on the remote its hooks begin.
    pub(super) path: Option<String>,
    /// Of a migration.
    pub(super) max_migration_duration_hours: Option<f64>,
    /// Of an endpoint a map with a `path`; of a page a text.
    route: Option<Value>,
    #[serde(default)]
    pub(super) auth: Auth,
}

/// An event that a trigger names: alone, or with a filter of its own.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Subscribed {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Filtered {
        event_type: String,
        #[serde(default)]
        filter: Filter,
        #[serde(default)]
        payload: Value,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    #[serde(default)]
    pub(super) ignore_self: bool,
}

impl Subscribed {
    pub(super) fn event_type(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Filtered { event_type, .. } => event_type,
        }
    }

    pub(super) const fn ignores_self(&self) -> bool {
        matches!(self, Self::Filtered { filter, .. } if filter.ignore_self)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Resolver {
    pub(super) endpoint: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Auth {
    #[serde(default)]
    app_system_token: Switch,
    #[serde(default)]
    app_user_token: Switch,
}

#[derive(Debug, Default, Deserialize)]
struct Switch {
    #[serde(default)]
    enabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remote {
    pub(super) key: String,
    pub(super) base_url: Option<BaseUrl>,
    pub(super) configurable: Option<Value>,
    #[serde(default)]
    pub(super) operations: Vec<String>,
    pub(super) storage: Option<Storage>,
    #[serde(default)]
    pub(super) auth: Auth,
}

/// One URL for every region, or one for each with a default.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum BaseUrl {
    One(String),
    Regions(BTreeMap<String, String>),
}

#[derive(Debug, Deserialize)]
pub(super) struct Storage {
    #[serde(rename = "inScopeEUD")]
    pub(super) in_scope_eud: Option<bool>,
}

/// Where the files of a UI are.
#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    pub(super) key: String,
    pub(super) path: String,
    /// Entries by name, each an HTML file.
    #[serde(default)]
    pub(super) entry: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) scopes: ScopeList,
    #[serde(default)]
    pub(super) content: ContentPermissions,
    /// What pages may load from elsewhere, by kind.
    #[serde(default)]
    pub(super) external: Value,
}

/// What a page's own HTML may hold besides files.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ContentPermissions {
    #[serde(default)]
    pub(super) scripts: Vec<String>,
    #[serde(default)]
    pub(super) styles: Vec<String>,
}

/// A list of names, or a map from name to flags.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ScopeList {
    Names(Vec<String>),
    Flags(BTreeMap<String, ScopeFlags>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScopeFlags {
    #[serde(default)]
    pub(super) allow_impersonation: bool,
}

impl Module {
    /// The entity properties that its events are to carry.
    pub(super) fn property_paths(&self) -> impl Iterator<Item = &str> {
        let of_events = self.events.iter().filter_map(|event| match event {
            Subscribed::Name(_) => None,
            Subscribed::Filtered { payload, .. } => Some(payload),
        });
        of_events
            .chain([&self.payload])
            .filter_map(|payload| payload.pointer("/include/propertyPaths")?.as_array())
            .flatten()
            .filter_map(Value::as_str)
    }
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        let options = serde_saphyr::options! {
            // `yes` and `on` stay texts, as in the platform's own reader.
            strict_booleans: true,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let position = error
                .location()
                .map(|location| (location.line(), location.column()));
            Malformed {
                position,
                reason: reason(&error),
            }
        })
    }

    pub(super) fn entries(&self, kind: &str) -> &[Module] {
        self.modules.get(kind).map_or(&[], Vec::as_slice)
    }

    pub(super) fn endpoint(&self, key: &str) -> Option<&Module> {
        self.entries("endpoint")
            .iter()
            .find(|entry| entry.key == key)
    }
}

/// The first line of the reader's message, without the position that it may end in.
fn reason(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let end = line.find(" at line ").unwrap_or(line.len());
    line[..end].trim_end_matches([',', ':', ' ']).to_owned()
}

impl Module {
    pub(super) fn title(&self) -> Option<&str> {
        self.title.as_ref().and_then(Value::as_str)
    }

    /// `route.path` of an endpoint, where there is one.
    pub(super) fn route_path(&self) -> Option<&str> {
        let path = self.route.as_ref()?["path"].as_str()?;
        (!path.is_empty()).then_some(path)
    }
}

impl Auth {
    pub(super) const fn switches(&self) -> TokenSwitches {
        TokenSwitches {
            app: self.app_system_token.enabled,
            user: self.app_user_token.enabled,
        }
    }
}

impl Default for ScopeList {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl ScopeList {
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Names(names) => names.iter().map(String::as_str).collect(),
            Self::Flags(flags) => flags.keys().map(String::as_str).collect(),
        }
    }

    pub(super) fn into_flags(self) -> BTreeMap<String, bool> {
        match self {
            Self::Names(names) => names.into_iter().map(|name| (name, false)).collect(),
            Self::Flags(flags) => flags
                .into_iter()
                .map(|(name, flags)| (name, flags.allow_impersonation))
                .collect(),
        }
    }
}
