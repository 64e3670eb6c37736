//! Blocks marked `sh,run` are run, in a folder with the app's manifest, beside
//! `forge-remote dev` that was started there.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use super::{ROOT, none, pages};
use crate::{examples::process::Process, support::log};

/// What `cargo` does there: `cargo run -- …` is the command that was built.
const CARGO: &str = "#!/bin/sh
[ \"$1\" = run ] || { echo \"cargo $1: not in a block that is run\" >&2; exit 1; }
while [ \"$1\" != -- ]; do shift; done
shift
exec forge-remote \"$@\"
";

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// An address that `dev` prints, by its word.
fn address(said: &str, word: &str) -> String {
    let mut lines = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix(word));
    let url = lines.next().unwrap_or_else(|| panic!("{word}: {said}"));
    let host = url.trim().trim_start_matches("http://");
    host.split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_block_that_is_to_be_run_runs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let tools = place.join("tools");
    fs::create_dir(&tools).unwrap();
    fs::copy(format!("{ROOT}/manifest.yml"), place.join("manifest.yml")).unwrap();
    program(&tools.join("cargo"), CARGO);
    std::os::unix::fs::symlink(
        env!("CARGO_BIN_EXE_forge-remote"),
        tools.join("forge-remote"),
    )
    .unwrap();

    let mut command = Command::new(tools.join("forge-remote"));
    command
        .current_dir(place)
        .args(["dev", "--console", "127.0.0.1:0", "--listen", "127.0.0.1:0"]);
    // The last of the addresses that it prints.
    let dev = Process::start(&mut command, |line| {
        line.trim()
            .strip_prefix("health")
            .map(|url| url.trim().to_owned())
    })
    .await;
    let said = dev.said();
    let moved = [
        ("127.0.0.1:4000", address(&said, "console")),
        ("127.0.0.1:8080", address(&said, "remote")),
        ("127.0.0.1:9090", address(&said, "health")),
    ];

    let path = format!("PATH={}:$PATH\n", tools.display());
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages::all() {
        for block in page.parts.blocks.iter().filter(|it| it.is("run")) {
            count += 1;
            let text = moved
                .iter()
                .fold(path.clone() + &block.text, |text, (usual, here)| {
                    text.replace(usual, here)
                });
            // A block that never ends is killed.
            let mut bash = Command::new("timeout");
            bash.args(["60", "bash", "-euo", "pipefail", "-c", &text])
                .current_dir(place);
            for (name, _) in std::env::vars_os() {
                if name.to_string_lossy().starts_with("FORGE_REMOTE") {
                    bash.env_remove(name);
                }
            }
            let output = bash.output().unwrap();
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            let complained = String::from_utf8_lossy(&output.stderr).into_owned();
            log::watch("WHAT A BLOCK PRINTS", &printed);
            if !output.status.success() {
                wrong.push(format!(
                    "{}:{}: {complained}{printed}",
                    page.path, block.line
                ));
            }
        }
    }
    none(&wrong);
    assert!(count >= 3, "{count}");
}
