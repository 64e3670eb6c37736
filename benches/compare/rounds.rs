//! Rounds of load: each remote in turn, over and over, so that what else the machine does
//! meets them all.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::timeout;

use crate::{
    connection::Connection,
    cpu,
    fits::Fits,
    load::{Batch, Load},
    options::Options,
    remotes::{Kind, Remote},
    rsa,
    scenario::Scenario,
};

/// With a round of load; whoever takes so long has stopped answering.
const PATIENCE: Duration = Duration::from_mins(10);

/// What a run of the benchmark brought.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    /// CPU time of bare RSA verifications, one figure per round.
    verifications: Vec<Duration>,
}

/// A remote in a scenario: medians over the rounds.
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) remote: Kind,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// CPU time of one request.
    pub(crate) cpu: Duration,
    /// Resident memory after the last round, in bytes.
    pub(crate) resident: u64,
}

/// One remote in one round.
struct Round {
    took: Duration,
    p50: Duration,
    p99: Duration,
    cpu: Duration,
}

impl Measured {
    /// CPU time of one bare RSA verification, if it has been measured.
    pub(crate) fn verification(&self) -> Option<Duration> {
        median(&self.verifications, |it| *it)
    }

    /// Runs all rounds of a scenario, and one before them that does not count.
    pub(crate) async fn scenario(
        &mut self,
        scenario: Scenario,
        remotes: &[Remote],
        fits: &mut Fits,
        options: &Options,
    ) -> Result<()> {
        let remotes: Vec<_> = remotes
            .iter()
            .filter(|remote| remote.kind.serves(scenario))
            .collect();
        let mut rounds: Vec<Vec<Round>> = remotes.iter().map(|_| Vec::new()).collect();
        let count = options.requests(scenario);
        println!(
            "{scenario}: {} x {count} requests over {} connections",
            options.rounds, options.connections
        );
        // What the remote asks answers on the same core.
        let wide_awake = !scenario.calls_out();
        for round in 0..=options.rounds {
            let tokens = fits.many(scenario.tokens(count))?;
            let requests: Vec<_> = tokens.iter().map(|fit| scenario.request(fit)).collect();
            for (remote, rounds) in remotes.iter().zip(&mut rounds) {
                let run = one(remote, &requests, count, options.connections, wide_awake)
                    .await
                    .with_context(|| format!("{}, {scenario}", remote.kind))?;
                if round > 0 {
                    rounds.push(run);
                }
            }
            if round > 0 && scenario == Scenario::Distinct {
                let verification = rsa::verification(fits.key(), &tokens)?;
                self.verifications.push(verification);
            }
        }
        for (remote, rounds) in remotes.iter().zip(&rounds) {
            let row = Row::new(scenario, remote, count, rounds)?;
            self.rows.push(row);
        }
        Ok(())
    }
}

/// Loads one remote. The last request goes ahead and tells how long the answers are.
async fn one(
    remote: &Remote,
    requests: &[Vec<u8>],
    count: usize,
    connections: u16,
    wide_awake: bool,
) -> Result<Round> {
    let probe = requests.last().context("there are no requests")?;
    let mut connection = Connection::open(remote.address).await?;
    let length = connection.fetch(probe).await?.1.len();
    let mut load = Load::open(remote.address, connections).await?;
    let batch = Batch {
        requests,
        count,
        length,
        wide_awake,
    };
    let before = cpu::used(remote.process())?;
    let run = timeout(PATIENCE, load.run(&batch))
        .await
        .context("the round does not end")??;
    let used = cpu::used(remote.process())?.saturating_sub(before);
    Ok(Round {
        took: run.took,
        p50: run.percentile(50),
        p99: run.percentile(99),
        cpu: used / u32::try_from(count)?,
    })
}

impl Row {
    fn new(scenario: Scenario, remote: &Remote, count: usize, rounds: &[Round]) -> Result<Self> {
        let of = |what: fn(&Round) -> Duration| {
            median(rounds, what).context("there has been no round that counts")
        };
        Ok(Self {
            scenario,
            remote: remote.kind,
            rate: f64::from(u32::try_from(count)?) / of(|round| round.took)?.as_secs_f64(),
            p50: of(|round| round.p50)?,
            p99: of(|round| round.p99)?,
            cpu: of(|round| round.cpu)?,
            resident: cpu::resident(remote.process())?,
        })
    }
}

/// The middle one; of an even number the lower of the two.
fn median<Value>(values: &[Value], of: impl Fn(&Value) -> Duration) -> Option<Duration> {
    let mut values: Vec<_> = values.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}
