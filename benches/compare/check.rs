//! Nothing is measured before every answer is right.

use anyhow::{Context, Result, ensure};

use crate::{
    connection::Connection,
    fits::Fits,
    remotes::Remote,
    scenario::{Scenario, essence},
    site::USER_TOKEN,
};

/// Answers that are looked at in each scenario: more than one of each worker.
const LOOKS: usize = 16;

/// Whether a remote answers every scenario as it must, and refuses bad tokens.
pub(crate) async fn all(remote: &Remote, scenarios: &[Scenario], fits: &mut Fits) -> Result<()> {
    for scenario in scenarios {
        if remote.kind.serves(*scenario) {
            answers(remote, *scenario, fits)
                .await
                .with_context(|| format!("{}, {scenario}", remote.kind))?;
        }
    }
    if remote.kind.verifies() {
        refusals(remote, fits).await?;
    }
    Ok(())
}

async fn answers(remote: &Remote, scenario: Scenario, fits: &mut Fits) -> Result<()> {
    for _ in 0..LOOKS {
        let (fit, claims) = fits.one();
        let mut connection = Connection::open(remote.address).await?;
        let (status, body) = connection.fetch(&scenario.request(&fit)).await?;
        let text = String::from_utf8_lossy(&body);
        ensure!(status == 200, "status {status}: {text}");
        if remote.kind.verifies() {
            let got = essence(serde_json::from_slice(&body)?);
            let expected = scenario.expected(&fit, &claims);
            ensure!(got == expected, "answers\n{got}\ninstead of\n{expected}");
        }
    }
    Ok(())
}

async fn refusals(remote: &Remote, fits: &mut Fits) -> Result<()> {
    let (mut fit, _) = fits.one();
    for (what, token) in fits.bad() {
        fit.token = token;
        for scenario in [Scenario::Distinct, Scenario::AsUser] {
            refused(remote, what, &scenario.request(&fit)).await?;
        }
    }
    let anonymous = format!(
        "GET /api/content HTTP/1.1\r\nhost: remote\r\nx-forge-oauth-user: {USER_TOKEN}\r\n\r\n"
    );
    refused(remote, "no authorization", anonymous.as_bytes()).await
}

async fn refused(remote: &Remote, what: &str, request: &[u8]) -> Result<()> {
    let mut connection = Connection::open(remote.address).await?;
    let (status, _) = connection.fetch(request).await?;
    ensure!(
        status == 401,
        "{} answers a token with this flaw with {status}: {what}",
        remote.kind
    );
    Ok(())
}
