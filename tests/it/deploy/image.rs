//! The `Dockerfile`. What it builds is listed in docs/image.md.

use std::collections::{BTreeSet, HashMap};

use super::{settings, text, toml, word};

pub(super) const VOLUME: &str = "/app/data";
pub(super) const HEALTH: [&str; 3] = ["CMD", "/usr/local/bin/forge-remote", "health"];

/// The lines of the last stage, those that go on put together and comments left out.
fn stage() -> Vec<String> {
    let text = text("Dockerfile");
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let (_, last) = text.rsplit_once("\nFROM ").unwrap();
    last.lines().map(str::to_owned).collect()
}

/// What follows an instruction, wherever it stands.
fn instructions(name: &str) -> Vec<String> {
    let prefix = format!("{name} ");
    let lines = stage().into_iter();
    lines
        .filter_map(|line| {
            line.strip_prefix(&prefix)
                .map(|rest| rest.trim().to_owned())
        })
        .collect()
}

/// The settings that the image brings.
pub(super) fn variables() -> HashMap<String, String> {
    let set = instructions("ENV").join(" ");
    let pairs = set
        .split_whitespace()
        .map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

pub(super) fn user() -> u64 {
    let [user] = &instructions("USER")[..] else {
        panic!("one user");
    };
    user.split(':').next().unwrap().parse().expect("a number")
}

#[test]
fn the_image_starts_with_two_settings_and_is_open_on_its_ports() {
    let key = "FORGE_REMOTE__STORE__ENCRYPTION_KEY";
    let app = "ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
    let config = settings::accepted([
        ("FORGE_REMOTE__APP__IDS".to_owned(), app.to_owned()),
        (key.to_owned(), settings::of_secret(key).to_owned()),
    ]);
    let listeners = [config.server.listen, config.server.admin_listen];
    let ports: BTreeSet<_> = listeners.map(|listener| listener.port().to_string()).into();
    let exposed = instructions("EXPOSE").join(" ");
    assert_eq!(
        ports,
        exposed.split_whitespace().map(str::to_owned).collect()
    );
    assert!(
        listeners
            .iter()
            .all(|listener| listener.ip().is_unspecified())
    );
    // Relative to the working directory, and on the one volume.
    assert_eq!(instructions("WORKDIR"), ["/app"]);
    assert_eq!(instructions("VOLUME"), [VOLUME]);
    assert!(config.store.url.starts_with("sqlite://data/"));
}

#[test]
fn the_image_runs_without_rights_and_says_whether_it_lives() {
    assert!(user() > 0);
    let [health] = &instructions("HEALTHCHECK")[..] else {
        panic!("one check");
    };
    let command = &health[health.find("CMD ").unwrap() + 4..];
    let command: Vec<String> = serde_json::from_str(command).unwrap();
    assert_eq!(command, HEALTH[1..]);
    assert_eq!(instructions("ENTRYPOINT"), [format!("[\"{}\"]", HEALTH[1])]);
    assert_eq!(instructions("CMD"), ["[\"serve\"]"]);
}

#[test]
fn the_image_is_built_with_the_oldest_rust_that_is_promised_and_with_known_features() {
    let dockerfile = text("Dockerfile");
    let cargo = toml("Cargo.toml");
    let rust = word(&cargo, "/package/rust-version");
    assert!(dockerfile.contains(&format!("FROM rust:{rust}-slim-")));
    let mut builds = 0;
    for (at, _) in dockerfile.match_indices("--features \"") {
        let features = dockerfile[at..].split('"').nth(1).unwrap();
        for feature in features
            .split_whitespace()
            .filter(|name| *name != "$FEATURES")
        {
            assert!(cargo["features"].get(feature).is_some(), "{feature}");
        }
        assert!(features.contains("otlp"));
        builds += 1;
    }
    assert_eq!(builds, 2);
}

/// Both stand-ins keep to the lints of `Cargo.toml`, which hold for them as well.
#[test]
fn what_stands_in_while_dependencies_are_built_has_documentation() {
    let dockerfile = text("Dockerfile");
    for file in ["src/lib.rs", "src/main.rs"] {
        let written = format!(" > {file}");
        let line = dockerfile.lines().find(|line| line.contains(&written));
        let stands_in = line.unwrap().split('\'').nth(1).unwrap();
        assert!(stands_in.starts_with("//! "), "{file}: {stands_in}");
    }
}

/// A file of settings in it would lie over the defaults as if an operator had set them all.
#[test]
fn the_image_brings_no_settings_but_variables() {
    let copied: Vec<_> = instructions("COPY")
        .iter()
        .filter_map(|line| line.split_whitespace().last().map(str::to_owned))
        .collect();
    assert_eq!(copied, [VOLUME, HEALTH[1], "/app/"]);
    assert_eq!(instructions("COPY").last().unwrap(), "LICENSE /app/");
}

/// All that the build reads is let through, and nothing else.
#[test]
fn the_context_has_what_the_build_copies() {
    let ignored = text(".dockerignore");
    let mut lines = ignored.lines();
    assert_eq!(lines.next(), Some("*"));
    let through: BTreeSet<_> = lines.filter_map(|line| line.strip_prefix('!')).collect();
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "benches",
        "config",
        "migrations",
        "LICENSE",
    ] {
        assert!(through.contains(needed), "{needed}");
    }
    assert!(
        through.iter().all(|path| !path.starts_with('.')),
        "{through:?}"
    );
}
