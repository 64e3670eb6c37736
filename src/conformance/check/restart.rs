//! `--restart-command`: kill the remote, and start it again.

use std::{process::Stdio, time::Duration};

use super::Run;
use crate::conformance::rule::Miss;

impl Run {
    /// Runs the command, which kills the remote and starts it again, and waits until it accepts
    /// FITs. The command itself must come back: whoever starts a server in it puts that into the
    /// background.
    pub(in crate::conformance) async fn restart(&self) -> Result<(), Miss> {
        let Some(command) = &self.restart_command else {
            return Err(Miss::not_exercised("no --restart-command was given"));
        };
        let patience = self.limits.restart;
        match run(command, patience).await {
            Ok(true) => {}
            Ok(false) => {
                let why = format!("`{command}` failed, or did not come back within {patience:?}");
                return Err(Miss::not_exercised(why));
            }
            Err(error) => {
                return Err(Miss::not_exercised(format!(
                    "`{command}` cannot be run: {error}"
                )));
            }
        }
        self.until_accepted(patience, |_| {})
            .await
            .map_err(|last| Miss::failed(format!("`{command}`"), format!("then: {last}")))
    }
}

/// Whether it came back in time and without an error.
async fn run(command: &str, patience: Duration) -> std::io::Result<bool> {
    let shell = std::process::Command::new("sh")
        .args(["-c", command])
        // What it starts in the background must not hold our own pipes open.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut shell = shell;
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        if let Some(status) = shell.try_wait()? {
            return Ok(status.success());
        }
        if tokio::time::Instant::now() >= deadline {
            shell.kill()?;
            shell.wait()?;
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
