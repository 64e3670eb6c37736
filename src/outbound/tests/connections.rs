//! How calls share connections, over real TLS.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use http::{Method, Version, header::AUTHORIZATION};
use reqwest::Client;
use tokio::sync::Barrier;

use super::tls::{TlsServer, client};
use crate::outbound::{ApiHosts, warm_up};

const CALLS: usize = 50;

/// A server that answers calls only while this many are there at once.
async fn server_for(calls: usize, protocols: &[&str]) -> TlsServer {
    let all_here = Arc::new(Barrier::new(calls));
    TlsServer::start(protocols, move || {
        let all_here = Arc::clone(&all_here);
        async move {
            all_here.wait().await;
        }
    })
    .await
}

async fn call_at_once(http: &Client, server: &TlsServer) {
    let calls = (0..CALLS).map(|_| http.get(server.url.clone()).send());
    let answers = tokio::time::timeout(Duration::from_mins(1), join_all(calls)).await;
    for answer in answers.expect("all are answered together, or none") {
        assert_eq!(answer.unwrap().text().await.unwrap(), "{}");
    }
}

#[tokio::test]
async fn fifty_calls_at_once_share_one_connection_where_http_2_is_spoken() {
    let server = server_for(CALLS, &["h2", "http/1.1"]).await;
    let http = client();
    warm_up(&http, vec![server.url.clone()]).await;
    call_at_once(&http, &server).await;
    assert_eq!(server.connections(), 1);
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1 + CALLS);
    assert!(arrived.iter().all(|call| call.version == Version::HTTP_2));
}

#[tokio::test]
async fn calls_have_a_connection_each_where_it_is_not_and_keep_them() {
    let server = server_for(CALLS, &["http/1.1"]).await;
    let http = client();
    call_at_once(&http, &server).await;
    assert_eq!(server.connections(), CALLS);
    call_at_once(&http, &server).await;
    assert_eq!(server.connections(), CALLS, "they are used again");
    let arrived = server.arrived();
    assert!(arrived.iter().all(|call| call.version == Version::HTTP_11));
}

#[tokio::test]
async fn a_server_that_names_no_protocol_gets_http_1_1() {
    let server = server_for(1, &[]).await;
    client().get(server.url.clone()).send().await.unwrap();
    assert_eq!(server.arrived()[0].version, Version::HTTP_11);
}

#[tokio::test]
async fn a_connection_opened_ahead_carries_no_token_and_serves_the_first_call() {
    for protocol in ["h2", "http/1.1"] {
        let server = server_for(1, &[protocol]).await;
        let http = client();
        warm_up(&http, vec![server.url.clone()]).await;
        let ahead = &server.arrived()[0];
        assert_eq!(ahead.method, Method::HEAD);
        assert!(!ahead.headers.contains_key(AUTHORIZATION));
        http.get(server.url.clone()).send().await.unwrap();
        assert_eq!(server.connections(), 1, "{protocol}");
    }
}

#[tokio::test]
async fn nothing_is_lost_where_no_connection_can_be_opened_ahead() {
    let server = server_for(1, &["h2"]).await;
    let gone = server.url.clone();
    drop(server);
    let server = server_for(1, &["h2"]).await;
    let http = client();
    warm_up(&http, vec![gone, server.url.clone()]).await;
    assert_eq!(server.connections(), 1);
}

#[test]
fn only_hosts_behind_a_network_are_opened_ahead() {
    let hosts = ApiHosts::new(
        ["api.atlassian.com", "127.0.0.1", "localhost", "not a host"],
        true,
    );
    let places: Vec<_> = hosts.places().iter().map(ToString::to_string).collect();
    assert_eq!(places, ["https://api.atlassian.com/"]);
}
