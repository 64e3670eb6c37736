//! What the project promises of its speed, held against what was measured.

use std::{fmt, time::Duration};

use crate::{remotes::Kind, rounds::Measured, scenario::Scenario};

/// A figure with what is wanted of it.
pub(crate) struct Ratio {
    pub(crate) what: &'static str,
    pub(crate) value: f64,
    pub(crate) wanted: Wanted,
}

#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    AtMost(f64),
    AtLeast(f64),
}

impl Ratio {
    /// Whether the promise is kept.
    pub(crate) fn kept(&self) -> bool {
        match self.wanted {
            Wanted::AtMost(limit) => self.value <= limit,
            Wanted::AtLeast(limit) => self.value >= limit,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
            Self::AtLeast(limit) => write!(f, "≥ {limit}"),
        }
    }
}

/// All ratios, of CPU time per request, whose parts have been measured.
pub(crate) fn of(measured: &Measured) -> Vec<Ratio> {
    use Kind::{Bare, ForgeRemote, Plain, Strong};
    use Scenario::{AsAccount, AsUser, Distinct, Reused};
    use Wanted::{AtLeast, AtMost};

    let cpu = |remote: Kind, scenario: Scenario| {
        let mut rows = measured.rows.iter();
        rows.find(|row| row.remote == remote && row.scenario == scenario)
            .map(|row| row.cpu)
    };
    let floor = || Some(cpu(Bare, Distinct)? + measured.verification()?);
    let ratio = |what, wanted, above: Option<Duration>, below: Option<Duration>| {
        let value = above?.as_secs_f64() / below?.as_secs_f64();
        Some(Ratio {
            what,
            value,
            wanted,
        })
    };
    [
        ratio(
            "a: forge-remote / (bare axum + one RSA verification)",
            AtMost(1.2),
            cpu(ForgeRemote, Distinct),
            floor(),
        ),
        ratio(
            "b: forge-remote / bare axum",
            AtMost(1.25),
            cpu(ForgeRemote, Reused),
            cpu(Bare, Reused),
        ),
        ratio(
            "a: express + jose / forge-remote",
            AtLeast(8.0),
            cpu(Plain, Distinct),
            cpu(ForgeRemote, Distinct),
        ),
        ratio(
            "a: Fastify + fast-jwt / forge-remote",
            AtLeast(3.0),
            cpu(Strong, Distinct),
            cpu(ForgeRemote, Distinct),
        ),
        ratio(
            "c: express + jose / forge-remote",
            AtLeast(7.0),
            cpu(Plain, AsUser),
            cpu(ForgeRemote, AsUser),
        ),
        ratio(
            "d / c: forge-remote, as an account / as the user",
            AtMost(1.05),
            cpu(ForgeRemote, AsAccount),
            cpu(ForgeRemote, AsUser),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
