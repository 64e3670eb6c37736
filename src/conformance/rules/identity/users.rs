//! Users of one installation: each is itself, and nobody is nobody.

use serde_json::json;

use super::GROUP;
use crate::conformance::{
    check::{Door, Run},
    platform::{Kind, Speaker, Tenant},
    rule::{Miss, Outcome, Rule},
    rules::trail::{count, is_for, keys, page_of, since, tells_none, word},
    wire::Call,
};

const PRINCIPAL: &str = "Forge Invocation Token: claims; principal";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "identity-users-apart",
        "Two users of one installation in turn: neither sees or uses anything of the other's.",
        PRINCIPAL,
        "Key what you keep of a user by `app.installationId` and `principal`: what one may see, another may not.",
        |run| Box::pin(apart(run)),
    ),
    GROUP.must(
        "identity-nobody-is-nobody",
        "A call without `principal` is nobody's: nothing is done or shown as whoever called before.",
        "Forge Invocation Token: claims; principal is optional",
        "Treat a missing `principal` as nobody, and keep no account id between two calls.",
        |run| Box::pin(nobody(run)),
    ),
    GROUP.should(
        "identity-unidentified-is-nobody",
        "The `principal` `unidentified` is nobody: nothing is kept under it, and it is not impersonated.",
        "Forge Invocation Token: claims; anonymous users",
        "Treat `unidentified` as a missing `principal`: all anonymous visitors share it.",
        |run| Box::pin(unidentified(run)),
    ),
];

const NO_USERS: &str = "no --ui-path works for the user who calls it, as far as can be seen";

async fn apart(run: &Run) -> Outcome {
    let mut shown = false;
    for probed in run.ui_doors().await? {
        let door = &probed.door;
        let tenant = run.tenant();
        let users = tenant.users();
        for turn in 0..4 {
            let (user, other) = (&users[turn % 2], &users[1 - turn % 2]);
            let before = count(run, &tenant);
            let call = page_of(run, door, &tenant, user, &users[3]);
            let call = call.with("a good FIT, after another user's call");
            let answer = run.answer(&call).await?;
            let texts = [other.clone(), word(&tenant, &Speaker::User(other.clone()))];
            tells_none(&call, &answer, &texts, "another user")?;
            let seen = since(run, &tenant, before);
            if let Some(seen) = seen.iter().find(|seen| is_for(seen, other)) {
                let came = format!("it was done for another user: {}", seen.describe());
                return Err(Miss::failed(call.describe(), came));
            }
            shown |= answer.holds(user) || seen.iter().any(|seen| is_for(seen, user));
        }
    }
    if shown {
        Ok(())
    } else {
        Err(Miss::not_exercised(NO_USERS))
    }
}

/// A call of nobody, as an anonymous visitor's: without a user's token.
fn of_nobody(run: &Run, door: &Door, tenant: &Tenant) -> Call {
    let app = run.platform.token(tenant, Speaker::App);
    let fit = run.fit(door, tenant).without("/principal");
    run.tokenless(door, tenant)
        .app_token(&app)
        .fit(&fit.token())
}

async fn nobody(run: &Run) -> Outcome {
    let mut shown = false;
    for probed in run.ui_doors().await? {
        let door = &probed.door;
        let tenant = run.tenant();
        let user = tenant.user();
        let answer = run.answer(&run.good(door, &tenant)).await?;
        let before = count(run, &tenant);
        let seen = since(run, &tenant, 0);
        shown |= answer.holds(user) || seen.iter().any(|seen| is_for(seen, user));
        let call = of_nobody(run, door, &tenant);
        let call = call.with("a good FIT without `principal`, after a user's call");
        let answer = run.answer(&call).await?;
        let texts = [
            user.to_owned(),
            word(&tenant, &Speaker::User(user.to_owned())),
        ];
        tells_none(&call, &answer, &texts, "whoever called before")?;
        let seen = since(run, &tenant, before);
        if let Some(seen) = seen.iter().find(|seen| is_for(seen, user)) {
            let came = format!("it was done for whoever called before: {}", seen.describe());
            return Err(Miss::failed(call.describe(), came));
        }
    }
    if shown {
        Ok(())
    } else {
        Err(Miss::not_exercised(NO_USERS))
    }
}

async fn unidentified(run: &Run) -> Outcome {
    const NAME: &str = "unidentified";
    let mut shown = false;
    for probed in run.ui_doors().await? {
        let door = &probed.door;
        let tenant = run.tenant();
        let app = run.platform.token(&tenant, Speaker::App);
        let fit = run.fit(door, &tenant).claim("/principal", json!(NAME));
        let call = run.tokenless(door, &tenant).app_token(&app);
        let call = call.fit(&fit.token()).with("the principal `unidentified`");
        run.answer(&call).await?;
        let kept = |seen: &crate::conformance::platform::Seen| match seen.kind {
            Kind::Storage => keys(&seen.body).contains(NAME),
            Kind::Exchange => seen.body["variables"]["input"]["userId"] == NAME,
            _ => false,
        };
        if let Some(seen) = since(run, &tenant, 0).iter().find(|seen| kept(seen)) {
            let came = format!("something was done for `{NAME}`: {}", seen.describe());
            return Err(Miss::failed(call.describe(), came));
        }
        // Where a user's id is used at all.
        let known = run.tenant();
        run.answer(&run.good(door, &known)).await?;
        let of_user = |seen: &crate::conformance::platform::Seen| {
            seen.kind != Kind::Product && is_for(seen, known.user())
        };
        shown |= since(run, &known, 0).iter().any(|seen| of_user(seen));
    }
    if shown {
        return Ok(());
    }
    Err(Miss::not_exercised(
        "no --ui-path keeps anything under the id of the user who calls it, as far as can be seen",
    ))
}
