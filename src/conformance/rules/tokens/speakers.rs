//! For whom a token speaks: the user's for the user, the app's for the app.

use super::{GROUP, app_doors, user_doors};
use crate::conformance::{
    check::{DoorKind, Run},
    platform::{Bearer, Kind, Seen, Speaker},
    rule::{Miss, Outcome, Rule},
    rules::trail::{count, nothing_for, page_of, since},
    wire::Call,
};

const WHICH: &str = "Forge OAuth tokens: which token for what";
const RULES_OF_TOKENS: &str = "Forge OAuth tokens: rules; a token is for one installation";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "token-user-is-callers",
        "What is asked of a product as the user in session is asked with that user's token.",
        WHICH,
        "Take the user's token from `x-forge-oauth-user` of the request in hand, or from a store under installation and `principal`.",
        |run| Box::pin(callers(run)),
    ),
    GROUP.must(
        "token-user-not-replaced",
        "Where the user's token is missing, nobody else's is used in its place.",
        WHICH,
        "Answer 403 when `x-forge-oauth-user` is missing: the app's token sees what the user may not.",
        |run| Box::pin(not_replaced(run)),
    ),
    GROUP.must(
        "token-missing-means-no-call",
        "Without a token the platform is not asked at all, neither without one nor with an empty one.",
        "Forge product APIs: base URLs; Authorization: Bearer <token>",
        "Refuse before the outgoing call when the header with the token is missing or empty.",
        |run| Box::pin(missing(run)),
    ),
    GROUP.must(
        "token-app-for-storage",
        "Forge storage is asked with the app's token.",
        "Forge storage from a remote: user tokens are not accepted",
        "Send `x-forge-oauth-system` to Forge storage, never the user's token.",
        |run| Box::pin(storage(run)),
    ),
    GROUP.must(
        "token-user-not-in-background",
        "Events and ticks are worked on without the token of a user who called before.",
        "Forge OAuth tokens: never on events and schedules; in the background as a given user: an exchanged token",
        "Use the app's token for events and schedules, or exchange it for the account that you need.",
        |run| Box::pin(background(run)),
    ),
    GROUP.must(
        "token-not-across-tenants",
        "A call without tokens does not get those of another installation.",
        RULES_OF_TOKENS,
        "Keep tokens under `app.installationId`, or not at all.",
        |run| Box::pin(across_tenants(run)),
    ),
    GROUP.must(
        "token-not-across-users",
        "A call without a user's token does not get that of another user.",
        "Forge OAuth tokens: rules; key the store by app.installationId and principal",
        "Keep users' tokens under installation and `principal` together, or not at all.",
        |run| Box::pin(across_users(run)),
    ),
];

fn broken(call: &Call, seen: &Seen) -> Outcome {
    Err(Miss::failed(call.describe(), seen.describe()))
}

async fn callers(run: &Run) -> Outcome {
    for probed in user_doors(run).await? {
        let tenant = run.tenant();
        let users = tenant.users();
        for user in &users[..3] {
            let before = count(run, &tenant);
            let call = page_of(run, &probed.door, &tenant, user, &users[3]);
            let call = call.with(format!("a good FIT of {user}"));
            run.success(&call).await?;
            let speaker = Speaker::User(user.clone());
            let others =
                |seen: &&std::sync::Arc<Seen>| seen.kind == Kind::Product && !seen.spoke(&speaker);
            if let Some(seen) = since(run, &tenant, before).iter().find(others) {
                return broken(&call, seen);
            }
        }
    }
    Ok(())
}

async fn not_replaced(run: &Run) -> Outcome {
    for probed in user_doors(run).await? {
        let tenant = run.tenant();
        let app = run.platform.token(&tenant, Speaker::App);
        let fit = run.fit(&probed.door, &tenant).token();
        let call = run.tokenless(&probed.door, &tenant).app_token(&app);
        let call = call.fit(&fit).with("a good FIT and the app's token alone");
        run.answer(&call).await?;
        let seen = since(run, &tenant, 0);
        if let Some(seen) = seen.iter().find(|seen| seen.kind == Kind::Product) {
            return broken(&call, seen);
        }
    }
    Ok(())
}

