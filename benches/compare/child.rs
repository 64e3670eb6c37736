//! Processes that end with the benchmark.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context, Result};

/// A child that is killed when it is dropped.
pub(crate) struct Killed(Child);

impl Killed {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_os_string();
        let child = command
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        Ok(Self(child))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        Ok(self.0.try_wait()?)
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This program again, in another role.
pub(crate) struct Helper {
    pub(crate) process: Killed,
    pub(crate) address: SocketAddr,
}

impl Helper {
    /// Starts it, and waits for the address that it listens on.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        // Its standard input ends when this process does, however it does.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Killed::spawn(command)?;
        let output = process.0.stdout.take().context("no output to read")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line
            .trim()
            .parse()
            .with_context(|| format!("`{line}` is no address"))?;
        Ok(Self { process, address })
    }
}

/// Told by a helper: where it listens. From now on it ends with its parent.
pub(crate) fn announce(address: SocketAddr) -> io::Result<()> {
    println!("{address}");
    io::stdout().flush()?;
    end_with_parent();
    Ok(())
}

/// From now on this process ends when the other end of its standard input is closed.
pub(crate) fn end_with_parent() {
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}
