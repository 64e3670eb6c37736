//! What happens when something breaks: a product, a client, or the remote itself.

mod clients;
mod products;
mod restarts;

pub(in crate::conformance) use restarts::RestartPlay;

use crate::conformance::{
    check::Run,
    platform::Tenant,
    rule::{Group, Miss, Outcome, Rule},
};

const GROUP: Group = Group::Resilience;

/// The tables of this group. Restarts come last.
pub(super) static TABLES: [&[Rule]; 3] = [products::RULES, clients::RULES, restarts::RULES];

/// A good call is still answered with 2xx, within 5 s.
async fn serves(run: &Run, tenant: &Tenant, while_: &str) -> Outcome {
    let call = run.good(run.door().await?, tenant);
    let call = call.with(format!("a good FIT {while_}"));
    match run.ask_within(&call, run.limits.event).await {
        Ok(answer) if answer.is_success() => Ok(()),
        Ok(answer) => Err(Miss::failed(call.describe(), answer.describe())),
        Err(none) => Err(Miss::failed(call.describe(), none.to_string())),
    }
}
