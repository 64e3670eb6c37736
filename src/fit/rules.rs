//! What the claims of a FIT must say, once its signature holds.

use std::time::Duration;

use super::{
    claims::Claims,
    error::{Contradiction, FitError},
    unverified::UnverifiedClaims,
};
use crate::{clock::Timestamp, config, ids::AppId};

/// What this remote expects of a FIT.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: Box<str>,
    /// The apps with their ARIs, as `aud` has them.
    apps: Vec<(AppId, Box<str>)>,
    leeway: Duration,
}

impl Rules {
    pub(super) fn new(settings: &config::Fit, apps: &[AppId]) -> Self {
        Self {
            issuer: settings.issuer.as_str().into(),
            apps: apps
                .iter()
                .map(|app| (*app, app.to_string().into()))
                .collect(),
            leeway: settings.leeway,
        }
    }

    /// What the fuzz targets judge by: one app, and the platform's issuer.
    #[cfg(fuzzing)]
    pub(super) fn of_one(app: AppId, leeway: Duration) -> Self {
        Self {
            issuer: "forge/invocation-token".into(),
            apps: vec![(app, app.to_string().into())],
            leeway,
        }
    }

    /// Passes claims that a trusted key signed, if they say what they must.
    pub(super) fn check(
        &self,
        signed: UnverifiedClaims<'_>,
        now: Timestamp,
    ) -> Result<Claims, FitError> {
        if signed.issuer.as_deref() != Some(&*self.issuer) {
            return Err(FitError::WrongIssuer);
        }
        if !self.served(&signed).any(|_| true) {
            return Err(FitError::WrongAudience);
        }
        self.check_time(&signed.claims, now)?;
        self.check_agreement(&signed)?;
        Ok(signed.claims)
    }

    /// The apps of this remote that the token is for. Texts are compared, so that
    /// an audience has one spelling only.
    fn served(&self, signed: &UnverifiedClaims<'_>) -> impl Iterator<Item = AppId> {
        self.apps
            .iter()
            .filter(|(_, ari)| signed.audience.iter().any(|audience| *audience == **ari))
            .map(|(app, _)| *app)
    }

    /// A token is valid from `nbf - leeway`, that second included, to `exp + leeway`,
    /// that second excluded.
    fn check_time(&self, claims: &Claims, now: Timestamp) -> Result<(), FitError> {
        if now >= claims.expires_at.plus(self.leeway) {
            return Err(FitError::Expired {
                ago: now.since(claims.expires_at),
            });
        }
        match claims.not_before {
            Some(start) if now.plus(self.leeway) < start => Err(FitError::NotYetValid {
                wait: start.since(now),
            }),
            _ => Ok(()),
        }
    }

    /// Whether claims would still pass by their time.
    pub(super) fn in_time(&self, claims: &Claims, now: Timestamp) -> bool {
        self.check_time(claims, now).is_ok()
    }

    fn check_agreement(&self, signed: &UnverifiedClaims<'_>) -> Result<(), Contradiction> {
        let app = &signed.claims.app;
        if !self.served(signed).any(|audience| audience == app.id) {
            return Err(Contradiction::App);
        }
        if app.installation_id != signed.second_installation_id {
            return Err(Contradiction::Installation);
        }
        let Some(context) = &signed.claims.context else {
            return Ok(());
        };
        let clouds = app.contexts.iter().filter_map(|it| it.cloud_id.as_ref());
        if !agrees(context.cloud_id.as_ref(), clouds) {
            return Err(Contradiction::Cloud);
        }
        let workspaces = app
            .contexts
            .iter()
            .filter_map(|it| it.workspace_id.as_ref());
        if !agrees(context.workspace_id.as_ref(), workspaces) {
            return Err(Contradiction::Workspace);
        }
        Ok(())
    }
}

/// Whether `one` is among `all`, where both sides name something.
fn agrees<'a, Id: PartialEq + 'a>(one: Option<&Id>, all: impl Iterator<Item = &'a Id>) -> bool {
    let mut all = all.peekable();
    one.is_none() || all.peek().is_none() || all.any(|id| Some(id) == one)
}
