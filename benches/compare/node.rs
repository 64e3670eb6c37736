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

/// Makes sure that the remotes can run: their packages are installed if they are missing or
/// older than the lock file. Returns the version of Node.
pub(crate) fn prepare() -> Result<String> {
    let version = Command::new("node").arg("--version").output().context(
        "there is no `node`: install Node.js 20.18.1 or later, \
         or leave its remotes out with `--only forge-remote,bare,nothing`",
    )?;
    ensure!(version.status.success(), "`node --version` fails");
    if !installed()? {
        install()?;
    }
    Ok(String::from_utf8(version.stdout)?.trim().to_owned())
}

fn installed() -> Result<bool> {
    let lock = folder().join("package-lock.json");
    // npm writes it last.
    let done = folder().join("node_modules/.package-lock.json");
    Ok(done.exists() && done.metadata()?.modified()? >= lock.metadata()?.modified()?)
}

fn install() -> Result<()> {
    println!("installing the packages of the Node remotes");
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .arg("--loglevel=error")
        .current_dir(folder())
        .status()
        .context("there is no `npm`: it comes with Node.js")?;
    ensure!(
        status.success(),
        "`npm ci` fails in benches/compare/node: see what it says above"
    );
    Ok(())
}
