//! `forge-remote health`

use std::time::Duration;

use anyhow::{Context, bail};
use forge_remote::Config;

const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds if `GET /livez` on the admin listener does.
#[tokio::main(flavor = "current_thread")]
pub(super) async fn run() -> anyhow::Result<()> {
    let mut address = Config::load()?.server.admin_listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let url = format!("http://{address}/livez");
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()?;
    let answer = client
        .get(&url)
        .send()
        .await
        .with_context(|| format!("{url} does not answer"))?;
    if !answer.status().is_success() {
        bail!("{url} answers {}", answer.status());
    }
    Ok(())
}
