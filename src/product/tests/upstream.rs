//! Servers that play a product: one that speaks HTTP, and one that breaks it.

use std::{future::Future, time::Duration};

use axum::{body::Bytes, extract::Request, response::IntoResponse};
use http::{HeaderMap, Method, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::parking::Parked;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A server on loopback that stops when it is dropped.
pub(crate) struct Upstream {
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    arrived: Parked<Arrived>,
    server: JoinHandle<()>,
}

impl Upstream {
    /// Answers with what `answer` makes of a request and of how many came before it.
    pub(crate) async fn start<A: IntoResponse>(
        answer: impl Fn(usize, &Arrived) -> A + Clone + Send + Sync + 'static,
    ) -> Self {
        let arrived = Parked::default();
        let parked = arrived.clone();
        let handler = async move |request: Request| {
            let (parts, body) = request.into_parts();
            let request = Arrived {
                method: parts.method,
                uri: parts.uri.to_string(),
                headers: parts.headers,
                body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
            };
            let before = parked.put(request.clone());
            answer(before, &request).into_response()
        };
        let (listener, url) = listen().await;
        let server = tokio::spawn(async move {
            let router = axum::Router::new().fallback(handler);
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            url,
            arrived,
            server,
        }
    }

    /// Always the same answer.
    pub(crate) async fn answering(status: u16, body: &'static str) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        Self::start(move |_, _| (status, body)).await
    }

    /// Lets `serve` do with each connection what it likes, once a request's head has come.
    pub(crate) async fn raw<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let arrived = Parked::default();
        let parked = arrived.clone();
        let (listener, url) = listen().await;
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let head = read_head(&mut stream).await;
                parked.put(Arrived {
                    method: Method::GET,
                    uri: head,
                    headers: HeaderMap::new(),
                    body: Bytes::new(),
                });
                tokio::spawn(serve(stream));
            }
        });
        Self {
            url,
            arrived,
            server,
        }
    }

    /// Sends these bytes and closes the connection.
    pub(crate) async fn saying(bytes: &'static str) -> Self {
        Self::raw(async move |mut stream: TcpStream| {
            stream.write_all(bytes.as_bytes()).await.unwrap();
        })
        .await
    }

    /// Sends these bytes, and then one space after the other, without end.
    pub(crate) async fn trickling(bytes: &'static str) -> Self {
        Self::raw(async move |mut stream: TcpStream| {
            stream.write_all(bytes.as_bytes()).await.unwrap();
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.all()
    }

    pub(crate) fn hits(&self) -> usize {
        self.arrived().len()
    }

    /// Paths and queries, without what the base URL put before them.
    pub(crate) fn uris(&self, base: &str) -> Vec<String> {
        self.arrived()
            .iter()
            .map(|request| request.uri.strip_prefix(base).unwrap().to_owned())
            .collect()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}
