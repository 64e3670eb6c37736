//! The service under load: the binary that is released, with its defaults.

use std::{
    fs::File,
    net::SocketAddr,
    process::{Child, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use crate::{
    pinned,
    played::{APP, free_address},
};

/// A running service. Dropping it kills it.
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Service {
    /// Starts it and waits until it takes connections.
    pub(crate) async fn start(keys: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = pinned::command(env!("CARGO_BIN_EXE_forge-remote"))
            .arg("serve")
            .current_dir(folder.path())
            .env("FORGE_REMOTE_ENV", "test")
            .env("FORGE_REMOTE__APP__IDS", APP)
            .env("FORGE_REMOTE__SERVER__LISTEN", address.to_string())
            .env("FORGE_REMOTE__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
            .env(
                "FORGE_REMOTE__FIT__JWKS_URL",
                format!("http://{keys}/jwks.json"),
            )
            .env(
                "FORGE_REMOTE__STORE__ENCRYPTION_KEY",
                STANDARD.encode([7; 32]),
            )
            .env("FORGE_REMOTE__TELEMETRY__FORMAT", "json")
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        for _ in 0..2000 {
            if TcpStream::connect(address).await.is_ok() {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        Self {
            child,
            address,
            _folder: folder,
        }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn resident_megabytes(&self) -> String {
        // `taskset` becomes the program that it starts: the process is the service's.
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kilobytes: u64 = line
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap();
        (kilobytes / 1024).to_string()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
