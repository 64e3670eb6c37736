//! The layers that settings come from, laid over each other.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    path::{Path, PathBuf},
};

use ::config::{
    Config as Layered, Environment as Variables, File, FileFormat, Source, Value, ValueKind,
};

/// The defaults stand in a file that people can read, and the binary carries it.
const DEFAULTS: &str = include_str!("../../config/default.toml");
const PREFIX: &str = "FORGE_REMOTE";

/// Where settings are looked for. `Debug` shows the names of variables, and not what they hold.
#[derive(Clone)]
pub struct Sources {
    /// The folder of `default.toml` and `<env>.toml`; either may be missing.
    pub folder: PathBuf,
    /// Environment variables by name.
    pub variables: HashMap<String, String>,
}

impl Sources {
    /// `config/` in the working directory, and the environment of this process.
    ///
    /// ```
    /// use forge_remote::config::Sources;
    /// let sources = Sources { folder: "/etc/my-remote".into(), ..Sources::process() };
    /// ```
    #[must_use]
    pub fn process() -> Self {
        // Not `vars`: that panics where any variable of the process is not UTF-8.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        Self {
            folder: "config".into(),
            variables,
        }
    }

    /// `FORGE_REMOTE_ENV`, `development` if it is not set.
    pub(super) fn environment(&self) -> &str {
        self.variables
            .get("FORGE_REMOTE_ENV")
            .map(|name| name.trim())
            .filter(|name| !name.is_empty())
            .unwrap_or("development")
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: BTreeSet<_> = self.variables.keys().collect();
        f.debug_struct("Sources")
            .field("folder", &self.folder)
            .field("variables", &names)
            .finish()
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in defaults, or a default that depends on other settings.
    Default,
    /// A file.
    File(String),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(path),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// A layer lies over those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    Defaults,
    DefaultFile,
    EnvironmentFile,
    Variables,
}

/// A value of one setting, not looked at yet: it may be a secret.
#[derive(Clone)]
pub(super) struct Leaf {
    pub(super) value: ValueKind,
    pub(super) origin: Origin,
    pub(super) layer: Layer,
}

/// Every setting that any layer names, by its dotted key.
pub(super) type Leaves = BTreeMap<String, Leaf>;

/// Lays the sources over each other, value by value: one that is set to nothing leaves
/// what lies below it. That is how a container platform says "not set".
pub(super) fn collect(sources: &Sources) -> Result<Leaves, ::config::ConfigError> {
    let mut leaves = Leaves::new();
    let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
    lay(defaults, Layer::Defaults, sources, &mut leaves)?;
    for (name, layer) in [
        ("default", Layer::DefaultFile),
        (sources.environment(), Layer::EnvironmentFile),
    ] {
        // The name of an environment is no path.
        if name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            let path: &Path = &sources.folder.join(format!("{name}.toml"));
            let file = File::from(path).format(FileFormat::Toml).required(false);
            lay(file, layer, sources, &mut leaves)?;
        }
    }
    let variables = Variables::with_prefix(PREFIX)
        .prefix_separator("__")
        .separator("__")
        // Otherwise a secret of digits would turn into a number.
        .try_parsing(false)
        .source(Some(sources.variables.clone()));
    lay(variables, Layer::Variables, sources, &mut leaves)?;
    Ok(leaves)
}

fn lay<S>(
    source: S,
    layer: Layer,
    sources: &Sources,
    leaves: &mut Leaves,
) -> Result<(), ::config::ConfigError>
where
    S: Source + Send + Sync + 'static,
{
    let tree = Layered::builder().add_source(source).build()?.collect()?;
    for (key, value) in tree {
        flatten(key, value, layer, sources, leaves);
    }
    Ok(())
}

fn flatten(key: String, value: Value, layer: Layer, sources: &Sources, leaves: &mut Leaves) {
    let origin = origin_of(&key, &value, sources);
    match value.kind {
        ValueKind::Table(table) => {
            for (name, inner) in table {
                flatten(format!("{key}.{name}"), inner, layer, sources, leaves);
            }
        }
        ValueKind::Nil => {}
        ValueKind::String(text) if text.trim().is_empty() => {}
        value => {
            let leaf = Leaf {
                value,
                origin,
                layer,
            };
            leaves.insert(key, leaf);
        }
    }
}

fn origin_of(key: &str, value: &Value, sources: &Sources) -> Origin {
    match value.origin() {
        None => Origin::Default,
        Some("the environment") => {
            let name = format!("{PREFIX}__{}", key.replace('.', "__"));
            let spelled = sources
                .variables
                .keys()
                .find(|known| known.eq_ignore_ascii_case(&name));
            Origin::Variable(
                spelled
                    .cloned()
                    .unwrap_or_else(|| name.to_ascii_uppercase()),
            )
        }
        Some(path) => Origin::File(path.to_owned()),
    }
}
