//! A server on loopback that speaks TLS, and counts who connects.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::Request, response::IntoResponse};
use http::{HeaderMap, Method, Version};
use hyper::server::conn::{http1, http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use reqwest::{Certificate, Client};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use url::Url;

use crate::outbound::tuned;

const ROOT: &[u8] = include_bytes!("../../../tests/keys/tls-root.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../../tests/keys/tls-server.pem");
const KEY: &[u8] = include_bytes!("../../../tests/keys/tls-server.key.pem");

/// The client that every room shares, which trusts the server of these tests too.
pub(super) fn client() -> Client {
    let root = Certificate::from_pem(ROOT).unwrap();
    tuned(Client::builder().no_proxy())
        .tls_certs_merge([root])
        .build()
        .unwrap()
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
}

/// Stops when it is dropped.
pub(super) struct TlsServer {
    pub(super) url: Url,
    connections: Arc<AtomicUsize>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    server: JoinHandle<()>,
}

impl TlsServer {
    /// Speaks one of these protocols, in the names of ALPN, and answers after `wait`.
    pub(super) async fn start<F>(
        protocols: &[&str],
        wait: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let arrived = Arc::<Mutex<Vec<Arrived>>>::default();
        let parked = Arc::clone(&arrived);
        let handler = async move |request: Request| {
            parked.lock().unwrap().push(Arrived {
                method: request.method().clone(),
                version: request.version(),
                headers: request.headers().clone(),
            });
            if request.method() != Method::HEAD {
                wait().await;
            }
            "{}".into_response()
        };
        let router = Router::new().fallback(handler);
        let acceptor = acceptor(protocols);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let connections = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&connections);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, acceptor.clone(), router.clone()));
            }
        });
        Self {
            url: url.parse().unwrap(),
            connections,
            arrived,
            server,
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn acceptor(protocols: &[&str]) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().into())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let speaks_http_2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let (stream, service) = (TokioIo::new(stream), TowerToHyperService::new(router));
    // How a connection ends is the client's to say.
    if speaks_http_2 {
        let server = http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(stream, service).await;
    } else {
        let _ = http1::Builder::new()
            .serve_connection(stream, service)
            .await;
    }
}
