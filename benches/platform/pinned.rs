//! Two cores, of which what is measured has one and the load the other, so that neither takes
//! the other's time.

use std::{
    env,
    ffi::OsStr,
    process::{Command, Stdio, exit},
    thread::available_parallelism,
};

/// Set in the environment of the process that is pinned.
const MARK: &str = "FORGE_REMOTE_PINNED";
const SERVICE: &str = "0";
const LOAD: &str = "1";

/// Runs this program again on the load's core and waits for it. Whether it did.
pub(crate) fn again_on_a_core_of_its_own() -> bool {
    if env::var_os(MARK).is_some() || !is_possible() {
        return false;
    }
    let status = Command::new("taskset")
        .args(["-c", LOAD])
        .arg(env::current_exe().unwrap())
        .args(env::args_os().skip(1))
        .env(MARK, "yes")
        .status()
        .unwrap();
    if !status.success() {
        exit(status.code().unwrap_or(1));
    }
    true
}

fn is_possible() -> bool {
    let taskset = Command::new("taskset")
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    taskset.is_ok_and(|status| status.success())
        && available_parallelism().is_ok_and(|cores| cores.get() >= 2)
}

/// A command that runs what is measured, on its core if this process is pinned.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    if env::var_os(MARK).is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", SERVICE]).arg(program);
    command
}

pub(crate) fn description() -> String {
    if env::var_os(MARK).is_some() {
        format!("the service has core {SERVICE}, the load core {LOAD}")
    } else {
        "not pinned: service and load take each other's time, and figures are worse".to_owned()
    }
}
