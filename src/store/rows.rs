//! How rows become records, whichever database they come from.

use super::{
    Installation, Remembered, StoreError, StoredContext, TokenOrigin,
    seal::{Purpose, SealError, Sealer},
};
use crate::{
    clock::Timestamp,
    ids::{IdError, InstallationId, Product},
    token::AppToken,
};

/// One installation in one of its products; the first half repeats for each product.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: String,
    app_id: String,
    ic_label: Option<String>,
    api_base_url: String,
    site_url: Option<String>,
    app_version: Option<String>,
    environment: Option<String>,
    environment_id: Option<String>,
    license_active: Option<bool>,
    last_seen: i64,
    first_seen: i64,
    sealed: Option<Vec<u8>>,
    expires_at: Option<i64>,
    from_platform: Option<bool>,
    product: Option<String>,
    cloud_id: Option<String>,
    workspace_id: Option<String>,
    context_url: Option<String>,
}

/// Rows of one installation follow each other.
pub(super) fn fold(rows: Vec<Row>, sealer: &Sealer) -> Result<Vec<Remembered>, StoreError> {
    let mut records: Vec<Remembered> = Vec::new();
    for row in rows {
        let context = row.context().map_err(StoreError::damaged)?;
        let installation = row.installation().map_err(StoreError::damaged)?;
        match records.last_mut() {
            Some(last) if last.installation.id == installation.id => {
                last.installation.contexts.extend(context);
            }
            _ => {
                let token = row.sealed.as_deref().zip(row.expires_at);
                records.push(Remembered {
                    app_token: token.and_then(|(sealed, expires_at)| {
                        let expires_at = Timestamp::from_unix(expires_at);
                        unsealed(
                            sealer,
                            Purpose::AppToken,
                            installation.id,
                            sealed,
                            expires_at,
                        )
                    }),
                    token_origin: match row.from_platform {
                        Some(true) => TokenOrigin::Platform,
                        Some(false) | None => TokenOrigin::Browser,
                    },
                    last_seen: Timestamp::from_unix(row.last_seen),
                    first_seen: Timestamp::from_unix(row.first_seen),
                    installation: Installation {
                        contexts: context.into_iter().collect(),
                        ..installation
                    },
                });
            }
        }
    }
    Ok(records)
}

/// A token that was sealed for this; one that cannot be unsealed is none.
pub(super) fn unsealed(
    sealer: &Sealer,
    purpose: Purpose,
    id: InstallationId,
    blob: &[u8],
    expires_at: Timestamp,
) -> Option<AppToken> {
    match sealer.open(purpose, id, blob) {
        Ok(secret) => AppToken::of_secret(secret, expires_at).ok(),
        // Expected of every file that an earlier process left.
        Err(SealError::UnknownKey) if !sealer.is_lasting() => None,
        Err(error) => {
            error.count(purpose);
            tracing::warn!(
                installation = %id.uuid(),
                cause = %error,
                "a stored app token cannot be unsealed and is taken for none"
            );
            None
        }
    }
}

impl Row {
    fn installation(&self) -> Result<Installation, IdError> {
        Ok(Installation {
            id: self.id.parse()?,
            app_id: self.app_id.parse()?,
            ic_label: self.ic_label.as_deref().map(str::parse).transpose()?,
            contexts: Vec::new(),
            api_base_url: self.api_base_url.as_str().into(),
            site_url: self.site_url.as_deref().map(Into::into),
            app_version: self.app_version.as_deref().map(Into::into),
            environment: self.environment.as_deref().map(Into::into),
            environment_id: self.environment_id.as_deref().map(str::parse).transpose()?,
            license_active: self.license_active,
        })
    }

    fn context(&self) -> Result<Option<StoredContext>, IdError> {
        let Some((product, url)) = self.product.as_deref().zip(self.context_url.as_deref()) else {
            return Ok(None);
        };
        Ok(Some(StoredContext {
            product: Product::from(product),
            cloud_id: self.cloud_id.as_deref().map(str::parse).transpose()?,
            workspace_id: self.workspace_id.as_deref().map(str::parse).transpose()?,
            api_base_url: url.into(),
        }))
    }
}
