//! An example as a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use tokio::sync::oneshot;

use super::PATIENCE;
use crate::support::log;

/// An example that runs; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
    said: Arc<Mutex<String>>,
}

impl Process {
    /// Starts it with nothing in its environment that speaks of a remote but what `command`
    /// says, and waits until `listens` finds its address in a line that it printed.
    pub(crate) async fn start(command: &mut Command, listens: fn(&str) -> Option<String>) -> Self {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let told = command.get_envs().any(|(known, _)| known == name.as_str());
            if name.starts_with("FORGE_REMOTE") && !told {
                command.env_remove(name);
            }
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::<Mutex<String>>::default();
        let (tell, told) = oneshot::channel();
        let tell = Arc::new(Mutex::new(Some(tell)));
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let streams: [Box<dyn Read + Send>; 2] = [Box::new(out), Box::new(err)];
        for stream in streams {
            let (said, tell) = (Arc::clone(&said), Arc::clone(&tell));
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    log::watch("AN EXAMPLE'S LOG", &line);
                    // Whoever is told may look at once at what was said.
                    let url = listens(&line);
                    {
                        let mut said = said.lock().unwrap();
                        said.push_str(&line);
                        said.push('\n');
                    }
                    if let Some(url) = url
                        && let Some(tell) = tell.lock().unwrap().take()
                    {
                        let _ = tell.send(url);
                    }
                }
            });
        }
        let mut process = Self {
            child,
            url: String::new(),
            said,
        };
        let told = tokio::time::timeout(PATIENCE, told).await;
        process.url = told.expect("it starts in time").expect("it starts");
        process
    }

    /// What it printed so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "what a failed test leaves to be read")]
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the example said:\n{}", self.said());
        }
    }
}
