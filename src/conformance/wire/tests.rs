use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// What becomes of a call to a server that says these bytes, `more` times the second of them,
/// and hangs up.
async fn told(start: &'static [u8], again: &'static [u8], more: usize) -> Answered {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(start).await;
        for _ in 0..more {
            if stream.write_all(again).await.is_err() {
                break;
            }
        }
    });
    let wire = Wire::to(&url.parse().unwrap()).unwrap();
    let answered = wire.ask(&Call::new("GET", "/"), PATIENCE).await;
    server.abort();
    answered
}

async fn answer(bytes: &'static [u8]) -> Answer {
    told(bytes, b"", 0).await.unwrap()
}

#[tokio::test]
async fn bodies_end_where_they_say() {
    let length = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more").await;
    assert_eq!((length.status, &*length.body), (200, &b"{}"[..]));
    let chunks = answer(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    )
    .await;
    assert_eq!(chunks.body, b"{}");
    let close = answer(b"HTTP/1.1 404 Not Found\r\n\r\nall of it").await;
    assert_eq!((close.status, &*close.body), (404, &b"all of it"[..]));
    let none = answer(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n").await;
    assert_eq!((none.status, none.body.len()), (204, 0));
}

#[tokio::test]
async fn what_only_announces_an_answer_is_none() {
    let answer = answer(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Y: Z\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-y"), Some("Z"));
}

#[tokio::test]
async fn half_answers_and_nonsense_are_told_apart() {
    for (bytes, wanted) in [
        (&b""[..], NoAnswer::Ended),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
            NoAnswer::Ended,
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{}",
            NoAnswer::Ended,
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            NoAnswer::NotHttp,
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            NoAnswer::NotHttp,
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", NoAnswer::NotHttp),
        (b"HTTP/1.1 \xff\xff\xff OK\r\n\r\n", NoAnswer::NotHttp),
    ] {
        assert_eq!(
            told(bytes, b"", 0).await.unwrap_err(),
            wanted,
            "{}",
            bytes.escape_ascii()
        );
    }
}

static BLOCK: [u8; 64 * 1024] = [b'x'; 64 * 1024];

#[tokio::test]
async fn nobody_is_listened_to_for_ever() {
    let large = NoAnswer::TooLarge { status: 200 };
    let length = b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n";
    assert_eq!(told(length, b"", 0).await.unwrap_err(), large);
    let chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n";
    assert_eq!(told(chunk, b"", 0).await.unwrap_err(), large);
    let block = &BLOCK;
    let close = told(b"HTTP/1.1 200 OK\r\n\r\n", block, 200).await;
    assert_eq!(close.unwrap_err(), large);
    let head = told(b"HTTP/1.1 200 OK\r\n", block, 200).await;
    assert_eq!(head.unwrap_err(), NoAnswer::NotHttp);
    let line = told(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        block,
        200,
    )
    .await;
    assert_eq!(line.unwrap_err(), NoAnswer::Ended);
}

#[tokio::test]
async fn silence_ends_with_the_patience() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let wire = Wire::to(&url.parse().unwrap()).unwrap();
    let short = Duration::from_millis(50);
    let silent = wire.ask(&Call::new("GET", "/"), short).await;
    assert_eq!(silent.unwrap_err(), NoAnswer::TimedOut(short));
    drop(listener);
    let nobody = wire.ask(&Call::new("GET", "/"), PATIENCE).await;
    assert!(
        matches!(nobody, Err(NoAnswer::NoConnection(_))),
        "{nobody:?}"
    );
}

#[test]
fn a_call_is_written_as_it_was_made() {
    let call = Call::bare("POST", "/a")
        .header("X-Odd", "1")
        .json(&serde_json::json!({}))
        .in_chunks();
    let bytes = String::from_utf8(call.bytes("h:1")).unwrap();
    assert_eq!(
        bytes,
        "POST /a HTTP/1.1\r\nhost: h:1\r\nX-Odd: 1\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    );
    let spelt = Call::bare("GET", "/")
        .header("a-b", "1")
        .spell(str::to_uppercase)
        .bytes("h");
    assert!(spelt.windows(6).any(|six| six == b"A-B: 1"));
}
