//! A kept-alive HTTP/1.1 connection that reads no more of an answer than it must.

use std::{io, net::SocketAddr, ops::Range, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// With an answer that nothing else bounds.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Length of the body, without the frames of its chunks.
    pub(crate) length: usize,
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunks,
}

struct Head {
    status: u16,
    /// Where the body begins.
    end: usize,
    framing: Framing,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends a request, and reads the whole answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        let (status, chunks) = self.exchange(request).await?;
        let length = chunks.iter().map(Range::len).sum();
        Ok(Answer { status, length })
    }

    /// Status and body, of a server that may have stopped answering.
    pub(crate) async fn fetch(&mut self, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let (status, chunks) = timeout(PATIENCE, self.exchange(request)).await??;
        let parts: Vec<_> = chunks
            .into_iter()
            .map(|chunk| &self.buffer[chunk])
            .collect();
        Ok((status, parts.concat()))
    }

    /// Status, and where in the buffer the parts of the body are.
    async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, Vec<Range<usize>>)> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut known = None;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if known.is_none() {
                known = head(&self.buffer)?;
            }
            if let Some(head) = &known
                && let Some(chunks) = body(&self.buffer, head)?
            {
                return Ok((head.status, chunks));
            }
        }
    }
}

/// The head of an answer, once it is there.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| unreadable())?;
    let (first, fields) = text.split_once("\r\n").unwrap_or((text, ""));
    let status = first.split(' ').nth(1).and_then(|it| it.parse().ok());
    let mut framing = Framing::Length(0);
    for (name, value) in fields.lines().filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse().map_err(|_| unreadable())?;
            framing = Framing::Length(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunks;
        }
    }
    Ok(Some(Head {
        status: status.ok_or_else(unreadable)?,
        end: end + 4,
        framing,
    }))
}

/// Where the parts of the body are, once it is whole.
fn body(bytes: &[u8], head: &Head) -> io::Result<Option<Vec<Range<usize>>>> {
    let mut at = head.end;
    match head.framing {
        Framing::Length(length) => {
            let whole = bytes.len() >= at + length;
            Ok(whole.then(|| std::iter::once(at..at + length).collect()))
        }
        Framing::Chunks => {
            let mut chunks = Vec::new();
            loop {
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(line) = rest.windows(2).position(|it| it == b"\r\n") else {
                    return Ok(None);
                };
                let size = std::str::from_utf8(&rest[..line]).map_err(|_| unreadable())?;
                let size = usize::from_str_radix(size, 16).map_err(|_| unreadable())?;
                let start = at + line + 2;
                at = start + size + 2;
                if bytes.len() < at {
                    return Ok(None);
                }
                if size == 0 {
                    return Ok(Some(chunks));
                }
                chunks.push(start..start + size);
            }
        }
    }
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no HTTP that can be read")
}
