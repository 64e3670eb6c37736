//! Which FITs are accepted, and how the others are refused.

mod accepted;
mod claims;
mod headers;
mod key_play;
mod keys;
mod refusal;
mod signature;

pub(in crate::conformance) use key_play::KeyPlay;

use crate::conformance::{
    check::{Door, Run},
    platform::Tenant,
    rule::{Group, Miss, Outcome, Rule},
    wire::{Answer, Call},
};

const GROUP: Group = Group::Authentication;

/// The tables of this group.
pub(super) static TABLES: [&[Rule]; 6] = [
    accepted::RULES,
    claims::RULES,
    signature::RULES,
    headers::RULES,
    refusal::RULES,
    keys::RULES,
];

/// A door, a tenant of its own, and what FITs are sent to.
struct Scene<'a> {
    run: &'a Run,
    door: &'a Door,
    tenant: Tenant,
}

impl<'a> Scene<'a> {
    async fn at(run: &'a Run) -> Result<Self, Miss> {
        let door = run.door().await?;
        Ok(Self {
            run,
            door,
            tenant: run.tenant(),
        })
    }

    /// A good FIT, to be changed.
    fn fit(&self) -> crate::conformance::platform::Fit {
        self.run.fit(self.door, &self.tenant)
    }

    /// A call without a FIT.
    fn call(&self) -> Call {
        self.run.call(self.door, &self.tenant)
    }

    /// This token in its place, with what is special about it for the report.
    async fn send(&self, what: &str, token: &str) -> Result<(Call, Answer), Miss> {
        let call = self.call().fit(token).with(what);
        let answer = self.run.answer(&call).await?;
        Ok((call, answer))
    }

    /// The token must be taken: whatever the handler says then, it is neither 401 nor an error
    /// of the server.
    async fn accepts(&self, what: &str, token: &str) -> Outcome {
        let (call, answer) = self.send(what, token).await?;
        accepted(&call, &answer)
    }

    /// The token must be refused with 401.
    async fn refuses(&self, what: &str, token: &str) -> Outcome {
        let (call, answer) = self.send(what, token).await?;
        refused(&call, &answer)
    }
}

/// Neither 401 nor an error of the server.
fn accepted(call: &Call, answer: &Answer) -> Outcome {
    if answer.status != 401 && answer.status < 500 {
        return Ok(());
    }
    Err(Miss::failed(call.describe(), answer.describe()))
}

/// 401 and nothing else.
fn refused(call: &Call, answer: &Answer) -> Outcome {
    if answer.status == 401 {
        return Ok(());
    }
    Err(Miss::failed(call.describe(), answer.describe()))
}
