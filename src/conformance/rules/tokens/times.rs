//! Until when a token is used.

use super::{GROUP, app_doors, user_doors};
use crate::conformance::{
    check::{Door, Run},
    platform::{Bearer, Kind, Seen, Speaker, Tenant, Token},
    rule::{Miss, Outcome, Rule},
    rules::trail::{count, since},
    wire::Call,
};

const FORMAT: &str = "Forge OAuth tokens: rules; format and exp";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "token-opaque-used",
        "Tokens that are no JWT are used as they are.",
        FORMAT,
        "Read `exp` where it can be read, and take any other token as good for a while: no format is published.",
        |run| Box::pin(opaque(run)),
    ),
    GROUP.must(
        "token-short-rest-used",
        "Tokens that are good for ten more minutes are used.",
        "Forge OAuth tokens: rules; code must survive short rests",
        "Keep the margin before `exp` at a minute or so: no rest is promised when a function calls.",
        |run| Box::pin(short_rest(run)),
    ),
    GROUP.must(
        "token-rotated-used",
        "The token that came with a call replaces the one that came before.",
        "Forge OAuth tokens: rules; Forge rotates tokens before they expire",
        "Replace the token that you keep when another one comes that expires later.",
        |run| Box::pin(rotated(run)),
    ),
    GROUP.should(
        "token-expired-user-unused",
        "A user's token whose `exp` is over is not used.",
        FORMAT,
        "Read `exp` of the token defensively, and answer 403 or 424 instead of asking with what is over.",
        |run| Box::pin(expired_user(run)),
    ),
    GROUP.should(
        "token-expired-app-unused",
        "An app's token whose `exp` is over is not used.",
        FORMAT,
        "Read `exp` of the token defensively, and answer 403 or 424 instead of asking with what is over.",
        |run| Box::pin(expired_app(run)),
    ),
];

/// A call with these tokens.
fn with_tokens(run: &Run, door: &Door, tenant: &Tenant, app: &Token, user: &Token) -> Call {
    let call = run.tokenless(door, tenant).app_token(app).user_token(user);
    call.fit(&run.fit(door, tenant).token())
}

fn of_user(tenant: &Tenant) -> Speaker {
    Speaker::User(tenant.user().to_owned())
}

/// Whether somebody was asked with a token that is worth nothing.
fn is_worthless(seen: &Seen) -> bool {
    matches!(&seen.bearer, Bearer::Of { good: false, .. })
}

async fn opaque(run: &Run) -> Outcome {
    let platform = &run.platform;
    works_with(run, "tokens that are no JWT", |tenant| {
        let user = platform.opaque_token(tenant, of_user(tenant));
        (platform.opaque_token(tenant, Speaker::App), user)
    })
    .await
}

async fn short_rest(run: &Run) -> Outcome {
    let platform = &run.platform;
    works_with(run, "tokens that are good for ten minutes", |tenant| {
        let user = platform.token_for(tenant, of_user(tenant), 600);
        (platform.token_for(tenant, Speaker::App, 600), user)
    })
    .await
}

/// Every door that uses tokens answers 2xx with these, and asks the platform.
async fn works_with(run: &Run, what: &str, tokens: impl Fn(&Tenant) -> (Token, Token)) -> Outcome {
    let doors = run.ui_doors().await?;
    let doors: Vec<_> = doors.iter().filter(|it| !it.calls.is_empty()).collect();
    if doors.is_empty() {
        let why = "no --ui-path makes the remote call the platform";
        return Err(Miss::not_exercised(why));
    }
    for probed in doors {
        let tenant = run.tenant();
        let (app, user) = tokens(&tenant);
        let call = with_tokens(run, &probed.door, &tenant, &app, &user).with(what);
        let answer = run.success(&call).await?;
        if count(run, &tenant) == 0 {
            let came = format!("no call of the platform, and {}", answer.describe());
            return Err(Miss::failed(call.describe(), came));
        }
    }
    Ok(())
}

async fn rotated(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let doors: Vec<_> = doors.iter().filter(|it| !it.calls.is_empty()).collect();
    if doors.is_empty() {
        let why = "no --ui-path makes the remote call the platform";
        return Err(Miss::not_exercised(why));
    }
    for probed in doors {
        let tenant = run.tenant();
        let platform = &run.platform;
        let old = [
            platform.token_for(&tenant, Speaker::App, 3600),
            platform.token_for(&tenant, of_user(&tenant), 3600),
        ];
        let [app, user] = &old;
        run.success(&with_tokens(run, &probed.door, &tenant, app, user))
            .await?;
        for token in &old {
            platform.revoke(token);
        }
        let before = count(run, &tenant);
        let call = run.good(&probed.door, &tenant);
        let call = call.with("new tokens, after the old ones ended");
        run.success(&call).await?;
        let seen = since(run, &tenant, before);
        if let Some(seen) = seen.iter().find(|seen| is_worthless(seen)) {
            return Err(Miss::failed(call.describe(), seen.describe()));
        }
    }
    Ok(())
}

async fn expired_user(run: &Run) -> Outcome {
    for probed in user_doors(run).await? {
        let tenant = run.tenant();
        let app = run.platform.token(&tenant, Speaker::App);
        let user = run.platform.token_for(&tenant, of_user(&tenant), -600);
        let call = with_tokens(run, &probed.door, &tenant, &app, &user);
        not_used(run, &tenant, &call.with("a user's token that is over")).await?;
    }
    Ok(())
}

async fn expired_app(run: &Run) -> Outcome {
    for probed in app_doors(run).await? {
        let tenant = run.tenant();
        let app = run.platform.token_for(&tenant, Speaker::App, -600);
        let user = run.platform.token(&tenant, of_user(&tenant));
        let call = with_tokens(run, &probed.door, &tenant, &app, &user);
        not_used(run, &tenant, &call.with("an app's token that is over")).await?;
    }
    Ok(())
}

async fn not_used(run: &Run, tenant: &Tenant, call: &Call) -> Outcome {
    run.answer(call).await?;
    let seen = since(run, tenant, 0);
    match seen
        .iter()
        .find(|seen| is_worthless(seen) && seen.kind != Kind::Keys)
    {
        Some(seen) => Err(Miss::failed(call.describe(), seen.describe())),
        None => Ok(()),
    }
}
