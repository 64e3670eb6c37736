//! `forge-remote inbox`

mod print;
mod values;

use std::{
    collections::HashSet,
    io::{self, Write},
    time::{Duration, Instant},
};

use anyhow::{anyhow, bail};
use clap::{ArgGroup, Args, Subcommand};
use forge_remote::{
    Config,
    clock::Clock,
    config::ConfigError,
    ids::InstallationId,
    store::{
        self, StoreError,
        jobs::{JobId, JobRecord, JobState, Jobs, Which},
    },
};

#[cfg(feature = "emulator")]
use forge_remote::config::Sources;

use self::values::{States, span};

/// The most that one call of the store changes: it has to end within seconds.
const AT_ONCE: u32 = 1000;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    /// Look into what `forge-remote dev` keeps in this folder
    #[cfg(feature = "emulator")]
    #[arg(long, global = true)]
    dev: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List dead letters, or jobs in another state, the newest first
    List(List),
    /// Show one job with its payload
    Show {
        /// The job, which is also its handler's idempotency key
        id: JobId,
    },
    /// Run dead letters once more, with the same ids and all their attempts
    ///
    /// The app token that came with a job is gone by then: it runs with the latest one of its
    /// installation, and waits until there is one.
    Replay(Chosen),
    /// Delete dead letters for good. Nobody is asked
    Purge {
        #[command(flatten)]
        chosen: Chosen,
        /// Only those that died longer ago, such as `90m`, `12h` or `7d`
        #[arg(long, value_name = "SPAN", value_parser = span, requires = "all")]
        older_than: Option<Duration>,
    },
}

#[derive(Debug, Args)]
struct List {
    /// `dead`, `ready`, `blocked`, `delayed`, `parked`, `running`, `done`, or `all`
    #[arg(long, default_value = "dead", value_name = "STATE")]
    state: States,
    /// Only jobs of this installation
    #[arg(long, value_name = "ID")]
    installation: Option<InstallationId>,
    /// At most so many of each state, up to 1000
    #[arg(long, default_value_t = 100, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["ids", "all"]).required(true))]
struct Chosen {
    /// The dead letters
    #[arg(value_name = "ID")]
    ids: Vec<JobId>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// With --all: only those of this installation
    #[arg(long, value_name = "ID", requires = "all")]
    installation: Option<InstallationId>,
}

/// What is done to dead letters.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Replay,
    Purge,
}

/// What was done: how many dead letters were found, and the ids that were none.
struct Done {
    deed: Deed,
    count: u64,
    strangers: Vec<JobId>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    super::block_on(inbox(options))
}

async fn inbox(options: &Options) -> anyhow::Result<()> {
    let config = options.config()?;
    let open = store::open_existing(&config.store, &config.environment, Clock::system());
    let jobs = open.await?.jobs;
    match &options.command {
        Command::List(list) => {
            let found = list.find(&*jobs).await?;
            say(&if options.json {
                print::list_json(&found)?
            } else {
                print::table(&found, list.state.are_several())
            })
        }
        Command::Show { id } => {
            let found = jobs.show(*id).await?;
            let found = found.ok_or_else(|| anyhow!("there is no job {id}"))?;
            say(&if options.json {
                print::one_json(&found)?
            } else {
                print::one(&found)
            })
        }
        Command::Replay(chosen) => {
            let done = chosen.all_done(&*jobs, Deed::Replay, None).await?;
            done.tell(options.json)
        }
        Command::Purge { chosen, older_than } => {
            let done = chosen.all_done(&*jobs, Deed::Purge, *older_than).await?;
            done.tell(options.json)
        }
    }
}

impl Options {
    #[cfg_attr(
        not(feature = "emulator"),
        expect(clippy::unused_self, reason = "`--dev` comes with the emulator")
    )]
    fn config(&self) -> Result<Config, ConfigError> {
        #[cfg(feature = "emulator")]
        if self.dev {
            let mut sources = Sources::process();
            let mut set = |key: &str, value: &str| {
                let name = format!("FORGE_REMOTE{key}");
                sources.variables.insert(name, value.to_owned());
            };
            set("_ENV", "development");
            set("__STORE__URL", super::dev::STORE_URL);
            // `dev` has it from the manifest. Nothing is verified here, and settings without
            // an app are refused.
            set("__APP__IDS", &uuid::Uuid::nil().to_string());
            return Ok(Config::load_from(&sources)?.config);
        }
        Config::load()
    }
}

impl List {
    async fn find(&self, jobs: &dyn Jobs) -> Result<Vec<JobRecord>, StoreError> {
        let mut found = Vec::new();
        for state in self.state.each() {
            let which = Which {
                installation: self.installation,
                state: Some(*state),
                most: Some(self.limit),
                ..Which::default()
            };
            found.extend(jobs.list(&which).await?);
        }
        // A job may go on to another state between two lists: it is shown as it was first.
        let mut listed = HashSet::new();
        found.retain(|job| listed.insert(job.id));
        // Each list is sorted already, and stays as it is within a second.
        found.sort_by_key(|job| std::cmp::Reverse(job.received_at));
        found.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        Ok(found)
    }
}

impl Chosen {
    async fn all_done(
        &self,
        jobs: &dyn Jobs,
        deed: Deed,
        older_than: Option<Duration>,
    ) -> Result<Done, StoreError> {
        let mut done = Done {
            deed,
            count: 0,
            strangers: Vec::new(),
        };
        for id in &self.ids {
            let which = Which {
                id: Some(*id),
                ..Which::default()
            };
            match deed.on(jobs, &which).await? {
                0 => done.strangers.push(*id),
                count => done.count += count,
            }
        }
        if self.all {
            let begin = Instant::now();
            loop {
                let which = Which {
                    installation: self.installation,
                    state: Some(JobState::Dead),
                    // Those that die meanwhile are none of ours, or a replay might never end.
                    older_than: Some(
                        older_than
                            .unwrap_or_default()
                            .saturating_add(begin.elapsed()),
                    ),
                    most: Some(AT_ONCE),
                    ..Which::default()
                };
                let count = deed.on(jobs, &which).await?;
                done.count += count;
                if count < u64::from(AT_ONCE) {
                    break;
                }
            }
        }
        Ok(done)
    }
}

impl Deed {
    async fn on(self, jobs: &dyn Jobs, which: &Which) -> Result<u64, StoreError> {
        match self {
            Self::Replay => jobs.replay(which).await,
            Self::Purge => jobs.purge(which).await,
        }
    }

    const fn past(self) -> &'static str {
        match self {
            Self::Replay => "replayed",
            Self::Purge => "purged",
        }
    }
}

impl Done {
    /// An id that is no dead letter is a failure, after all the others were dealt with.
    fn tell(&self, json: bool) -> anyhow::Result<()> {
        let (past, count) = (self.deed.past(), self.count);
        say(&if json {
            let strangers = &self.strangers;
            let mut text = serde_json::json!({past: count, "notFound": strangers}).to_string();
            text.push('\n');
            text
        } else {
            format!("{past} {count}\n")
        })?;
        if !self.strangers.is_empty() {
            let ids: Vec<_> = self.strangers.iter().map(ToString::to_string).collect();
            bail!("not among the dead letters: {}", ids.join(", "));
        }
        Ok(())
    }
}

/// Prints the answer. Whoever stops reading, such as `head`, has read enough.
fn say(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
