use std::{future::pending, net::SocketAddr};

use axum::{
    body::Bytes,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    task::JoinHandle,
    time::Instant,
};

use super::{
    patience::{HEAD_PATIENCE, LEAST_TAKEN, STALL_PATIENCE},
    trickle::{LEAST, PATIENCE as BODY_PATIENCE},
    *,
};

const DRAIN: Duration = Duration::from_secs(10);
/// Timers have a grain, and what they lead to takes a turn or two.
const GRAIN: Duration = Duration::from_millis(100);

struct Served {
    address: SocketAddr,
    stopping: CancellationToken,
    running: JoinHandle<bool>,
}

async fn served(most: usize) -> Served {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let service = Router::new()
        .route("/", get(async || "hello"))
        .route("/body", post(async |body: Bytes| body.len().to_string()))
        .route("/slow", get(async || pending::<()>().await));
    let stopping = CancellationToken::new();
    let connections = Connections {
        socket,
        service,
        most,
    };
    Served {
        address,
        running: tokio::spawn(connections.serve(stopping.clone(), DRAIN)),
        stopping,
    }
}

impl Served {
    async fn sent(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Ends when all connections that were opened before are taken.
    async fn has_taken_all(&self) {
        let last = self.sent("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert!(read(last.await).await.ends_with("hello"));
    }
}

async fn read(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that is cut may end with a reset.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let served = served(8).await;
    for (text, patience) in [
        ("", HEAD_PATIENCE),
        ("GET / HTTP/1.1\r\nHos", HEAD_PATIENCE),
        ("PRI * HTTP/2.0\r\n", HEAD_PATIENCE),
        // Answered, and then nothing more is asked.
        ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", IDLE_PATIENCE),
    ] {
        let start = Instant::now();
        let stream = served.sent(text).await;
        let _ = timeout(patience * 2, read(stream)).await.unwrap();
        assert!(start.elapsed() <= patience + GRAIN, "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_is_cut_off_also_as_the_second_of_its_connection() {
    let served = served(8).await;
    let mut stream = served.sent("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut answer = [0; 4096];
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    sleep(HEAD_PATIENCE * 3).await;
    let start = Instant::now();
    // A byte a second, for ever.
    let (mut reader, mut writer) = stream.into_split();
    let sender = tokio::spawn(async move {
        let mut head = b"GET / HTTP/1.1\r\nx: "
            .iter()
            .chain(std::iter::repeat(&b'a'));
        while writer.write_all(&[*head.next().unwrap()]).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let _ = timeout(HEAD_PATIENCE * 2, reader.read(&mut answer))
        .await
        .unwrap();
    assert!(start.elapsed() >= HEAD_PATIENCE);
    assert!(start.elapsed() <= HEAD_PATIENCE + GRAIN);
    sender.abort();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_cut_off_and_one_that_comes_is_not() {
    let served = served(8).await;
    let head =
        "POST /body HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 20000\r\n\r\n";
    for (bytes, expected) in [(1, "400"), (LEAST / 4, "200")] {
        let start = Instant::now();
        let (mut reader, mut writer) = served.sent(head).await.into_split();
        let sender = tokio::spawn(async move {
            let mut left = 20_000;
            while left > 0 && writer.write_all(&vec![b'a'; bytes.min(left)]).await.is_ok() {
                left -= bytes.min(left);
                sleep(Duration::from_secs(1)).await;
            }
        });
        let mut answer = vec![0; 4096];
        let length = reader.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert_eq!(answer.split(' ').nth(1), Some(expected), "{answer}");
        let took = start.elapsed();
        if expected == "400" {
            assert!(took <= BODY_PATIENCE + GRAIN, "{took:?}");
            assert!(answer.contains("slowly"), "{answer}");
        } else {
            assert!(took > BODY_PATIENCE * 2, "{took:?}");
        }
        sender.abort();
    }
}

#[tokio::test]
async fn one_more_than_there_is_room_for_waits_until_another_leaves() {
    let served = served(1).await;
    let first = served.sent("GET / HTTP/1.1\r\nhost: x\r\n").await;
    let second = served
        .sent("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let mut second = tokio::spawn(read(second));
    let waiting = timeout(GRAIN, &mut second).await;
    assert!(waiting.is_err(), "the first one holds the only place");
    drop(first);
    assert!(second.await.unwrap().ends_with("hello"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_no_head() {
    for text in ["", "GET / HTTP/1.1\r\nhost: x\r\nx-half-a-hea"] {
        let served = served(8).await;
        let _quiet = served.sent(text).await;
        served.has_taken_all().await;
        let start = Instant::now();
        served.stopping.cancel();
        assert!(served.running.await.unwrap(), "{text:?}");
        assert!(start.elapsed() <= STOP_PATIENCE + GRAIN, "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_answers_but_not_for_ever() {
    let busy = served(8).await;
    let request = busy.sent("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    busy.has_taken_all().await;
    let start = Instant::now();
    busy.stopping.cancel();
    assert!(!busy.running.await.unwrap());
    assert!(start.elapsed() >= DRAIN);
    assert_eq!(read(request).await, "", "it is closed, not left behind");
}

fn patient(stream: tokio::io::DuplexStream) -> Patience<tokio::io::DuplexStream> {
    Patience::new(stream, Progress::of_new_connection())
}

#[tokio::test(start_paused = true)]
async fn a_peer_who_takes_nothing_is_given_up() {
    let (ours, _theirs) = duplex(16);
    let mut stream = patient(ours);
    stream.write_all(&[0; 16]).await.unwrap();
    stream.flush().await.unwrap();
    let start = Instant::now();
    let error = stream.write_all(&[0; 16]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() >= STALL_PATIENCE);
    assert!(start.elapsed() <= STALL_PATIENCE + GRAIN);
}

/// Takes `bytes` each second until the other side has gone.
async fn take(mut stream: tokio::io::DuplexStream, bytes: usize) {
    let mut taken = vec![0; bytes];
    while stream.read(&mut taken).await.is_ok_and(|count| count > 0) {
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_who_takes_a_little_now_and_then_is_given_up_too() {
    let (ours, theirs) = duplex(1024);
    let _taker = tokio::spawn(take(theirs, 16));
    let start = Instant::now();
    let error = patient(ours)
        .write_all(&vec![0; 100_000])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() <= STALL_PATIENCE + GRAIN);
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_who_goes_on_taking_gets_it_all() {
    let (ours, theirs) = duplex(4096);
    let _taker = tokio::spawn(take(theirs, 4096));
    let start = Instant::now();
    let answer = vec![0; 6 * LEAST_TAKEN];
    patient(ours).write_all(&answer).await.unwrap();
    assert!(
        start.elapsed() > STALL_PATIENCE * 2,
        "{:?}",
        start.elapsed()
    );
}
