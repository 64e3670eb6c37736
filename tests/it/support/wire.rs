//! A server without manners: it plays bytes, whatever HTTP says, and counts what it got rid of.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// More than anything takes here, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than anybody reads.
pub(crate) const TEN_GB: u64 = 10 << 30;

/// A listener on loopback. It stops, with all that it plays, when it is dropped.
pub(crate) struct Wire {
    address: SocketAddr,
    seen: watch::Sender<Seen>,
    playing: JoinHandle<()>,
}

/// What came in, and what went out.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// Connections that have ended, on whichever side.
    pub(crate) ended: usize,
    /// Heads of requests.
    pub(crate) requests: Vec<String>,
    /// Bytes that left for the other side: what it has read, and what buffers hold.
    pub(crate) sent: u64,
}

impl Wire {
    /// Lets `play` do with each connection what it likes. An error only ends it.
    pub(crate) async fn start<F>(play: impl Fn(Line) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = watch::Sender::<Seen>::default();
        let inside = seen.clone();
        let playing = tokio::spawn(async move {
            let mut plays = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                inside.send_modify(|seen| seen.connections += 1);
                let seen = inside.clone();
                plays.spawn(play(Line { stream, seen }));
                while plays.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            seen,
            playing,
        }
    }

    /// Answers one request of each connection with these bytes, and closes it.
    pub(crate) async fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |mut line| {
            let bytes = bytes.clone();
            async move {
                line.request().await?;
                line.say(&bytes).await
            }
        })
        .await
    }

    /// Says `start` and then `block` again and again, up to 10 GB.
    pub(crate) async fn flooding(start: impl Into<Vec<u8>>, block: impl Into<Vec<u8>>) -> Self {
        let (start, block) = (start.into(), block.into());
        Self::start(move |mut line| {
            let (start, block) = (start.clone(), block.clone());
            async move {
                line.request().await?;
                line.say(&start).await?;
                line.flood(&block).await
            }
        })
        .await
    }

    /// Says `start`, and then one byte every `pause` for as long as somebody listens.
    pub(crate) async fn trickling(start: &'static str, byte: u8, pause: Duration) -> Self {
        Self::start(move |mut line| async move {
            line.request().await?;
            line.say(start.as_bytes()).await?;
            line.trickle(byte, pause).await
        })
        .await
    }

    /// Takes requests and answers none.
    pub(crate) async fn hanging() -> Self {
        Self::start(async |mut line: Line| {
            line.request().await?;
            line.hang().await
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> watch::Ref<'_, Seen> {
        self.seen.borrow()
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.seen().requests.len()
    }

    /// Waits until `is_so`, and fails if that takes too long.
    pub(crate) async fn until(&self, what: &str, is_so: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let in_time = tokio::time::timeout(PATIENCE, seen.wait_for(is_so)).await;
        assert!(in_time.is_ok(), "{what}: not after {PATIENCE:?}");
    }

    /// Waits until nobody holds a connection to it.
    pub(crate) async fn is_left_alone(&self) {
        self.until("every connection is given up", |seen| {
            seen.ended == seen.connections
        })
        .await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.playing.abort();
    }
}

/// One connection.
pub(crate) struct Line {
    stream: TcpStream,
    seen: watch::Sender<Seen>,
}

impl Line {
    /// Reads a request to its end and gives its head.
    pub(crate) async fn request(&mut self) -> io::Result<String> {
        let head = self.head().await?;
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.map_or(0, |(_, value)| value.trim().parse().unwrap());
        self.stream.read_exact(&mut vec![0; length]).await?;
        Ok(head)
    }

    /// Reads a request's head and leaves its body where it is.
    pub(crate) async fn head(&mut self) -> io::Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        self.seen
            .send_modify(|seen| seen.requests.push(head.clone()));
        Ok(head)
    }

    /// Reads one byte of what the other side sends.
    pub(crate) async fn sip(&mut self) -> io::Result<()> {
        self.stream.read_u8().await.map(drop)
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = self.stream.write(rest).await?;
            rest = &rest[sent..];
            self.seen
                .send_modify(|seen| seen.sent += u64::try_from(sent).unwrap());
        }
        Ok(())
    }

    /// Says `block` again and again, up to 10 GB.
    pub(crate) async fn flood(&mut self, block: &[u8]) -> io::Result<()> {
        let mut left = TEN_GB;
        while left > 0 {
            self.say(block).await?;
            left = left.saturating_sub(u64::try_from(block.len()).unwrap());
        }
        Ok(())
    }

    /// Says `byte` every `pause`, for as long as somebody listens.
    pub(crate) async fn trickle(&mut self, byte: u8, pause: Duration) -> io::Result<()> {
        loop {
            self.say(&[byte]).await?;
            // As soon as the other side goes, and not only when the next byte fails.
            if let Ok(left) = tokio::time::timeout(pause, self.hang()).await {
                return left;
            }
        }
    }

    /// Says nothing until the other side goes.
    pub(crate) async fn hang(&mut self) -> io::Result<()> {
        let mut ignored = [0; 1024];
        while self.stream.read(&mut ignored).await? > 0 {}
        Ok(())
    }

    /// Resets the connection.
    pub(crate) fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.seen.send_modify(|seen| seen.ended += 1);
    }
}

/// A 200 whose length is told and right.
pub(crate) fn whole(body: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A 200 with the head of a gzip stream, and a block of it that can be said again and again:
/// a megabyte of `fill` each time.
pub(crate) fn bomb(fill: u8) -> (Vec<u8>, Vec<u8>) {
    use flate2::{Compress, Compression, FlushCompress};

    let head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    let mut block = Vec::with_capacity(64 << 10);
    // Flushed, it ends on a whole byte and refers to nothing before it.
    Compress::new(Compression::best(), false)
        .compress_vec(&vec![fill; 1 << 20], &mut block, FlushCompress::Full)
        .unwrap();
    ([head.as_slice(), &gzip].concat(), block)
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
