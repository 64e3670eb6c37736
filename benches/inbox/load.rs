//! A load generator that costs little: requests are written before the clock runs.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aws_lc_rs::signature::RsaKeyPair;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    played::{self, INSTALLATION},
    remote::EVENT,
};

/// A kept-alive HTTP/1.1 connection that reads no more than it must.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Status and body of the answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = answer(&self.buffer) {
                return Ok(answer);
            }
        }
    }
}

/// A whole answer, if it is there.
fn answer(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length: usize = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    let body = bytes.get(end..end + length)?;
    Some((status, body.to_vec()))
}

/// A GET without headers.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: remote\r\n\r\n").into_bytes()
}

/// An event about page `id`, about two kilobytes with its headers' tokens left out.
pub(crate) fn event(fit: &str, id: usize, account: &str) -> Vec<u8> {
    let body = json!({
        "eventType": EVENT, "atlassianId": account,
        "eventCreatedDate": "2026-07-29T08:00:03.114Z", "suppressNotifications": false,
        "selfGenerated": false, "updateTrigger": "edit_page",
        "content": {
            "id": id.to_string(), "type": "page", "status": "current", "title": "Release notes",
            "space": {"id": 65538, "key": "ENG", "name": "Engineering", "type": "global"},
            "history": {"latest": true, "createdDate": "2026-07-29T08:00:02.900Z", "text": "x".repeat(1000)},
            "version": {"when": "2026-07-29T08:00:02.900Z", "number": id},
        },
    })
    .to_string();
    format!(
        "POST /forge/events HTTP/1.1\r\nhost: remote\r\nauthorization: Bearer {fit}\r\n\
         x-forge-oauth-system: {}\r\nx-b3-traceid: {id:032x}\r\nx-b3-spanid: {id:016x}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        app_token(),
        body.len()
    )
    .into_bytes()
}

/// As long as the platform's, and the same for all: it is repeated over invocations.
fn app_token() -> String {
    format!("opaque.{}", "t".repeat(1200))
}

/// Events with a FIT of their own each, signed on all cores.
pub(crate) fn distinct_events(key: &RsaKeyPair, api: &str, count: usize) -> Vec<Vec<u8>> {
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut events = vec![Vec::new(); count];
    std::thread::scope(|scope| {
        for (part, events) in events.chunks_mut(count.div_ceil(cores)).enumerate() {
            scope.spawn(move || {
                let first = part * count.div_ceil(cores);
                for (at, event) in events.iter_mut().enumerate() {
                    let mut claims = played::claims(api, INSTALLATION, 3600);
                    claims["jti"] = format!("{:040x}", first + at).into();
                    *event = self::event(&played::sign(key, &claims), first + at, "a");
                }
            });
        }
    });
    events
}

/// What a run of load brought.
pub(crate) struct Run {
    pub(crate) took: Duration,
    pub(crate) latencies: Vec<Duration>,
    pub(crate) accepted: usize,
    pub(crate) refused: usize,
}

impl Run {
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let accepted = self.accepted as f64;
        accepted / self.took.as_secs_f64()
    }

    /// The latency that this share of the requests stayed under.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into the list"
        )]
        let at = (self.latencies.len() as f64 * share) as usize;
        self.latencies[at.min(self.latencies.len() - 1)]
    }
}

/// Sends all requests over `connections` connections, as fast as they are answered.
pub(crate) async fn run(
    address: SocketAddr,
    connections: usize,
    requests: Arc<Vec<Vec<u8>>>,
) -> Run {
    let next = Arc::new(AtomicUsize::new(0));
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await.unwrap());
    }
    let began = Instant::now();
    let senders = opened.into_iter().map(|mut connection| {
        let (next, requests) = (Arc::clone(&next), Arc::clone(&requests));
        tokio::spawn(async move {
            let (mut latencies, mut refused) = (Vec::new(), 0);
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                let (status, _) = connection.send(request).await.unwrap();
                latencies.push(sent.elapsed());
                refused += usize::from(status != 202);
            }
            (latencies, refused)
        })
    });
    let (mut latencies, mut refused) = (Vec::new(), 0);
    for sender in senders.collect::<Vec<_>>() {
        let (of_one, no) = sender.await.unwrap();
        latencies.extend(of_one);
        refused += no;
    }
    let took = began.elapsed();
    latencies.sort_unstable();
    let accepted = latencies.len() - refused;
    Run {
        took,
        latencies,
        accepted,
        refused,
    }
}
