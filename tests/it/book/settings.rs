//! Settings in blocks are taken by the reader, and the table of them is complete and right.

use std::{collections::BTreeMap, fs, path::Path};

use forge_remote::{
    Config,
    config::{ConfigError, Loaded, Sources},
};

use super::{none, pages};
use crate::command::APP;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn load(environment: &str, file: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("default.toml"), file).unwrap();
    let mut variables: std::collections::HashMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    variables.insert("FORGE_REMOTE_ENV".to_owned(), environment.to_owned());
    Config::load_from(&Sources {
        folder: folder.path().to_owned(),
        variables,
    })
}

/// The same with the secrets that it expects in files.
fn mounted(text: &str, mounts: &Path) -> String {
    const MOUNTS: &str = "/run/secrets/";
    for name in text.split(MOUNTS).skip(1) {
        let name = name.split('"').next().unwrap_or_default();
        fs::write(mounts.join(name), KEY).unwrap();
    }
    text.replace(MOUNTS, &format!("{}/", mounts.display()))
}

/// Whether these settings, with what every app needs beside them, start a remote in production.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mounts = tempfile::tempdir().unwrap();
    let text = &mounted(text, mounts.path());
    let mut given = Vec::new();
    // A variable would lie over what the block says.
    if !text.contains("[app]") {
        given.push(("FORGE_REMOTE__APP__IDS", APP));
    }
    if !text.contains("encryption_key") {
        given.push(("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY));
    }
    load("production", text, &given)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// What the reader says it takes there, where there is something that it does not take.
fn allowed(key: &str) -> Option<String> {
    let name = format!("FORGE_REMOTE__{}", key.replace('.', "__").to_uppercase());
    // No number, no address, no word that is known, not even directives of a log.
    let refused = load("production", "", &[(&name, "<no such thing> = ?")]);
    let Err(ConfigError::Wrong(problems)) = refused else {
        return None;
    };
    let problem = problems.iter().find(|it| it.key == key)?;
    let (_, allowed) = problem.why.split_once("expected ")?;
    Some(allowed.to_owned())
}

fn table() -> BTreeMap<String, (usize, Vec<String>)> {
    let pages = pages::chapters();
    let page = pages
        .iter()
        .find(|it| it.path == "docs/settings.md")
        .unwrap();
    let rows = page.parts.rows.iter().filter(|(_, row)| row.len() == 4);
    let rows = rows.filter_map(|(line, row)| {
        let key = row[0].strip_prefix('`')?.strip_suffix('`')?;
        Some((key.to_owned(), (*line, row.clone())))
    });
    rows.collect()
}

#[test]
fn the_table_of_settings_has_every_setting_with_its_default_and_what_it_takes() {
    let table = table();
    let given = [
        ("FORGE_REMOTE__APP__IDS", APP),
        ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", KEY),
    ];
    let loaded = load("production", "", &given).unwrap();
    let mut wrong = Vec::new();
    let keys = Config::keys();
    // A text that none of them takes: were it taken, nothing would be compared. A path and a
    // name may be anything.
    let free = ["fit.issuer", "telemetry.service_name"];
    let is_free = |key: &str| free.contains(&key) || key.ends_with("_file");
    let compared = |key: &&&str| !is_free(key) && allowed(key).is_none();
    let taken: Vec<_> = keys.iter().filter(compared).collect();
    assert!(taken.is_empty(), "{taken:?}");
    for key in &keys {
        let Some((line, row)) = table.get(*key) else {
            wrong.push(format!("docs/settings.md has no row for `{key}`"));
            continue;
        };
        let set = loaded.settings.iter().find(|it| it.key == *key);
        let default = match (*key, set) {
            ("app.ids" | "store.encryption_key", _) => "required".to_owned(),
            (_, None) => "none".to_owned(),
            (_, Some(set)) if set.value == "[]" => "none".to_owned(),
            (_, Some(set)) => format!("`{}`", set.value.trim_matches(['[', ']'])),
        };
        if row[1] != default {
            wrong.push(format!(
                "docs/settings.md:{line}: {key}: its default is {default}"
            ));
        }
        if let Some(allowed) = allowed(key) {
            let written = row[2].replace(['`', '\\'], "");
            if written != allowed.replace('`', "") {
                wrong.push(format!(
                    "docs/settings.md:{line}: {key}: it takes {allowed}"
                ));
            }
        }
        if row[3].len() < 10 {
            wrong.push(format!(
                "docs/settings.md:{line}: {key}: what does it mean?"
            ));
        }
    }
    for (key, (line, _)) in &table {
        if !keys.contains(&key.as_str()) {
            wrong.push(format!(
                "docs/settings.md:{line}: there is no setting `{key}`"
            ));
        }
    }
    none(&wrong);
}
