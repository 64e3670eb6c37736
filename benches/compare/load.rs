//! A load generator that costs little: requests are written before the clock runs.

use std::{
    cell::Cell,
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use tokio::task::yield_now;

use crate::connection::Connection;

/// Requests, and what is asked of their answers.
pub(crate) struct Batch<'a> {
    /// Sent in turn, over and over.
    pub(crate) requests: &'a [Vec<u8>],
    /// How many to send.
    pub(crate) count: usize,
    /// Of every answer's body, in bytes.
    pub(crate) length: usize,
    /// Whether to ask for answers all the time and never sleep. Else each answer wakes this
    /// process up, and the kernel puts that on the remote's account: the more, the longer the
    /// remote takes.
    pub(crate) wide_awake: bool,
}

/// Open connections.
pub(crate) struct Load(Vec<Connection>);

/// What a run of load brought.
pub(crate) struct Run {
    pub(crate) took: Duration,
    /// In order.
    latencies: Vec<Duration>,
}

impl Load {
    pub(crate) async fn open(address: SocketAddr, connections: u16) -> Result<Self> {
        let opened = (0..connections).map(|_| Connection::open(address));
        Ok(Self(try_join_all(opened).await?))
    }

    /// Sends the batch as fast as it is answered; any answer but the right one ends it.
    pub(crate) async fn run(&mut self, batch: &Batch<'_>) -> Result<Run> {
        let next = Cell::new(0);
        let began = Instant::now();
        let senders = self.0.iter_mut().map(|connection| async {
            let mut latencies = Vec::with_capacity(batch.count / 16);
            loop {
                let at = next.get();
                if at == batch.count {
                    return anyhow::Ok(latencies);
                }
                next.set(at + 1);
                let request = &batch.requests[at % batch.requests.len()];
                let sent = Instant::now();
                let answer = connection.send(request).await?;
                latencies.push(sent.elapsed());
                ensure!(answer.status == 200, "status {} under load", answer.status);
                ensure!(
                    answer.length == batch.length,
                    "{} bytes under load, not {}",
                    answer.length,
                    batch.length
                );
            }
        });
        let insomnia = async {
            if !batch.wide_awake {
                return pending::<Infallible>().await;
            }
            loop {
                yield_now().await;
            }
        };
        let latencies = tokio::select! {
            latencies = try_join_all(senders) => latencies?,
            never = insomnia => match never {},
        };
        let mut latencies = latencies.concat();
        let took = began.elapsed();
        latencies.sort_unstable();
        Ok(Run { took, latencies })
    }
}

impl Run {
    /// The latency that this share of the requests stayed under, in percent.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len() - 1);
        self.latencies[at]
    }
}
