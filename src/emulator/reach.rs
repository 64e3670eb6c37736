//! The remote's address: whether anybody listens there, and what is to be known of it.

use std::{net::IpAddr, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use url::{Host, Url};

/// An address that leads nowhere may never answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether a connection to the remote can be opened; nothing is sent over it.
pub(super) async fn listens(remote: &Url) -> bool {
    let (Some(host), Some(port)) = (remote.host_str(), remote.port_or_known_default()) else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let opened = timeout(PATIENCE, TcpStream::connect((host, port))).await;
    opened.is_ok_and(|opened| opened.is_ok())
}

/// What whoever starts a remote at that address should know of it.
pub(super) fn remarks(remote: &Url, origin: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    if remote.scheme() == "https" {
        remarks.push(
            "Its certificate must be one that this machine trusts. With any other the connection \
             fails, and calls reject with `remote network error`. On one machine plain `http` will do."
                .to_owned(),
        );
    }
    if !is_here(remote) {
        remarks.push(format!(
            "It is on another machine, where {origin} leads nowhere: the emulator hands out tokens \
             and answers on this machine alone. Run the remote here, or lead that address here \
             from there, as `ssh -R` does."
        ));
    }
    remarks
}

fn is_here(remote: &Url) -> bool {
    let here = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    match remote.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => here(ip.into()),
        Some(Host::Ipv6(ip)) => here(ip.into()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn what_will_not_work_as_it_is_is_said() {
        for (remote, expected) in [
            ("http://127.0.0.1:8080", vec![]),
            ("http://localhost:8080", vec![]),
            ("http://[::1]:8080", vec![]),
            ("https://localhost:8443", vec!["certificate"]),
            ("http://10.0.0.7:8080", vec!["another machine"]),
            (
                "https://tunnel.example",
                vec!["certificate", "another machine"],
            ),
        ] {
            let remarks = remarks(&remote.parse().unwrap(), "http://127.0.0.1:4000");
            assert_eq!(remarks.len(), expected.len(), "{remote}: {remarks:?}");
            for (remark, words) in remarks.iter().zip(expected) {
                assert!(remark.contains(words), "{remote}: {remark}");
            }
        }
    }

    #[tokio::test]
    async fn whoever_listens_is_found_and_whoever_has_gone_is_not() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address).await else {
                // A machine without IPv6 has nobody there.
                assert!(address.starts_with('['));
                continue;
            };
            let remote = format!("http://{}", listener.local_addr().unwrap());
            let remote = remote.parse().unwrap();
            assert!(listens(&remote).await);
            drop(listener);
            assert!(!listens(&remote).await);
        }
    }
}
