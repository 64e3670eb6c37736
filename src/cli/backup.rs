//! `forge-remote backup` and `forge-remote restore`

use std::path::PathBuf;

use clap::Args;
use forge_remote::{
    Config,
    store::{self, Leniency, Progress},
};

const MIB: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write. There must be none of that name
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// What `forge-remote backup` has written
    file: PathBuf,
    /// Take a backup with tokens that the keys of the settings do not open
    #[arg(long)]
    accept_unreadable: bool,
    /// Replace a file that SQLite cannot open. Make sure that no remote runs
    #[arg(long)]
    force: bool,
}

pub(super) fn backup(options: &Backup) -> anyhow::Result<()> {
    super::block_on(async {
        let settings = Config::load()?.store;
        let bytes = store::back_up(&settings, &options.file, progress).await?;
        let file = options.file.display();
        remark(&format!("{file}: {} written, and found sound", size(bytes)));
        Ok(())
    })
}

pub(super) fn restore(options: &Restore) -> anyhow::Result<()> {
    super::block_on(async {
        let config = Config::load()?;
        let leniency = Leniency {
            accept_unreadable: options.accept_unreadable,
            replace_damaged: options.force,
        };
        let restored = store::restore(&config.store, &config.environment, &options.file, leniency);
        let restored = restored.await?;
        let total = restored.survey.total();
        let unreadable = restored.survey.of_unknown_keys(&restored.ring)
            + restored.survey.damaged.values().sum::<u64>();
        remark(&format!(
            "restored, with {total} tokens of which {} can be read",
            total - unreadable
        ));
        if let Some(aside) = restored.aside {
            remark(&format!("what was there before is {}", aside.display()));
        }
        Ok(())
    })
}

fn progress(progress: Progress) {
    let (written, of) = (size(progress.written), size(progress.of));
    remark(&format!("{written} written of about {of}"));
}

fn size(bytes: u64) -> String {
    if bytes < MIB {
        format!("{} KiB", bytes.div_ceil(1024))
    } else {
        format!("{} MiB", bytes / MIB)
    }
}

#[expect(clippy::print_stderr, reason = "for whoever waits")]
fn remark(text: &str) {
    eprintln!("{text}");
}
