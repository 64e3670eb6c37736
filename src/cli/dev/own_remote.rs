//! `forge-remote dev --remote URL`: the platform for a remote of your own, in any language.

use std::{future::pending, time::Duration};

use forge_remote::emulator::{Running, Trust};
use url::Url;

/// How often it is looked whether the remote listens yet.
const PAUSE: Duration = Duration::from_millis(500);

/// The address of a remote: scheme, host and port, and nothing that would be lost.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}: {EXAMPLE}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "it begins with neither http:// nor https://: {EXAMPLE}"
        ));
    }
    if !matches!(url.path(), "" | "/") {
        return Err(format!(
            "it has a path, `{}`, which calls of pages would lose: the platform resolves theirs \
             against the host. Give the address alone, and put the prefix into the paths of the \
             app and its endpoints: {EXAMPLE}",
            url.path()
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!(
            "it has a query or a fragment, which no request would carry: {EXAMPLE}"
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "it has a user in it, and the platform signs in nowhere: {EXAMPLE}"
        ));
    }
    if url.port() == Some(0) {
        return Err("port 0 is none to call: give the one that the remote listens on".to_owned());
    }
    Ok(url)
}

const EXAMPLE: &str = "write it like http://127.0.0.1:8080";

/// Says what the remote needs, tells it of its installation once it listens, and goes on.
pub(super) async fn play(emulator: &Running, remote: &Url) {
    let listens = emulator.remote_listens().await;
    welcome(emulator, remote, listens);
    if !listens {
        wait(emulator, remote).await;
    }
    if let Err(error) = emulator.install().await {
        tracing::warn!(cause = %error, "the remote was not told that it was installed");
    }
    pending::<()>().await;
}

async fn wait(emulator: &Running, remote: &Url) {
    tracing::info!(
        remote.url = %remote,
        "nothing listens there yet: start the remote with the settings above; it is told of its installation as soon as it listens"
    );
    while !emulator.remote_listens().await {
        tokio::time::sleep(PAUSE).await;
    }
    tracing::info!(remote.url = %remote, "the remote listens");
}

#[expect(
    clippy::print_stdout,
    reason = "the answer to whoever typed the command"
)]
fn welcome(emulator: &Running, remote: &Url, listens: bool) {
    let trust = emulator.trust();
    println!();
    println!("  console  {}", emulator.console_url());
    if let Some(module) = emulator.module_keys().first() {
        println!("  page     {}", emulator.host_url(module));
    }
    println!("  remote   {remote}");
    for remark in emulator.remarks_on_remote() {
        println!();
        println!("  {remark}");
    }
    println!();
    println!("{}", settings(&trust, &emulator.console_origin()));
    println!();
    if listens {
        println!("  The remote listens. Open the console; Ctrl-C stops this.");
    } else {
        println!("  Nothing listens there yet: start the remote. Ctrl-C stops this.");
    }
    println!();
}

fn settings(trust: &Trust, console_origin: &str) -> String {
    let Trust {
        app_id,
        jwks_url,
        api_origin,
        graphql_url,
        storage_url,
    } = trust;
    let variables = trust.variables();
    let variables = variables.map(|(name, value)| format!("    export {name}={value}"));
    format!(
        "  In any language the remote needs two settings:

    key set   {jwks_url}
              verifies the bearer token of each request: RS256, issuer
              forge/invocation-token, audience {app_id}
    API host  {api_origin}
              where `app.apiBaseUrl` of that token leads; no other host gets a token

  Two addresses that are fixed on the platform, if it uses them:

    GraphQL   {graphql_url}
    storage   {storage_url}

  And the origin of its pages here, to answer with CORS, if they use `requestRemote`:

    origin    {console_origin}

  The same for a remote on this library, for the shell that starts it:

{}
    export FORGE_REMOTE__SERVER__CORS_ORIGINS={console_origin}",
        variables.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_scheme_host_and_port() {
        for (text, url) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://localhost:3000/", "http://localhost:3000/"),
            ("https://remote.example", "https://remote.example/"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
        ] {
            assert_eq!(address(text).map(String::from).as_deref(), Ok(url));
        }
    }

    #[test]
    fn what_an_address_cannot_have_is_named() {
        for (text, words) in [
            ("127.0.0.1:8080", "write it like http://127.0.0.1:8080"),
            ("localhost:8080", "neither http:// nor https://"),
            ("ftp://127.0.0.1", "neither http:// nor https://"),
            ("http://127.0.0.1:8080/base", "a path, `/base`"),
            ("http://127.0.0.1:8080/?a=b", "a query"),
            ("http://127.0.0.1:8080/#a", "a fragment"),
            ("http://me@127.0.0.1:8080", "a user in it"),
            ("http://127.0.0.1:0", "port 0"),
            ("http://", "write it like"),
        ] {
            let refused = address(text).unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
