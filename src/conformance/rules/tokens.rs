//! Which token goes where.

mod echoes;
mod exchanges;
mod impersonation;
mod places;
mod speakers;
mod times;

use crate::conformance::{
    check::{Probed, Run},
    platform::Kind,
    rule::{Group, Miss, Rule},
};

const GROUP: Group = Group::Tokens;

/// The tables of this group.
pub(super) static TABLES: [&[Rule]; 6] = [
    speakers::RULES,
    times::RULES,
    echoes::RULES,
    places::RULES,
    impersonation::RULES,
    exchanges::RULES,
];

/// The doors of pages that ask a product as the user in session, and never as the app.
async fn user_doors(run: &Run) -> Result<Vec<&Probed>, Miss> {
    let doors = run.ui_doors().await?.into_iter();
    let doors: Vec<_> = doors
        .filter(|it| it.asked_as_user() && !it.asked_as_app() && !it.asked(Kind::Exchange))
        .collect();
    if doors.is_empty() {
        let why = "no --ui-path makes the remote call a product as the user in session";
        return Err(Miss::not_exercised(why));
    }
    Ok(doors)
}

/// The doors of pages that need the app's token.
async fn app_doors(run: &Run) -> Result<Vec<&Probed>, Miss> {
    let doors = run.ui_doors().await?.into_iter();
    let needs =
        |it: &&Probed| it.asked_as_app() || it.asked(Kind::Storage) || it.asked(Kind::Exchange);
    let doors: Vec<_> = doors.filter(needs).collect();
    if doors.is_empty() {
        let why = "no --ui-path makes the remote use the app's token";
        return Err(Miss::not_exercised(why));
    }
    Ok(doors)
}
