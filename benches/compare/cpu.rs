//! What processes have used, by the kernel's own account.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// `USER_HZ`: it is 100 on every Linux there is.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of a process and all that it has started, ended or not.
pub(crate) fn used(process: u32) -> Result<Duration> {
    let ticks = family(process)?.iter().map(|it| it.ticks).sum::<u32>();
    Ok(TICK * ticks)
}

/// CPU time of the calling thread.
pub(crate) fn of_thread() -> Result<Duration> {
    let stat = Stat::parse(&fs::read_to_string("/proc/thread-self/stat")?)?;
    Ok(TICK * stat.ticks)
}

/// Resident memory of a process and all that it has started, in bytes. What they share
/// counts in each of them.
pub(crate) fn resident(process: u32) -> Result<u64> {
    let mut bytes = 0;
    for member in family(process)? {
        let status = fs::read_to_string(format!("/proc/{}/status", member.process))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: u64 = kilobytes.context("no VmRSS")?.parse()?;
        bytes += kilobytes * 1024;
    }
    Ok(bytes)
}

/// The machine, for whoever reads the figures.
pub(crate) fn machine() -> Result<String> {
    let information = fs::read_to_string("/proc/cpuinfo")?;
    let mut lines = information.lines();
    let model = lines.find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    // Of the machine, not those that this process may use.
    let cores = information
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{cores} cores ({}), Linux {}",
        model.map_or("model not known", |(_, model)| model),
        kernel.trim()
    ))
}

/// What `/proc/PID/stat` says.
struct Stat {
    process: u32,
    parent: u32,
    ticks: u32,
}

impl Stat {
    fn parse(line: &str) -> Result<Self> {
        // The name, in brackets, may hold anything; the third field comes after it.
        let (before, after) = line.rsplit_once(')').context("no process name")?;
        let process = before.split(' ').next().context("no process id")?;
        let fields: Vec<_> = after.split_whitespace().collect();
        let number = |field: usize| -> Result<u32> {
            let text = fields.get(field - 3).context("too few fields")?;
            Ok(text.parse()?)
        };
        Ok(Self {
            process: process.parse()?,
            parent: number(4)?,
            // utime, stime, and the same of children that have ended and were waited for.
            ticks: number(14)? + number(15)? + number(16)? + number(17)?,
        })
    }
}

/// A process with its children, their children, and so on.
fn family(process: u32) -> Result<Vec<Stat>> {
    let mut others = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes()[0].is_ascii_digit() {
            continue;
        }
        // Those that have ended meanwhile are nobody's business.
        if let Ok(stat) = fs::read_to_string(entry.path().join("stat")) {
            others.push(Stat::parse(&stat)?);
        }
    }
    let mut members: Vec<_> = others.extract_if(.., |it| it.process == process).collect();
    let mut next = 0;
    while let Some(parent) = members.get(next).map(|it| it.process) {
        members.extend(others.extract_if(.., |it| it.parent == parent));
        next += 1;
    }
    anyhow::ensure!(!members.is_empty(), "process {process} has ended");
    Ok(members)
}
