//! `POST /forge/uninstall`

use axum::extract::State;
use http::StatusCode;

use super::Desk;
use crate::{error::Error, invocation::FromPlatform};

/// The body is not looked at: the FIT says who goes (Forge events: "Uninstall").
pub(super) async fn take(
    State(desk): State<Desk>,
    FromPlatform(invocation): FromPlatform,
) -> Result<StatusCode, Error> {
    desk.0.uninstall.run(&invocation).await?;
    Ok(StatusCode::NO_CONTENT)
}
