//! From a request to an [`Invocation`], and on to the actors that a handler asks for.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, MatchedPath};
use http::request::Parts;

use super::{Inner, Invocation, Kind, Recognised, header, remember::remember};
use crate::{
    actor::{AppActor, UserActor},
    admission::Place,
    deadline::Deadline,
    error::Error,
    forge::Forge,
    trace::TraceId,
};

impl<S> FromRequestParts<S> for Invocation
where
    Forge: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        if let Some(verified) = parts.extensions.get::<Self>() {
            return Ok(verified.clone());
        }
        let forge = Forge::from_ref(state);
        let invocation = verify(parts, forge).await?;
        parts.extensions.insert(invocation.clone());
        Ok(invocation)
    }
}

async fn verify(parts: &mut Parts, forge: Forge) -> Result<Invocation, Error> {
    let trace = match parts.extensions.get::<TraceId>() {
        Some(trace) => trace.clone(),
        None => TraceId::of(&parts.headers),
    };
    let deadline = match parts.extensions.get::<Deadline>() {
        Some(deadline) => *deadline,
        // In a service of the caller's own making no layer has set one.
        None => Deadline::after(forge.config().server.answer_within),
    };
    // All three leave the request before anything can fail: no handler, layer or log sees them.
    let authorization = header::take_authorization(&mut parts.headers);
    let now = forge.clock().now();
    let app_token = header::take_token(&mut parts.headers, &header::SYSTEM, now);
    let user_token = header::take_token(&mut parts.headers, &header::USER, now);

    let authorization = authorization?;
    let fit = deadline
        .bound(forge.verifier().verify(header::bearer(&authorization)?))
        .await??;
    let route = parts.extensions.get::<MatchedPath>();
    let kind = Kind::of(route.map_or(parts.uri.path(), MatchedPath::as_str), &fit);
    tracing::record_all!(
        tracing::Span::current(),
        forge.kind = kind.as_str(),
        forge.installation = %fit.app.installation_id.uuid(),
        forge.module = fit.app.module.key.as_str(),
    );
    if let Some(recognised) = parts.extensions.get::<Recognised>() {
        recognised.by(&fit, kind);
    }
    if let Some(place) = parts.extensions.get::<Place>() {
        place.claim(&fit.app.installation_id)?;
    }
    let (app_token, user_token) = (app_token?, user_token?);
    let app_token = remember(&forge, &fit, app_token);
    Ok(Invocation(Arc::new(Inner {
        fit,
        app_token,
        user_token,
        trace,
        deadline,
        forge,
    })))
}

/// A handler that takes it is called only where a user's token came along.
impl<S> FromRequestParts<S> for UserActor
where
    Forge: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Invocation::from_request_parts(parts, state)
            .await?
            .as_user()
    }
}

/// A handler that takes it is called only where the app's token came along.
impl<S> FromRequestParts<S> for AppActor
where
    Forge: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Invocation::from_request_parts(parts, state).await?.as_app()
    }
}
