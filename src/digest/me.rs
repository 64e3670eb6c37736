//! Who am I? Asked of the product as the user in session.

use axum::Json;
use serde_json::Value;

use crate::{Error, ErrorCode, Invocation, ids::Product};

pub(super) async fn me(invocation: Invocation) -> Result<Json<Value>, Error> {
    let user = invocation.as_user()?;
    let answer = match invocation.product() {
        Some(Product::Confluence) => {
            user.confluence()?
                .get("/wiki/rest/api/user/current")
                .json()
                .await?
        }
        Some(Product::Jira) => user.jira()?.get("/rest/api/3/myself").json().await?,
        _ => {
            return Err(Error::new(
                ErrorCode::NotFound,
                "Ask this from Confluence or Jira.",
            ));
        }
    };
    Ok(Json(answer))
}
