//! The settings that a file gives to the service, as the service reads them.

use std::{collections::HashMap, fs};

use forge_remote::{Config, config::Sources};
use serde_json::Value;

/// Where files say that their secrets are.
const SECRETS: &str = "/run/secrets/";
const KEY: &str = "b25seS1mb3ItZG9ja2VyLWNvbXBvc2UtdXAtaGVyZSE=";
const POSTGRES: &str = "postgres://forge:forge@postgres:5432/forge";

/// The settings of the variables, laid over what the image brings. Fails with each that the
/// service does not know, or would not start with.
///
/// Files of secrets are put where the settings look for them, below a folder of this test.
#[track_caller]
pub(super) fn accepted(variables: impl IntoIterator<Item = (String, String)>) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let mut all = super::image::variables();
    for (name, value) in variables {
        let value = match value.strip_prefix(SECRETS) {
            None => value,
            Some(file) => {
                let path = folder.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, of_secret(&name)).unwrap();
                path.to_str().unwrap().to_owned()
            }
        };
        all.insert(name, value);
    }
    let sources = Sources {
        // The image has no such folder.
        folder: folder.path().join("config"),
        variables: all,
    };
    let loaded = Config::load_from(&sources).unwrap_or_else(|error| panic!("{error}"));
    loaded.config
}

/// What an operator would have put behind it.
pub(super) fn of_secret(variable: &str) -> &'static str {
    match variable.trim_end_matches("_FILE") {
        "FORGE_REMOTE__STORE__URL" => POSTGRES,
        "FORGE_REMOTE__STORE__ENCRYPTION_KEY" => KEY,
        other => panic!("{other} is no secret"),
    }
}

/// Pairs of `name` and `value`, as Kubernetes, Cloud Run and ECS write them.
pub(super) fn pairs(list: &[Value]) -> HashMap<String, String> {
    let pair = |entry: &Value| {
        let value = entry["value"].as_str().expect("a text");
        (entry["name"].as_str().unwrap().to_owned(), value.to_owned())
    };
    list.iter().map(pair).collect()
}

/// An object of texts.
pub(super) fn table(object: &Value) -> HashMap<String, String> {
    let entries = object.as_object().expect("an object").iter();
    entries
        .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
        .collect()
}
