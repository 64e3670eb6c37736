//! `forge-remote check`

mod list;
mod write;

use std::{io::IsTerminal, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Args;
use forge_remote::{
    conformance::{
        check::{Check, CheckError, Settings, Trust, UiPath},
        report::Judged,
        rule::{Only, Severity, Verdict},
    },
    ids::AppId,
};
use url::Url;

pub(super) const EXAMPLES: &str = "\
Examples:
  forge-remote check http://127.0.0.1:8080 --ui-path /api/content
  forge-remote check http://127.0.0.1:8080 --ui-path /api/content --only authentication
  forge-remote check http://127.0.0.1:8080 --ui-path 'PUT:/api/note={\"text\":\"x\"}' --junit check.xml
  forge-remote check --list

Start it first: it prints the settings that the remote needs, and waits for the remote.
Exit code 0: no rule that a remote must keep is broken; 1: some are; 2: it could not be tried.";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The running remote: http://HOST:PORT
    #[arg(value_name = "URL", required_unless_present = "list")]
    remote: Option<Url>,
    /// The app's manifest: it names the app and the paths that the platform calls
    #[arg(long, default_value = "manifest.yml", value_name = "PATH")]
    manifest: PathBuf,
    /// A path that the app's pages call; `{account}` in it becomes an account id. Repeatable
    #[arg(long = "ui-path", value_name = "[METHOD:]PATH[=JSON]")]
    ui_paths: Vec<UiPath>,
    /// Where key set, gateway, storage and products listen: what the remote is told
    #[arg(long, default_value = "127.0.0.1:4100", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Play these alone: a group, or a rule by its id. Repeatable
    #[arg(long, value_name = "GROUP|RULE")]
    only: Vec<Only>,
    /// Write the report as JSON; `-` writes it to standard output instead of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as XML for build servers (`JUnit`)
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the JSON of a shields.io endpoint badge
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
    /// Sign with a private key that the remote trusts already: a JWK with `kid`, or PEM with a
    /// line `kid: …` before it. Then nothing about the key set can be tried
    #[arg(long, value_name = "FILE")]
    jwks_key: Option<PathBuf>,
    /// A shell command that kills the remote and starts it again, for the rules about that
    #[arg(long, value_name = "COMMAND")]
    restart_command: Option<String>,
    /// Another app id than the manifest's
    #[arg(long, value_name = "ARI|UUID")]
    app_id: Option<AppId>,
    /// How long to wait for the remote to accept a first invocation, in seconds
    #[arg(long = "wait", default_value_t = 60, value_name = "SECONDS")]
    wait: u64,
    /// No colours
    #[arg(long, env = "NO_COLOR", value_parser = clap::builder::FalseyValueParser::new())]
    no_color: bool,
    /// Print every rule, and play none
    #[arg(long)]
    list: bool,
}

/// 0, 1, or 2: the command's own, for 2 means that nothing was tried.
pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if options.list {
        list::print(&options.only);
        return Ok(ExitCode::SUCCESS);
    }
    let Some(remote) = &options.remote else {
        return Ok(ExitCode::from(2));
    };
    let mut good = false;
    let outcome = super::block_on(async {
        good = check(options, remote).await?;
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(ExitCode::from(u8::from(!good))),
        Err(error) if error.is::<CheckError>() => {
            super::complain(&error);
            Ok(ExitCode::from(2))
        }
        Err(error) => Err(error),
    }
}

async fn check(options: &Options, remote: &Url) -> anyhow::Result<bool> {
    let check = Check::start(settings(options)).await?;
    let quiet = options.json.as_deref().is_some_and(write::is_stdout);
    let settings = settings_in_words(&check.trust());
    if quiet {
        say(&settings);
    } else {
        write::out(&settings);
    }
    let patience = Duration::from_secs(options.wait);
    check
        .wait_for(remote, patience, |why| {
            say(&format!("waiting for the remote: {why}"));
        })
        .await?;
    let progress = std::io::stderr().is_terminal();
    let tell = |one: &Judged| {
        if progress {
            say(&format!("{} {}", mark(one), one.rule.id));
        }
    };
    let report = check.run(remote, &options.only, &tell).await?;
    if !quiet {
        let colour = !options.no_color && std::io::stdout().is_terminal();
        write::out(&report.table(colour));
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&report.json())?;
        write::to(path, &text).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &options.junit {
        write::to(path, &report.junit()?).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &options.badge {
        let text = report.badge().to_string();
        write::to(path, &text).with_context(|| path.display().to_string())?;
    }
    Ok(report.is_good())
}

fn settings(options: &Options) -> Settings {
    let mut settings = Settings::new(&options.manifest);
    settings.listen = options.listen;
    settings.ui_paths.clone_from(&options.ui_paths);
    settings.app_id = options.app_id;
    settings.signing_key.clone_from(&options.jwks_key);
    settings
        .restart_command
        .clone_from(&options.restart_command);
    settings
}

const fn mark(one: &Judged) -> &'static str {
    match (&one.verdict, one.rule.severity) {
        (Verdict::Passed, _) => "✓",
        (Verdict::NotExercised { .. }, _) => "–",
        (Verdict::Failed(_), Severity::Must) => "✗",
        (Verdict::Failed(_), Severity::Should) => "!",
    }
}

/// What the remote has to be told, in plain words and as variables of a remote on this library.
fn settings_in_words(trust: &Trust) -> String {
    let keys = trust
        .jwks_url
        .as_deref()
        .unwrap_or("(the remote trusts the key of --jwks-key)");
    let mut text = format!(
        "Tell the remote, in whatever way it takes settings:\n\n  \
         app id         {}\n  key set        {keys}\n  API origin     {}\n  \
         GraphQL        {}\n  Forge storage  {}\n\n\
         A remote on forge-remote takes them as variables:\n\n",
        trust.app_id, trust.api_origin, trust.graphql_url, trust.storage_url
    );
    for (name, value) in trust.variables() {
        text = format!("{text}  {name}={value}\n");
    }
    text
}

#[expect(
    clippy::print_stderr,
    reason = "how it goes, for whoever typed the command"
)]
fn say(text: &str) {
    eprintln!("{text}");
}
