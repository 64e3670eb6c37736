//! Parts of a `Cargo.toml`: what they ask of this crate is there, in the versions it uses.

use config::{Config, File, FileFormat, Value};

use super::ROOT;

pub(super) fn parsed(text: &str) -> Result<Config, String> {
    let file = File::from_str(text, FileFormat::Toml);
    let read = Config::builder().add_source(file).build();
    read.map_err(|error| error.to_string())
}

pub(super) fn is_one(text: &str) -> bool {
    parsed(text).is_ok_and(|it| it.get_table("dependencies").is_ok())
}

pub(super) fn check(text: &str) -> Result<(), String> {
    let own = std::fs::read_to_string(format!("{ROOT}/Cargo.toml")).unwrap();
    let own = parsed(&own).unwrap();
    let features = own.get_table("features").unwrap();
    let known = own.get_table("dependencies").unwrap();
    for (name, value) in parsed(text)?.get_table("dependencies").unwrap() {
        if name == "forge-remote" {
            for feature in features_of(&value) {
                if !features.contains_key(&feature) {
                    return Err(format!("there is no feature `{feature}`"));
                }
            }
            continue;
        }
        let theirs = version(&value).ok_or_else(|| format!("{name} has no version"))?;
        let ours = known.get(&name).and_then(version);
        let ours = ours.ok_or_else(|| format!("{name} is no crate that this one uses"))?;
        if !(ours == theirs || ours.starts_with(&format!("{theirs}."))) {
            return Err(format!("{name} is {theirs} there and {ours} here"));
        }
    }
    Ok(())
}

fn version(value: &Value) -> Option<String> {
    match value.clone().into_table() {
        Ok(table) => table.get("version")?.clone().into_string().ok(),
        Err(_) => value.clone().into_string().ok(),
    }
}

fn features_of(value: &Value) -> Vec<String> {
    let table = value.clone().into_table().unwrap_or_default();
    let features = table.get("features").cloned();
    let features = features.and_then(|it| it.into_array().ok());
    features
        .unwrap_or_default()
        .into_iter()
        .filter_map(|it| it.into_string().ok())
        .collect()
}
