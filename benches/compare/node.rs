//! Node and what the remotes written for it need.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

/// The folder of the Node remotes.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/node")
}

/// Makes sure that the remotes can run; their packages are installed if they are not there.
pub(crate) fn prepare() -> Result<()> {
    let version = Command::new("node").arg("--version").output().context(
        "there is no `node`: install Node.js 20.18 or later, \
         or leave its remotes out with `--only forge-remote,bare,nothing`",
    )?;
    ensure!(version.status.success(), "`node --version` fails");
    let version = String::from_utf8_lossy(&version.stdout);
    println!("Node {}", version.trim());
    if folder().join("node_modules").exists() {
        return Ok(());
    }
    println!("installing the packages of the Node remotes");
    let installed = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .arg("--loglevel=error")
        .current_dir(folder())
        .status()
        .context("there is no `npm`: it comes with Node.js")?;
    ensure!(
        installed.success(),
        "`npm ci` fails in benches/compare/node: see what it says above"
    );
    Ok(())
}
