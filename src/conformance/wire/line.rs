//! One connection: bytes out, answers in.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::answer::{Answer, Answered, NoAnswer};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);
/// More than any head has.
const MOST_HEAD: usize = 256 * 1024;
/// The platform takes 5 MB; so much is read to see that it was more.
const MOST_BODY: usize = 6 * 1024 * 1024;

/// A connection to the remote.
pub(crate) struct Line {
    stream: TcpStream,
    /// What was read and belongs to no answer yet.
    rest: Vec<u8>,
}

impl Line {
    pub(super) async fn connect(host: &str, port: u16) -> Result<Self, NoAnswer> {
        let connecting = tokio::time::timeout(CONNECT, TcpStream::connect((host, port)));
        let stream = match connecting.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(NoAnswer::NoConnection(error.kind().to_string())),
            Err(_) => return Err(NoAnswer::TimedOut(CONNECT)),
        };
        // It only costs time if it fails.
        let _ = stream.set_nodelay(true);
        Ok(Self {
            stream,
            rest: Vec::new(),
        })
    }

    /// Sends these bytes.
    pub(crate) async fn say(&mut self, bytes: &[u8]) -> Result<(), NoAnswer> {
        self.stream
            .write_all(bytes)
            .await
            .map_err(|_| NoAnswer::Ended)
    }

    /// Sends a request while it reads, for whoever is refused early may not be read to the end.
    pub(super) async fn say_and_hear(&mut self, bytes: &[u8], head_only: bool) -> Answered {
        let Self { stream, rest } = self;
        let (mut from, mut to) = stream.split();
        let mut saying = std::pin::pin!(to.write_all(bytes));
        let mut hearing = std::pin::pin!(hear(&mut from, rest, head_only));
        tokio::select! {
            biased;
            answer = &mut hearing => answer,
            // What cannot be sent may still be answered.
            _ = &mut saying => hearing.await,
        }
    }

    /// The next answer on this connection, for `patience` at most.
    pub(crate) async fn hear(&mut self, patience: Duration) -> Answered {
        let Self { stream, rest } = self;
        let started = tokio::time::Instant::now();
        match tokio::time::timeout(patience, hear(stream, rest, false)).await {
            Ok(answered) => answered.map(|answer| answer.after(started.elapsed())),
            Err(_) => Err(NoAnswer::TimedOut(patience)),
        }
    }

    /// Waits until the other side ends the connection, for `patience` at most.
    pub(crate) async fn ends_within(&mut self, patience: Duration) -> bool {
        let mut ignored = [0; 4096];
        let end =
            async { while matches!(self.stream.read(&mut ignored).await, Ok(read) if read > 0) {} };
        tokio::time::timeout(patience, end).await.is_ok()
    }
}

async fn more<R: AsyncReadExt + Unpin>(
    from: &mut R,
    rest: &mut Vec<u8>,
) -> Result<usize, NoAnswer> {
    rest.reserve(16 * 1024);
    from.read_buf(rest).await.map_err(|_| NoAnswer::Ended)
}

async fn hear<R: AsyncReadExt + Unpin>(
    from: &mut R,
    rest: &mut Vec<u8>,
    head_only: bool,
) -> Answered {
    loop {
        let mut answer = head(from, rest).await?;
        // 100 and its like announce the answer, and are none.
        if matches!(answer.status, 100..200) {
            continue;
        }
        if !head_only && !matches!(answer.status, 204 | 304) {
            answer.body = body(from, rest, &answer).await?;
        }
        return Ok(answer);
    }
}

async fn head<R: AsyncReadExt + Unpin>(from: &mut R, rest: &mut Vec<u8>) -> Answered {
    let end = loop {
        if let Some(end) = memchr::memmem::find(rest, b"\r\n\r\n") {
            break end;
        }
        if rest.len() > MOST_HEAD {
            return Err(NoAnswer::NotHttp);
        }
        if more(from, rest).await? == 0 {
            return Err(if rest.is_empty() {
                NoAnswer::Ended
            } else {
                NoAnswer::NotHttp
            });
        }
    };
    let head: Vec<u8> = rest.drain(..end + 4).collect();
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1."));
    let status = status
        .and_then(|line| line.get(2..5)?.parse().ok())
        .ok_or(NoAnswer::NotHttp)?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    Ok(Answer {
        status,
        headers: headers
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Vec::new(),
        took: Duration::ZERO,
    })
}

async fn body<R: AsyncReadExt + Unpin>(
    from: &mut R,
    rest: &mut Vec<u8>,
    answer: &Answer,
) -> Result<Vec<u8>, NoAnswer> {
    let too_large = NoAnswer::TooLarge {
        status: answer.status,
    };
    let chunked = answer
        .header("transfer-encoding")
        .is_some_and(|value| value.contains("chunked"));
    if chunked {
        return chunks(from, rest, too_large).await;
    }
    if let Some(length) = answer.header("content-length") {
        let length: usize = length.parse().map_err(|_| NoAnswer::NotHttp)?;
        if length > MOST_BODY {
            return Err(too_large);
        }
        fill(from, rest, length).await?;
        return Ok(rest.drain(..length).collect());
    }
    while more(from, rest).await? > 0 {
        if rest.len() > MOST_BODY {
            return Err(too_large);
        }
    }
    Ok(std::mem::take(rest))
}

async fn chunks<R: AsyncReadExt + Unpin>(
    from: &mut R,
    rest: &mut Vec<u8>,
    too_large: NoAnswer,
) -> Result<Vec<u8>, NoAnswer> {
    let mut body = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = memchr::memmem::find(rest, b"\r\n") {
                break end;
            }
            if rest.len() > MOST_HEAD || more(from, rest).await? == 0 {
                return Err(NoAnswer::Ended);
            }
        };
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest.drain(..end + 2);
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| NoAnswer::NotHttp)?;
        if size > MOST_BODY - body.len() {
            return Err(too_large);
        }
        fill(from, rest, size + 2).await?;
        body.extend(rest.drain(..size));
        rest.drain(..2);
        // Trailers are nobody's concern here.
        if size == 0 {
            return Ok(body);
        }
    }
}

async fn fill<R: AsyncReadExt + Unpin>(
    from: &mut R,
    rest: &mut Vec<u8>,
    length: usize,
) -> Result<(), NoAnswer> {
    while rest.len() < length {
        if more(from, rest).await? == 0 {
            return Err(NoAnswer::Ended);
        }
    }
    Ok(())
}
