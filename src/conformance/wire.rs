//! A client that sends what a rule wants it to, byte for byte, and waits no longer than it is told.

mod answer;
mod call;
mod line;
#[cfg(test)]
mod tests;

use std::time::Duration;

use url::Url;

pub(crate) use answer::{Answer, Answered, NoAnswer, describe};
pub(crate) use call::Call;
pub(crate) use line::Line;

/// The remote's address.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    host: String,
    port: u16,
}

impl Wire {
    /// Of a URL that has scheme, host and port.
    pub(crate) fn to(remote: &Url) -> Option<Self> {
        Some(Self {
            host: remote.host_str()?.to_owned(),
            port: remote.port_or_known_default()?,
        })
    }

    /// `host:port`, as it stands in the header.
    pub(crate) fn host(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A connection of its own for one request; `patience` is for all of it.
    pub(crate) async fn ask(&self, call: &Call, patience: Duration) -> Answered {
        let started = tokio::time::Instant::now();
        let asked = async {
            let mut line = self.open().await?;
            line.say_and_hear(&call.bytes(&self.host()), call.is_head())
                .await
        };
        match tokio::time::timeout(patience, asked).await {
            Ok(answered) => answered.map(|answer| answer.after(started.elapsed())),
            Err(_) => Err(NoAnswer::TimedOut(patience)),
        }
    }

    /// Whether the remote is on this machine, for all that its URL tells.
    pub(crate) fn is_here(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        let address = host.parse::<std::net::IpAddr>();
        address.map_or(host == "localhost", |address| address.is_loopback())
    }

    /// A connection, for whoever wants more than one request on it.
    pub(crate) async fn open(&self) -> Result<Line, NoAnswer> {
        Line::connect(self.host.trim_matches(['[', ']']), self.port).await
    }
}
