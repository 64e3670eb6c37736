//! How long a remote takes from its start to the first verified answer, and what it needs
//! when it idles: the binary itself, with its key set on loopback.
//!
//! `cargo bench --bench start`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

#[path = "platform/played.rs"]
mod played;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::signature::RsaKeyPair;
use base64::{Engine, engine::general_purpose::STANDARD};

use self::played::{APP, free_address, serve_keys, signing_key};

const RUNS: usize = 11;
const IDLE: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(10);

fn main() {
    let key = signing_key();
    let keys = serve_keys(&key);
    let mut runs: Vec<_> = (0..RUNS).map(|_| run(&key, keys)).collect();
    runs.sort_by_key(|(first, _)| *first);
    let first = runs[RUNS / 2].0;
    let (best, worst) = (runs[0].0, runs[RUNS - 1].0);
    let mut memory: Vec<_> = runs.iter().map(|(_, kilobytes)| *kilobytes).collect();
    memory.sort_unstable();
    println!("{RUNS} runs");
    println!(
        "start to first verified answer: median {first:.1?} (best {best:.1?}, worst {worst:.1?})"
    );
    let (usual, largest) = (memory[RUNS / 2], memory[RUNS - 1]);
    println!("resident memory when idle: median {usual} kB (largest {largest} kB)");
}

fn run(key: &RsaKeyPair, keys: SocketAddr) -> (Duration, u64) {
    let folder = tempfile::tempdir().unwrap();
    let listen = free_address();
    let started = Instant::now();
    let mut remote = Command::new(env!("CARGO_BIN_EXE_forge-remote"))
        .arg("serve")
        .current_dir(folder.path())
        .env("FORGE_REMOTE__APP__IDS", APP)
        .env("FORGE_REMOTE__SERVER__LISTEN", listen.to_string())
        .env("FORGE_REMOTE__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
        .env(
            "FORGE_REMOTE__FIT__JWKS_URL",
            format!("http://{keys}/jwks.json"),
        )
        .env(
            "FORGE_REMOTE__STORE__ENCRYPTION_KEY",
            STANDARD.encode([7; 32]),
        )
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let request = format!(
        "GET /api/invocation HTTP/1.1\r\nhost: remote\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        fit(key)
    );
    let first = loop {
        if answers(listen, &request) {
            break started.elapsed();
        }
        assert!(started.elapsed() < LIMIT, "the remote does not answer");
        thread::sleep(Duration::from_micros(200));
    };
    thread::sleep(IDLE);
    let memory = resident_kilobytes(&remote);
    remote.kill().unwrap();
    remote.wait().unwrap();
    (first, memory)
}

/// Whether the remote gives a verified answer; nobody may listen yet.
fn answers(address: SocketAddr, request: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

fn resident_kilobytes(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// A FIT of the app's page, good for one run.
fn fit(key: &RsaKeyPair) -> String {
    let claims = played::claims("https://api.atlassian.com", played::INSTALLATION, 25);
    played::sign(key, &claims)
}
