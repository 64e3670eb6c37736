//! A kept-alive connection that does no more than a load needs.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

/// Forge itself waits 25 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// One of the load's connections; it is opened when it is needed.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    opened: Option<Instant>,
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) const fn to(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            opened: None,
            buffer: Vec::new(),
        }
    }

    /// When it was opened last.
    pub(crate) const fn opened(&self) -> Option<Instant> {
        self.opened
    }

    /// The answer, once all of it is there.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        let answer = timeout(PATIENCE, self.exchange(request)).await;
        let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let stream = if let Some(stream) = &mut self.stream {
            stream
        } else {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.opened = Some(Instant::now());
            self.stream.insert(stream)
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some((answer, closes)) = whole_answer(&self.buffer) {
                if closes {
                    self.stream = None;
                }
                return Ok(answer);
            }
        }
    }
}

/// The answer if all of it is there, and whether the connection ends with it.
fn whole_answer(bytes: &[u8]) -> Option<(Answer, bool)> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let header = |name: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        headers.find_map(|(it, value)| it.eq_ignore_ascii_case(name).then_some(value))
    };
    let length: usize = header("content-length").map_or(0, |it| it.parse().unwrap());
    let answer = Answer {
        status: head.get(9..12)?.parse().ok()?,
        body: bytes.get(end..end + length)?.to_vec(),
    };
    let closes = header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"));
    Some((answer, closes))
}
