//! `forge-remote keys`

mod print;

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use anyhow::bail;
use clap::{Args, Subcommand};
use forge_remote::{
    Config,
    clock::Clock,
    store::{
        self, StoreError,
        keys::{Cursor, KeyRing, Sealed, Survey, Walk},
    },
};

/// Who asks for progress looks every now and then.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How often values that somebody else was just changing are tried again.
const MOST_WALKS: u32 = 10;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say how many stored values each key has sealed. Exit code 3 while some are not sealed with
    /// `store.encryption_key`
    Status {
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Seal with `store.encryption_key` what additional keys have sealed, now rather than in the
    /// background. May be interrupted. Exit code 3 if some is left
    Reseal {
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Make a key and print it; nothing is changed
    New,
}

/// Some values are not under the key that seals. All that is to be said of it has been said.
#[derive(Debug, thiserror::Error)]
#[error("some values are not sealed with `store.encryption_key`")]
pub(super) struct NotYet;

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    match options.command {
        Command::Status { json } => super::block_on(status(json)),
        Command::Reseal { json } => super::block_on(reseal(json)),
        Command::New => new(),
    }
}

fn new() -> anyhow::Result<()> {
    let (key, id) = store::fresh_key()?;
    say(&format!("{}\n", key.expose()))?;
    remark(&format!("a new key, whose id is {id}"));
    Ok(())
}

async fn open() -> anyhow::Result<std::sync::Arc<dyn Sealed>> {
    let config = Config::load()?;
    if config.store.encryption_key.is_none() {
        bail!("there is no `store.encryption_key`: what is sealed can be read by one process only");
    }
    let open = store::open_existing(&config.store, &config.environment, Clock::system());
    Ok(open.await?.sealed)
}

async fn status(json: bool) -> anyhow::Result<()> {
    let sealed = open().await?;
    let survey = walk(&*sealed, Walk::Count, |_| {}).await?;
    finish(&survey, &sealed.key_ring(), json)
}

async fn reseal(json: bool) -> anyhow::Result<()> {
    let sealed = open().await?;
    let ring = sealed.key_ring();
    let mut told = Instant::now();
    let mut resealed = 0;
    for _ in 0..MOST_WALKS {
        let survey = walk(&*sealed, Walk::Reseal, |so_far| {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                let now: u64 = so_far.resealed.values().sum();
                let total = so_far.total();
                remark(&format!("{total} values looked at, {now} sealed anew"));
            }
        });
        let survey = survey.await?;
        resealed += survey.resealed.values().sum::<u64>();
        if survey.missed == 0 {
            break;
        }
    }
    remark(&format!("{resealed} values sealed anew"));
    let survey = walk(&*sealed, Walk::Count, |_| {}).await?;
    finish(&survey, &ring, json)
}

async fn walk(
    sealed: &dyn Sealed,
    how: Walk,
    mut look: impl FnMut(&Survey),
) -> Result<Survey, StoreError> {
    let mut survey = Survey::default();
    let mut cursor = Some(Cursor::START);
    while let Some(from) = cursor {
        let step = sealed.step(&from, how).await?;
        survey.add(&step.survey);
        look(&survey);
        cursor = step.next;
    }
    Ok(survey)
}

fn finish(survey: &Survey, ring: &KeyRing, json: bool) -> anyhow::Result<()> {
    say(&if json {
        print::json(survey, ring)
    } else {
        print::table(survey, ring)
    })?;
    let is_done = survey.left(ring) == 0 && survey.of_unknown_keys(ring) == 0;
    if is_done { Ok(()) } else { Err(NotYet.into()) }
}

/// Prints the answer. Whoever stops reading, such as `head`, has read enough.
fn say(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[expect(clippy::print_stderr, reason = "beside the answer, for whoever waits")]
fn remark(text: &str) {
    eprintln!("{text}");
}
