//! Who wants a digest, and what is in it.

use axum::Json;
use http::StatusCode;
use serde::Serialize;

use super::records::{Digest, Subscription};
use crate::{Error, ErrorCode, Invocation, ids::AccountId};

/// Whether the user in session is subscribed.
#[derive(Serialize)]
pub(super) struct Subscribed {
    subscribed: bool,
}

/// `GET /api/subscription`
pub(super) async fn get(invocation: Invocation) -> Result<Json<Subscribed>, Error> {
    let key = Subscription::key(account(&invocation)?)?;
    let storage = invocation.as_app()?.storage();
    let subscribed = storage.get::<Subscription>(&key).await?.is_some();
    Ok(Json(Subscribed { subscribed }))
}

/// `PUT /api/subscription`
pub(super) async fn put(invocation: Invocation) -> Result<Json<Subscribed>, Error> {
    let account = account(&invocation)?;
    let subscription = Subscription {
        account_id: account.clone(),
    };
    let storage = invocation.as_app()?.storage();
    storage
        .set(&Subscription::key(account)?, &subscription)
        .await?;
    Ok(Json(Subscribed { subscribed: true }))
}

/// `DELETE /api/subscription`: the digest goes with it.
pub(super) async fn delete(invocation: Invocation) -> Result<StatusCode, Error> {
    let account = account(&invocation)?;
    let storage = invocation.as_app()?.storage();
    storage.delete(&Subscription::key(account)?).await?;
    storage.delete(&Digest::key(account)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/digest`
pub(super) async fn digest(invocation: Invocation) -> Result<Json<Digest>, Error> {
    let key = Digest::key(account(&invocation)?)?;
    let digest = invocation.as_app()?.storage().get::<Digest>(&key).await?;
    digest.map(Json).ok_or_else(|| {
        let message = "There is no digest yet: subscribe, and wait for the next hour.";
        Error::new(ErrorCode::NotFound, message)
    })
}

fn account(invocation: &Invocation) -> Result<&AccountId, Error> {
    invocation.account().ok_or_else(|| {
        let message = "Nobody is signed in: a digest belongs to a user.";
        Error::new(ErrorCode::Forbidden, message)
    })
}
