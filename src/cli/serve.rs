//! `forge-remote serve`

use forge_remote::{Config, Forge, digest, telemetry};

#[tokio::main]
pub(super) async fn run() -> anyhow::Result<()> {
    let config = Config::load()?;
    telemetry::init(&config.telemetry)?;
    let forge = Forge::from_config(config).await?;
    let ui = digest::router(&forge);
    forge_remote::serve(forge, ui).await?;
    Ok(())
}
