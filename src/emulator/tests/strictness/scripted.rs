//! A remote that says what it is told to, byte by byte, and remembers what came and when.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::Instant,
};
use url::Url;

/// What a remote says to one request.
#[derive(Debug, Clone)]
pub(super) enum Says {
    /// These bytes, and no more: the connection ends.
    Bytes(Vec<u8>),
    /// These bytes, and nothing for as long as anybody listens.
    Stalls(Vec<u8>),
    /// Nothing: the connection is reset.
    Resets,
}

impl Says {
    /// A whole answer: status, content type where there is one, body.
    pub(super) fn answer(status: u16, kind: Option<&str>, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let kind = kind.map(|kind| format!("content-type: {kind}\r\n"));
        let kind = kind.unwrap_or_default();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} Said\r\n{kind}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }

    /// `{}` with that status, as it should be.
    pub(super) fn status(status: u16) -> Self {
        Self::answer(status, Some("application/json"), "{}")
    }

    pub(super) fn text(bytes: &str) -> Self {
        Self::Bytes(bytes.into())
    }

    pub(super) fn never() -> Self {
        Self::Stalls(Vec::new())
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) at: Instant,
    pub(super) head: String,
    /// Null where it is no JSON.
    pub(super) body: Value,
}

impl Came {
    /// Method and path.
    pub(super) fn line(&self) -> &str {
        let line = self.head.lines().next().unwrap_or_default();
        line.trim_end_matches(" HTTP/1.1")
    }
}

/// The remote; it lives as long as the test's runtime.
pub(super) struct Scripted {
    pub(super) url: Url,
    came: watch::Receiver<Vec<Came>>,
}

impl Scripted {
    /// Says these things in turn, and the last of them for ever.
    pub(super) async fn saying(script: impl IntoIterator<Item = Says>) -> Self {
        let script: VecDeque<_> = script.into_iter().collect();
        let script = Arc::new(Mutex::new(script));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (comes, came) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, comes) = (Arc::clone(&script), comes.clone());
                tokio::spawn(async move { attend(stream, &script, &comes).await });
            }
        });
        let url = url.parse().unwrap();
        Self { url, came }
    }

    pub(super) fn came(&self) -> Vec<Came> {
        self.came.borrow().clone()
    }
}

async fn attend(
    mut stream: TcpStream,
    script: &Mutex<VecDeque<Says>>,
    comes: &watch::Sender<Vec<Came>>,
) -> io::Result<()> {
    let Some(came) = request(&mut stream).await? else {
        return Ok(());
    };
    comes.send_modify(|all| all.push(came));
    let says = {
        let mut script = script.lock().unwrap();
        let last = script.len() == 1;
        let next = if last {
            script.front().cloned()
        } else {
            script.pop_front()
        };
        next.expect("a script has a last line")
    };
    match says {
        Says::Bytes(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Says::Stalls(bytes) => {
            stream.write_all(&bytes).await?;
            // Until the other side goes.
            while stream.read(&mut [0; 64]).await? > 0 {}
            Ok(())
        }
        Says::Resets => stream.set_zero_linger(),
    }
}

/// Reads a whole request; none if the connection ended without one.
async fn request(stream: &mut TcpStream) -> io::Result<Option<Came>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Came {
        at: Instant::now(),
        body: serde_json::from_slice(&bytes[head_end..]).unwrap_or_default(),
        head,
    }))
}
