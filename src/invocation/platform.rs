//! Invocations that the platform itself makes: events, schedules, an uninstall.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use super::Invocation;
use crate::{
    error::{Error, ErrorCode},
    fit::Claims,
    forge::Forge,
};

/// A verified invocation that no browser can have made.
///
/// Whoever has a page of the app open holds a FIT of this app and this installation, and can
/// send it anywhere. What only the platform may say, such as that something has happened or
/// that the app is going, is taken from this extractor: it refuses every FIT that a browser
/// holds with `forbidden`.
///
/// ```
/// use axum::{Router, http::StatusCode, routing::post};
/// use forge_remote::{Forge, invocation::FromPlatform};
///
/// async fn hook(FromPlatform(invocation): FromPlatform) -> StatusCode {
///     println!("{} tells us something", invocation.installation());
///     StatusCode::NO_CONTENT
/// }
///
/// let routes: Router<Forge> = Router::new().route("/hooks/mine", post(hook));
/// ```
#[derive(Debug, Clone)]
pub struct FromPlatform(pub Invocation);

impl<S> FromRequestParts<S> for FromPlatform
where
    Forge: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let invocation = Invocation::from_request_parts(parts, state).await?;
        if is_held_by_browser(invocation.claims()) {
            return Err(Error::new(
                ErrorCode::Forbidden,
                "Only the platform calls this path: a token of the app's pages is not taken.",
            ));
        }
        Ok(Self(invocation))
    }
}

/// Events may have a context, but then no UI module made the call (Forge Remote essentials:
/// `app.module.type` is `core:endpoint`). A page that nobody signed in to names no user, and
/// is told by its module.
fn is_held_by_browser(claims: &Claims) -> bool {
    claims.principal.is_some() || (claims.context.is_some() && !claims.app.module.is_endpoint())
}
