//! The Forge Invocation Token (FIT): who calls, proved.
//!
//! Every request from Forge carries a FIT as its bearer token: a JWS that lives
//! for about 25 seconds and names the app, the installation and the user (Forge
//! Remote essentials: "The Forge Invocation Token"). A [`Verifier`] turns the
//! text into a [`Fit`]; there is no other way to get one, so a function that
//! takes a [`Fit`] or its [`Claims`] needs no check of its own.
//!
//! ```no_run
//! # async fn example(
//! #     settings: forge_remote::config::Fit,
//! #     app: forge_remote::ids::AppId,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use forge_remote::{clock::Clock, fit::Verifier, outbound};
//!
//! let verifier = Verifier::new(&settings, &[app], outbound::client()?, Clock::system());
//! verifier.start_refreshing();
//!
//! let fit = verifier.verify("eyJhbGciOiJSUzI1NiIs…").await?;
//! println!("installed as {}", fit.app.installation_id);
//! # Ok(())
//! # }
//! ```
//!
//! # How it is built
//!
//! One file holds one rule: `jws` takes the text apart, `unverified` reads the
//! claims, `key_sets` chooses where their key must come from, `key_set` keeps
//! that set fresh, `jwk` says which keys count, `signature` checks the
//! signature and nothing else, `rules` compares the claims. `known_headers` and
//! `verified_tokens` remember what came of the tokens before.
//!
//! # What it says
//!
//! ```
//! use forge_remote::fit::{App, Claims, Context, Environment, EnvironmentKind, License, LicenseKind, Module};
//! use forge_remote::ids::Product;
//!
//! fn may_use(claims: &Claims) -> bool {
//!     let app: &App = &claims.app;
//!     let in_production =
//!         |environment: &Environment| environment.kind == EnvironmentKind::Production;
//!     let paid = |license: &License| license.is_active() || license.kind == Some(LicenseKind::Developer);
//!     !app.environment.as_ref().is_some_and(in_production) || app.license.as_ref().is_some_and(paid)
//! }
//!
//! fn describe(claims: &Claims) -> String {
//!     let module: &Module = &claims.app.module;
//!     let from = if claims.may_come_from_browser() { "a page" } else { "the platform" };
//!     let site = claims.context.as_ref().and_then(|context: &Context| context.site_url.as_deref());
//!     let product = claims.primary().map(|context| context.name.as_str());
//!     let jira = claims.context_of(&Product::Jira).map(|context| context.api_base_url.as_str());
//!     format!("{} ({}) {from} {site:?} {product:?} {jira:?}", module.key, module.is_endpoint())
//! }
//! ```

mod base64url;
mod claims;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod jwk;
mod jws;
mod key_set;
mod key_sets;
mod known_headers;
mod object;
mod rules;
mod signature;
mod text;
mod unverified;
mod verified_tokens;
mod verifier;

#[cfg(test)]
pub(crate) mod testing;

pub use claims::{
    ApiBaseUrl, App, Claims, Context, Environment, EnvironmentKind, InstallationContext, License,
    LicenseKind, Module,
};
pub use error::{Contradiction, FitError, Malformed};
pub use verifier::{Fit, Verifier};
