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

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

const RUNS: usize = 11;
const IDLE: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(10);
const APP: &str = "ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
const INSTALLATION: &str = "ari:cloud:ecosystem::installation/9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647";

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

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn signing_key() -> RsaKeyPair {
    let pem = include_str!("../tests/keys/rsa-2048-a.pem");
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap()
}

/// A key set endpoint that answers every connection.
fn serve_keys(key: &RsaKeyPair) -> SocketAddr {
    let public = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let set = format!(
        r#"{{"keys":[{{"kty":"RSA","kid":"k","alg":"RS256","use":"sig","n":"{}","e":"{}"}}]}}"#,
        URL_SAFE_NO_PAD.encode(public.n),
        URL_SAFE_NO_PAD.encode(public.e)
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{set}",
                set.len()
            );
        }
    });
    address
}

fn fit(key: &RsaKeyPair) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let base = "https://api.atlassian.com/ex/confluence/3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
    let claims = serde_json::json!({
        "app": {
            "id": APP, "installationId": INSTALLATION, "apiBaseUrl": base, "appVersion": "1.0.0",
            "installation": {"id": INSTALLATION, "contexts": [
                {"name": "confluence", "cloudId": "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85", "apiBaseUrl": base},
            ]},
            "module": {"type": "confluence:globalPage", "key": "digest-page"},
        },
        "aud": APP, "iss": "forge/invocation-token", "iat": now, "nbf": now, "exp": now + 25,
    });
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
