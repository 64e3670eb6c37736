//! The app's token exchanged for another account's, which is used for that account alone.

use std::{sync::Arc, time::Duration};

use super::GROUP;
use crate::conformance::{
    check::{Door, Run},
    platform::{Bearer, ExchangeRules, Kind, Seen, Speaker, Tenant},
    rule::{Miss, Outcome, Rule},
    rules::trail::{count, nothing_for, page_of, since},
    wire::{Answer, Call},
};

pub(super) const CACHING: &str =
    "Forge offline user impersonation: caching per installation and user";
const REQUEST: &str = "Forge offline user impersonation: the request";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "impersonation-exchanges-app-token",
        "What is exchanged is the app's token of the installation that the call is for.",
        REQUEST,
        "Send `x-forge-oauth-system` of the invocation to the gateway: a user's token is not exchanged.",
        |run| Box::pin(app_token(run)),
    ),
    GROUP.must(
        "impersonation-acts-as-account",
        "What is done for an impersonated account is done with the token that was exchanged for it.",
        REQUEST,
        "Use the exchanged token for what follows, and neither the app's nor the caller's.",
        |run| Box::pin(as_account(run)),
    ),
    GROUP.must(
        "impersonation-accounts-apart",
        "Each account is impersonated with a token of its own.",
        CACHING,
        "Keep exchanged tokens under installation and account id together.",
        |run| Box::pin(accounts(run)),
    ),
    GROUP.must(
        "impersonation-tenants-apart",
        "The same account in two installations is impersonated with a token of each.",
        CACHING,
        "Keep exchanged tokens under installation and account id together.",
        |run| Box::pin(tenants(run)),
    ),
    GROUP.must(
        "impersonation-refusal-kept",
        "When the exchange is refused, nothing is done in anybody else's name, and the caller gets an error.",
        "Forge offline user impersonation: answers; success: false",
        "Look at `success` and at `errors` of the gateway's answer, and answer 403 instead of going on as the app.",
        |run| Box::pin(refused(run)),
    ),
];

const NO_EXCHANGE: &str =
    "no --ui-path makes the remote impersonate an account (`{account}` in a path stands for one)";

/// The first door of a page that exchanges a token and answers 2xx.
pub(super) async fn door(run: &Run) -> Result<&Door, Miss> {
    let doors = run.ui_doors().await?;
    let exchanges = doors.into_iter().find(|it| it.asked(Kind::Exchange));
    exchanges
        .map(|it| &it.door)
        .ok_or_else(|| Miss::not_exercised(NO_EXCHANGE))
}

/// Whether it was asked with an exchanged token.
fn is_exchanged(seen: &Seen) -> bool {
    matches!(
        &seen.bearer,
        Bearer::Of {
            speaker: Speaker::Account(_),
            ..
        }
    )
}

/// A call that has `account` impersonated, by the tenant's first user.
pub(super) fn call_for(run: &Run, door: &Door, tenant: &Tenant, account: &str) -> Call {
    page_of(run, door, tenant, tenant.user(), account).with("a good FIT")
}

pub(super) fn exchanges_of(seen: &[Arc<Seen>]) -> Vec<&Arc<Seen>> {
    seen.iter().filter(|it| it.kind == Kind::Exchange).collect()
}

pub(super) fn broken(call: &Call, came: impl Into<String>) -> Outcome {
    Err(Miss::failed(call.describe(), came))
}

async fn app_token(run: &Run) -> Outcome {
    // With a wrong token the exchange is refused, and the door answers no 2xx.
    let mut doors = run.probed().await.iter();
    let exchanges = doors.find(|it| it.door.is_ui() && it.asked(Kind::Exchange));
    let Some(probed) = exchanges else {
        return Err(Miss::not_exercised(NO_EXCHANGE));
    };
    let tenant = run.tenant();
    let call = call_for(run, &probed.door, &tenant, &tenant.users()[3]);
    run.answer(&call).await?;
    let seen = since(run, &tenant, 0);
    match exchanges_of(&seen)
        .iter()
        .find(|it| !it.spoke(&Speaker::App))
    {
        Some(seen) => broken(&call, seen.describe()),
        None => Ok(()),
    }
}

async fn as_account(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    let account = &tenant.users()[3];
    let call = call_for(run, door, &tenant, account);
    run.success(&call).await?;
    after_exchange(run, &tenant, &call, account)
}

/// Whatever was asked of products after an exchange was asked as this account, and something was.
fn after_exchange(run: &Run, tenant: &Tenant, call: &Call, account: &str) -> Outcome {
    let seen = since(run, tenant, 0);
    let exchanged = seen.iter().position(|it| it.kind == Kind::Exchange);
    let after = seen.iter().skip(exchanged.unwrap_or_default());
    let after: Vec<_> = after.filter(|it| it.kind == Kind::Product).collect();
    let speaker = Speaker::Account(account.to_owned());
    if let Some(seen) = after.iter().find(|it| !it.spoke(&speaker)) {
        return broken(call, format!("after the exchange {}", seen.describe()));
    }
    if after.is_empty() {
        return broken(call, "no call of a product after the exchange");
    }
    Ok(())
}

async fn accounts(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    for account in [1, 2, 3, 1, 2, 3].map(|index: usize| &tenant.users()[index]) {
        let before = count(run, &tenant);
        let call = call_for(run, door, &tenant, account);
        run.success(&call).await?;
        let wrong =
            |it: &&Arc<Seen>| is_exchanged(it) && !it.spoke(&Speaker::Account(account.clone()));
        if let Some(seen) = since(run, &tenant, before).iter().find(wrong) {
            return broken(&call, format!("for {account}: {}", seen.describe()));
        }
    }
    Ok(())
}

async fn tenants(run: &Run) -> Outcome {
    let door = door(run).await?;
    let (first, second) = (run.tenant(), run.tenant());
    let account = &first.users()[3];
    run.success(&call_for(run, door, &first, account)).await?;
    let before = count(run, &first);
    let call = call_for(run, door, &second, account);
    let call = call.with("a good FIT, for an account that another installation has impersonated");
    run.success(&call).await?;
    nothing_for(run, &call, &first, before)
}

async fn refused(run: &Run) -> Outcome {
    let door = door(run).await?;
    let tenant = run.tenant();
    let account = tenant.users()[3].clone();
    tenant.set_exchange_rules(ExchangeRules {
        ttl: Duration::from_hours(1),
        refused: vec![account.clone()],
    });
    let call = call_for(run, door, &tenant, &account);
    let call = call.with("a good FIT, while the gateway refuses to exchange");
    let answer: Answer = run.answer(&call).await?;
    let seen = since(run, &tenant, 0);
    let exchanged = seen.iter().position(|it| it.kind == Kind::Exchange);
    let mut after = seen.iter().skip(exchanged.unwrap_or_default());
    if let Some(seen) = after.find(|it| it.kind == Kind::Product) {
        return broken(&call, format!("after the refusal {}", seen.describe()));
    }
    if answer.is_success() || answer.status == 401 {
        return broken(&call, answer.describe());
    }
    Ok(())
}
