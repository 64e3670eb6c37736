use std::{future::pending, net::SocketAddr};

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    task::JoinHandle,
    time::Instant,
};

use super::*;

const DRAIN: Duration = Duration::from_secs(10);

struct Served {
    address: SocketAddr,
    stopping: CancellationToken,
    running: JoinHandle<bool>,
}

async fn served(most: usize) -> Served {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/slow", get(async || pending::<()>().await));
    let stopping = CancellationToken::new();
    let connections = Connections {
        socket,
        router,
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
}

async fn read(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let served = served(8).await;
    for text in [
        "",
        "GET / HTTP/1.1\r\nHos",
        "PRI * HTTP/2.0\r\n",
        // Answered, and then nothing more is asked.
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let start = Instant::now();
        let stream = served.sent(text).await;
        let _ = timeout(HEAD_PATIENCE * 2, read(stream)).await.unwrap();
        assert!(start.elapsed() <= HEAD_PATIENCE + ACCEPT_PAUSE, "{text:?}");
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
    let waiting = timeout(Duration::from_millis(100), &mut second).await;
    assert!(waiting.is_err(), "the first one holds the only place");
    drop(first);
    assert!(second.await.unwrap().ends_with("hello"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_answers_but_not_for_ever() {
    let idle = served(8).await;
    let _quiet = idle.sent("").await;
    idle.stopping.cancel();
    assert!(idle.running.await.unwrap(), "an idle connection is closed");

    let busy = served(8).await;
    let request = busy.sent("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // The connection is taken before the stop.
    let _ = busy
        .sent("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let start = Instant::now();
    sleep(Duration::from_secs(1)).await;
    busy.stopping.cancel();
    assert!(!busy.running.await.unwrap());
    assert!(start.elapsed() >= DRAIN);
    assert_eq!(read(request).await, "", "it is closed, not left behind");
}

#[tokio::test(start_paused = true)]
async fn a_peer_who_takes_nothing_is_given_up() {
    let (ours, mut theirs) = duplex(16);
    let mut stream = Patience::new(ours, STALL_PATIENCE);
    stream.write_all(&[0; 16]).await.unwrap();
    let start = Instant::now();
    let stuck = tokio::spawn(async move { (stream.write_all(&[0; 16]).await, stream) });
    sleep(STALL_PATIENCE / 2).await;
    theirs.read_exact(&mut [0; 16]).await.unwrap();
    let (written, mut stream) = stuck.await.unwrap();
    written.unwrap();
    let error = stream.write_all(&[0; 16]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() >= STALL_PATIENCE * 3 / 2);
}
