//! Installations and tokens for the tests of this room.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

pub(in crate::store) use crate::captured_log::Logs;
use crate::{
    clock::Timestamp,
    ids::{AppId, CloudId, InstallationId, Product},
    store::{Installation, Remembered, StoredContext, TokenOrigin},
    token::AppToken,
};

pub(in crate::store) const NOW: Timestamp = Timestamp::from_unix(1_785_312_000);

pub(in crate::store) fn id(number: u128) -> InstallationId {
    Uuid::from_u128(number).into()
}

pub(in crate::store) fn cloud(name: &str) -> CloudId {
    name.parse().unwrap()
}

fn context(product: Product, cloud: Option<&str>, workspace: Option<&str>) -> StoredContext {
    StoredContext {
        api_base_url: format!("https://api.atlassian.com/ex/{product}/x").into(),
        product,
        cloud_id: cloud.map(|text| text.parse().unwrap()),
        workspace_id: workspace.map(|text| text.parse().unwrap()),
    }
}

/// An installation of which everything is known, in the site `quarry`.
pub(in crate::store) fn installation(number: u128) -> Installation {
    Installation {
        ic_label: Some("orange".parse().unwrap()),
        contexts: vec![
            context(Product::Confluence, Some("quarry"), None),
            context(Product::Bitbucket, None, Some("d41c7e90")),
            context(Product::from("loom"), None, None),
        ],
        site_url: Some("https://quarry.atlassian.net".into()),
        app_version: Some("4.2.0".into()),
        environment: Some("PRODUCTION".into()),
        environment_id: Some(Uuid::from_u128(7).into()),
        license_active: Some(true),
        ..bare(number)
    }
}

/// An installation of which nothing is known that may be left out.
pub(in crate::store) fn bare(number: u128) -> Installation {
    let app: AppId = Uuid::from_u128(0xa).into();
    Installation::new(id(number), app, "https://api.atlassian.com/ex/jira/x")
}

/// A token that expires so many minutes after [`NOW`].
pub(in crate::store) fn token(text: &str, minutes: u64) -> AppToken {
    AppToken::expiring(text.to_owned(), NOW.plus(Duration::from_mins(minutes))).unwrap()
}

pub(in crate::store) fn record(
    installation: Installation,
    app_token: Option<AppToken>,
) -> Arc<Remembered> {
    Arc::new(Remembered {
        installation,
        app_token,
        token_origin: TokenOrigin::Platform,
        last_seen: NOW,
        first_seen: NOW,
    })
}

pub(in crate::store) fn token_of(record: &Remembered) -> Option<&str> {
    record
        .app_token
        .as_ref()
        .map(|token| token.secret().expose())
}
