//! `forge-remote dev`

use std::{future::pending, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::anyhow;
use clap::Args;
use forge_remote::{
    Config, Forge,
    config::Sources,
    digest,
    emulator::{Emulator, Running, Settings},
    server::{ServeError, Server, terminated},
    telemetry,
};
use tokio::net::TcpStream;
use url::Url;

/// What belongs to a run on this machine: keys and the database. Not for the repository.
const STATE_DIR: &str = ".forge-remote";
/// The remote's database. `inbox --dev` looks into it.
pub(super) const STORE_URL: &str = "sqlite://.forge-remote/dev.db";

/// A second press of the button is meant, if it is no double click.
const DOUBLE_CLICK: Duration = Duration::from_secs(2);
/// Half of the shortest interval of a schedule.
const HALF_AN_INTERVAL: Duration = Duration::from_secs(150);

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
    /// Invoke this remote, in any language, instead of running the one that ships
    #[arg(long, value_name = "URL", conflicts_with = "listen")]
    remote: Option<Url>,
    /// How many seconds of the platform pass in one: 60 redelivers after a second, not a minute
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    speed: f64,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    super::block_on(dev(options))
}

async fn dev(options: &Options) -> anyhow::Result<()> {
    let remote = match &options.remote {
        Some(remote) => remote.clone(),
        None => format!("http://{}", options.listen).parse()?,
    };
    let mut settings = Settings::new(&options.manifest, remote);
    settings.listen = options.console;
    settings.state_dir = STATE_DIR.into();
    settings.speed = options.speed;
    let emulator = Emulator::start(settings).await?;

    let config = Config::load_from(&sources(options, &emulator))?.config;
    telemetry::init(&config.telemetry)?;
    super::panics::to_the_log();
    if let Some(remote) = &options.remote {
        welcome_for(&emulator, remote);
        tokio::select! {
            () = async { install_once_up(&emulator, remote).await; pending().await } => {}
            () = terminated() => {}
        }
    } else {
        let forge = Forge::from_config(config).await?;
        let ui = digest::router(&forge);
        // Here an hour may take a minute, and a button ticks when it is pressed.
        let window = HALF_AN_INTERVAL.div_f64(options.speed).min(DOUBLE_CLICK);
        let schedule = digest::schedule().windows_up_to(window);
        let server = Server::bind(forge, ui, digest::events(), schedule)
            .await
            .map_err(in_terms_of_options)?;
        // Port 0 is any free one: known only now.
        emulator.set_remote(format!("http://{}", server.address()).parse()?);
        welcome(&emulator, &server);
        // It listens already: the event waits there until it runs.
        emulator.install().await?;
        server.run(terminated()).await;
    }
    emulator.stop().await;
    Ok(())
}

/// Tells somebody else's remote that it was installed, when it listens.
async fn install_once_up(emulator: &Running, remote: &Url) {
    const PAUSE: Duration = Duration::from_millis(500);
    while !listens(remote).await {
        tokio::time::sleep(PAUSE).await;
    }
    if let Err(error) = emulator.install().await {
        tracing::warn!(cause = %error, "the remote was not told that it was installed");
    }
}

async fn listens(remote: &Url) -> bool {
    let (Some(host), Some(port)) = (remote.host_str(), remote.port_or_known_default()) else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((host, port)).await.is_ok()
}

/// Here the address is an option and no setting.
fn in_terms_of_options(error: ServeError) -> anyhow::Error {
    match error {
        ServeError::Bind {
            address, source, ..
        } => anyhow!(source).context(format!(
            "cannot listen on {address}: choose another address with --listen"
        )),
        other => other.into(),
    }
}

/// What makes a remote trust the emulator and call it in Atlassian's place.
fn trust(emulator: &Running) -> [(&'static str, String); 5] {
    let storage = format!("{}forge/storage/kvs", emulator.console_url());
    [
        ("APP__IDS", emulator.app_id().to_string()),
        ("FIT__JWKS_URL", emulator.jwks_url()),
        ("ATLASSIAN__API_HOSTS", emulator.api_host()),
        ("ATLASSIAN__GRAPHQL_URL", emulator.graphql_url()),
        ("ATLASSIAN__STORAGE_URL", storage),
    ]
}

/// The settings of this process, with Atlassian's addresses replaced by the emulator's.
fn sources(options: &Options, emulator: &Running) -> Sources {
    let mut sources = Sources::process();
    let own = [
        ("SERVER__LISTEN", options.listen.to_string()),
        ("SERVER__ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("STORE__URL", STORE_URL.to_owned()),
    ];
    for (key, value) in trust(emulator).into_iter().chain(own) {
        sources
            .variables
            .insert(format!("FORGE_REMOTE__{key}"), value);
    }
    sources
        .variables
        .insert("FORGE_REMOTE_ENV".to_owned(), "development".to_owned());
    // Where `requestRemote` comes from here; somebody may want to see it refused.
    sources
        .variables
        .entry("FORGE_REMOTE__SERVER__CORS_ORIGINS".to_owned())
        .or_insert_with(|| emulator.console_origin());
    sources
}

#[expect(
    clippy::print_stdout,
    reason = "the answer to whoever typed the command"
)]
fn welcome(emulator: &Running, server: &Server) {
    println!();
    println!("  console  {}", emulator.console_url());
    if let Some(module) = emulator.module_keys().first() {
        println!("  page     {}", emulator.host_url(module));
    }
    println!("  remote   http://{}", server.address());
    println!("  health   http://{}/readyz", server.admin_address());
    println!();
    println!("  Open the console and press a button. Ctrl-C stops both.");
    println!();
}

#[expect(
    clippy::print_stdout,
    reason = "the answer to whoever typed the command"
)]
fn welcome_for(emulator: &Running, remote: &Url) {
    println!();
    println!("  console  {}", emulator.console_url());
    if let Some(module) = emulator.module_keys().first() {
        println!("  page     {}", emulator.host_url(module));
    }
    println!("  remote   {remote}");
    println!();
    println!("  Start that remote with these settings, then open the console. Ctrl-C stops this.");
    println!();
    for (key, value) in trust(emulator) {
        println!("    FORGE_REMOTE__{key}={value}");
    }
    let origin = emulator.console_origin();
    println!("    FORGE_REMOTE__SERVER__CORS_ORIGINS={origin}");
    println!();
}
