//! Why somebody cannot speak.

use crate::{
    error::{Error, ErrorCode},
    ids::Product,
};

/// Why an actor cannot be had.
///
/// ```
/// use forge_remote::{Error, actor::ActorError};
/// let error = Error::from(ActorError::MissingUserToken);
/// assert_eq!(error.code().as_str(), "missing_user_token"); // its message names the manifest line
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActorError {
    /// No app token came with the request, or it has lapsed.
    #[error("no app token that lives")]
    MissingAppToken,
    /// No user token came with the request, or it has lapsed.
    #[error("no user token that lives")]
    MissingUserToken,
    /// The app is not installed in that product.
    #[error("the installation has no context for {0}")]
    NotInstalled(Product),
    /// The installation has no product whose accounts could be impersonated.
    #[error("the installation has no context to impersonate in")]
    NoContext,
}

impl From<ActorError> for Error {
    fn from(error: ActorError) -> Self {
        let (code, message) = match &error {
            ActorError::MissingAppToken => (
                ErrorCode::MissingAppToken,
                "Forge sent no app token that lives. Set `auth.appSystemToken.enabled: true` on the \
                 endpoint in manifest.yml, with the scope `read:app-system-token` and at least one \
                 other scope. `requestRemote` never carries one: use `invokeRemote`."
                    .to_owned(),
            ),
            ActorError::MissingUserToken => (
                ErrorCode::MissingUserToken,
                "Forge sent no user token that lives. Set `auth.appUserToken.enabled: true` on the \
                 endpoint in manifest.yml, with the scope `read:app-user-token` and at least one \
                 user scope. Only calls with a user in session carry one; `requestRemote` never \
                 does: use `invokeRemote`."
                    .to_owned(),
            ),
            ActorError::NotInstalled(product) => (
                ErrorCode::NotFound,
                format!("The app is not installed in {product} here."),
            ),
            ActorError::NoContext => (
                ErrorCode::NotFound,
                "The installation names no product to speak in.".to_owned(),
            ),
        };
        Self::new(code, message).caused_by(error)
    }
}
