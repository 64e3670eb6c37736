//! The files for images, clusters, hosts and releases: what they say of the service is so.
//!
//! Whether each file is what its format asks for is held by `tests/deploy/check.sh`.

mod cluster;
mod hosts;
mod image;
mod release;
mod settings;

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::support::app::TestApp;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn text(path: &str) -> String {
    fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn toml(path: &str) -> Value {
    let file = config::File::from_str(&text(path), config::FileFormat::Toml);
    let read = config::Config::builder().add_source(file).build();
    let read = read.and_then(config::Config::try_deserialize);
    read.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A service that has its keys: they are fetched at the start, and an invocation waits for them.
async fn ready() -> TestApp {
    let app = TestApp::start().await;
    let _ = app.as_forge().get("/api/invocation").await.ok();
    app
}

/// The value at a JSON pointer, which has to be there.
#[track_caller]
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    let found = value.pointer(pointer);
    found.unwrap_or_else(|| panic!("nothing at {pointer} in {value:#}"))
}

#[track_caller]
fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = at(value, pointer).as_str();
    found.unwrap_or_else(|| panic!("no text at {pointer}"))
}

#[track_caller]
fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = at(value, pointer).as_array();
    found.unwrap_or_else(|| panic!("no list at {pointer}"))
}

/// The one of a list with that name.
#[track_caller]
fn named<'a>(items: &'a [Value], name: &str) -> &'a Value {
    let found = items.iter().find(|item| item["name"] == name);
    found.unwrap_or_else(|| panic!("nothing is called {name}"))
}

fn files(folder: &str, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(format!("{ROOT}/{folder}")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = paths
        .filter(|path: &PathBuf| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}
