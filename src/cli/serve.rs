//! `forge-remote serve`

use forge_remote::{Config, Forge, config::Sources, digest, server, telemetry};

pub(super) fn run() -> anyhow::Result<()> {
    super::block_on(serve())
}

async fn serve() -> anyhow::Result<()> {
    let sources = Sources::process();
    let loaded = Config::load_from(&sources)?;
    telemetry::init(&loaded.config.telemetry)?;
    super::panics::to_the_log();
    let forge = Forge::from_config(loaded.config.clone()).await?;
    tokio::spawn(server::reload_on_hangup(forge.clone(), sources, loaded));
    let ui = digest::router(&forge);
    forge_remote::serve(forge, ui, digest::events(), digest::schedule()).await?;
    Ok(())
}
