//! What an answer looks like, how large it is, and how late.

mod bodies;
mod connections;
mod errors;
mod headers;
mod sizes;

use crate::conformance::{
    check::{Door, DoorKind, Run},
    rule::{Group, Miss, Outcome, Rule},
    wire::{Answer, Call},
};

const GROUP: Group = Group::Contract;

/// The tables of this group.
pub(super) static TABLES: [&[Rule]; 5] = [
    errors::RULES,
    headers::RULES,
    bodies::RULES,
    connections::RULES,
    sizes::RULES,
];

/// An error as the platform passes it on to the caller: neither a success nor a redirect nor
/// 401, with a body of JSON that is declared as such or not at all.
fn as_error(call: &Call, answer: &Answer) -> Outcome {
    let declared = answer
        .media_type()
        .is_none_or(|media| media == "application/json");
    let is_error = answer.status >= 400 && answer.status != 401;
    if is_error && declared && answer.json().is_some() {
        return Ok(());
    }
    Err(Miss::failed(call.describe(), answer.describe()))
}

/// Nothing that a caller sends is an error of the server.
fn no_server_error(call: &Call, answer: &Answer) -> Outcome {
    // 501 is for methods that a server does not know at all (RFC 9110, 15.6.2).
    if answer.status < 500 || answer.status == 501 {
        return Ok(());
    }
    Err(Miss::failed(call.describe(), answer.describe()))
}

/// Doors that read a body: a page's if it has one, and an event's, of those that answer 2xx.
async fn readers(run: &Run) -> Result<Vec<&Door>, Miss> {
    let healthy = run.probed().await.iter().filter(|it| it.is_healthy());
    let reads = |door: &&Door| door.body.is_some() || matches!(door.kind, DoorKind::Event(_));
    let readers: Vec<_> = healthy.map(|it| &it.door).filter(reads).collect();
    if readers.is_empty() {
        let why = "no path that is known to read a body answers a good invocation with 2xx";
        return Err(Miss::not_exercised(why));
    }
    Ok(readers)
}
