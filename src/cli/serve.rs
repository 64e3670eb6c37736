//! `forge-remote serve`

use forge_remote::{Config, Forge, digest, telemetry};

pub(super) fn run() -> anyhow::Result<()> {
    super::block_on(serve())
}

async fn serve() -> anyhow::Result<()> {
    let config = Config::load()?;
    telemetry::init(&config.telemetry)?;
    super::panics::to_the_log();
    let forge = Forge::from_config(config).await?;
    let ui = digest::router(&forge);
    forge_remote::serve(forge, ui, digest::events(), digest::schedule()).await?;
    Ok(())
}
