//! A small Confluence: content and the current user of v1, pages of v2.

mod v1;
mod v2;

use std::sync::Arc;

use axum::{Router, routing::get};

use super::{access::not_played, stage::Stage, world};

/// The API under `/ex/confluence/<cloudId>`.
pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/wiki/rest/api/content", get(v1::list))
        .route("/wiki/rest/api/content/{id}", get(v1::one))
        .route("/wiki/rest/api/user/current", get(v1::current_user))
        .route("/wiki/api/v2/pages", get(v2::list))
        .route("/wiki/api/v2/pages/{id}", get(v2::one))
        .fallback(not_played)
}

/// The pages that the account may see and that pass the filter.
fn visible<'a>(
    account: &'a str,
    filter: impl Fn(&world::Page) -> bool + 'a,
) -> impl Iterator<Item = &'static world::Page> + 'a {
    world::PAGES
        .iter()
        .filter(move |page| page.audience.admits(account) && filter(page))
}

fn web_path(page: &world::Page) -> String {
    format!("/spaces/{}/pages/{}", page.space, page.id)
}
