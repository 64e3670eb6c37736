//! `forge-remote dev`

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Args;
use forge_remote::{
    Config, Forge,
    config::Sources,
    digest,
    emulator::{Emulator, Running, Settings},
    server::{Server, terminated},
    telemetry,
};

/// What belongs to a run on this machine: keys and the database. Not for the repository.
const STATE_DIR: &str = ".forge-remote";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The app's manifest
    #[arg(long, default_value = "manifest.yml", value_name = "PATH")]
    manifest: PathBuf,
    /// Where the console and the emulated Atlassian listen
    #[arg(long, default_value = "127.0.0.1:4000", value_name = "ADDRESS")]
    console: SocketAddr,
    /// Where the remote listens
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    super::block_on(dev(options))
}

async fn dev(options: &Options) -> anyhow::Result<()> {
    let remote = format!("http://{}", options.listen).parse()?;
    let mut settings = Settings::new(&options.manifest, remote);
    settings.listen = options.console;
    settings.state_dir = STATE_DIR.into();
    let emulator = Emulator::start(settings).await?;

    let config = Config::load_from(&sources(options, &emulator))?.config;
    telemetry::init(&config.telemetry)?;
    let forge = Forge::from_config(config).await?;
    let ui = digest::router(&forge);
    let server = Server::bind(forge, ui)
        .await
        .context("choose another address with --listen")?;
    welcome(&emulator, &server);
    server.run(terminated()).await;
    emulator.stop().await;
    Ok(())
}

/// The settings of this process, with Atlassian's addresses replaced by the emulator's.
fn sources(options: &Options, emulator: &Running) -> Sources {
    let mut sources = Sources::process();
    let console = emulator.console_url();
    let storage = format!("{}forge/storage/kvs", console.as_str());
    let settings = [
        ("APP__IDS", emulator.app_id().to_string()),
        ("SERVER__LISTEN", options.listen.to_string()),
        ("SERVER__ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("FIT__JWKS_URL", emulator.jwks_url().clone()),
        ("ATLASSIAN__API_HOSTS", emulator.api_host().clone()),
        ("ATLASSIAN__GRAPHQL_URL", emulator.graphql_url().clone()),
        ("ATLASSIAN__STORAGE_URL", storage),
        ("STORE__URL", format!("sqlite://{STATE_DIR}/dev.db")),
    ];
    for (key, value) in settings {
        sources
            .variables
            .insert(format!("FORGE_REMOTE__{key}"), value);
    }
    sources
        .variables
        .insert("FORGE_REMOTE_ENV".to_owned(), "development".to_owned());
    sources
}

#[expect(
    clippy::print_stdout,
    reason = "the answer to whoever typed the command"
)]
fn welcome(emulator: &Running, server: &Server) {
    println!();
    println!("  console  {}", emulator.console_url());
    println!("  remote   http://{}", server.address());
    println!("  health   http://{}/readyz", server.admin_address());
    println!();
    println!("  Open the console and press a button. Ctrl-C stops both.");
    println!();
}