async fn missing(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let calling: Vec<_> = doors.iter().filter(|it| !it.calls.is_empty()).collect();
    if calling.is_empty() {
        let why = "no --ui-path makes the remote call the platform";
        return Err(Miss::not_exercised(why));
    }
    for probed in calling {
        let tenant = run.tenant();
        let bare = run.tokenless(&probed.door, &tenant);
        let bare = bare.fit(&run.fit(&probed.door, &tenant).token());
        let empty = bare
            .clone()
            .header("x-forge-oauth-system", "")
            .header("x-forge-oauth-user", "");
        for (what, call) in [("no OAuth token", bare), ("empty OAuth tokens", empty)] {
            let call = call.with(what);
            run.answer(&call).await?;
            if let Some(seen) = since(run, &tenant, 0).first() {
                return broken(&call, seen);
            }
            // Storage names no site: without a token it is nobody's.
            let nobodys = |seen: &Seen| {
                seen.installation.is_none()
                    && matches!(seen.kind, Kind::Storage | Kind::Exchange)
                    && seen.trace_id.is_some()
                    && seen.trace_id == call.trace_id()
            };
            if let Some(seen) = run.platform.journal().filter(nobodys).first() {
                return broken(&call, seen);
            }
        }
    }
    Ok(())
}

async fn storage(run: &Run) -> Outcome {
    // With a wrong token storage refuses, and the door need not answer 2xx.
    let doors = run.probed().await.iter();
    let doors: Vec<_> = doors
        .filter(|it| it.door.is_ui() && it.asked(Kind::Storage))
        .collect();
    if doors.is_empty() {
        let why = "no --ui-path makes the remote ask Forge storage";
        return Err(Miss::not_exercised(why));
    }
    for probed in doors {
        let tenant = run.tenant();
        let call = run.good(&probed.door, &tenant);
        run.answer(&call).await?;
        let wrong =
            |seen: &&std::sync::Arc<Seen>| seen.kind == Kind::Storage && !seen.spoke(&Speaker::App);
        if let Some(seen) = since(run, &tenant, 0).iter().find(wrong) {
            return broken(&call, seen);
        }
    }
    Ok(())
}

async fn background(run: &Run) -> Outcome {
    let page = run.ui_doors().await?[0].door.clone();
    let mut works = false;
    for door in run.backend_doors() {
        let waits = match &door.kind {
            DoorKind::Event(_) if !door.is_product_event() => run.limits.silence,
            DoorKind::Event(_) | DoorKind::Schedule(_) => run.limits.handled,
            DoorKind::Ui | DoorKind::Uninstall => continue,
        };
        let tenant = run.tenant();
        run.answer(&run.good(&page, &tenant)).await?;
        let before = count(run, &tenant);
        let call = run.good(door, &tenant);
        let call = call.with("a good FIT, after the call of a user");
        run.answer(&call).await?;
        let journal = run.platform.journal();
        let more = |seen: &[std::sync::Arc<Seen>]| seen.len() > before;
        let seen = journal.until(&tenant, waits, more).await;
        if seen.len() == before {
            continue;
        }
        works = true;
        journal
            .until_quiet(&tenant, run.limits.silence, waits)
            .await;
        let of_user = |seen: &&std::sync::Arc<Seen>| {
            matches!(
                &seen.bearer,
                Bearer::Of {
                    speaker: Speaker::User(_),
                    ..
                }
            )
        };
        if let Some(seen) = since(run, &tenant, before).iter().find(of_user) {
            return broken(&call, seen);
        }
    }
    if works {
        return Ok(());
    }
    Err(Miss::not_exercised(
        "neither events nor ticks make the remote call the platform",
    ))
}

async fn across_tenants(run: &Run) -> Outcome {
    let mut doors = app_doors(run).await.unwrap_or_default();
    doors.extend(user_doors(run).await.unwrap_or_default());
    if doors.is_empty() {
        let why = "no --ui-path makes the remote call the platform";
        return Err(Miss::not_exercised(why));
    }
    for probed in doors {
        let (first, second) = (run.tenant(), run.tenant());
        run.answer(&run.good(&probed.door, &first)).await?;
        let before = count(run, &first);
        let fit = run.fit(&probed.door, &second).token();
        let call = run.tokenless(&probed.door, &second).fit(&fit);
        let call = call.with("a good FIT and no token, after another installation's call");
        run.answer(&call).await?;
        nothing_for(run, &call, &first, before)?;
    }
    Ok(())
}

async fn across_users(run: &Run) -> Outcome {
    for probed in user_doors(run).await? {
        let tenant = run.tenant();
        let [first, second] = [&tenant.users()[0], &tenant.users()[1]];
        run.answer(&page_of(run, &probed.door, &tenant, first, first))
            .await?;
        let before = count(run, &tenant);
        let app = run.platform.token(&tenant, Speaker::App);
        let fit = run.fit(&probed.door, &tenant).user(second).token();
        let call = run
            .tokenless(&probed.door, &tenant)
            .app_token(&app)
            .fit(&fit);
        let call = call.with("a good FIT and no user's token, after another user's call");
        run.answer(&call).await?;
        let of_first = |seen: &&std::sync::Arc<Seen>| seen.spoke(&Speaker::User(first.clone()));
        if let Some(seen) = since(run, &tenant, before).iter().find(of_first) {
            return broken(&call, seen);
        }
    }
    Ok(())
}
