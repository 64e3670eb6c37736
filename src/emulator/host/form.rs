//! The form of the session: who is signed in, and the circumstances that every FIT tells.

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::{page, policy};
use crate::manifest::UiModule;
use crate::{
    emulator::{
        session::{Environment, License, Session, SessionChange, Theme},
        stage::Stage,
        world,
    },
    ids::Product,
};

/// The form as it is sent: a box that is not ticked is not in it.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    user: Option<String>,
    license: Option<String>,
    environment: Option<String>,
    admin: Option<String>,
    theme: Option<String>,
    page: Option<String>,
    issue: Option<String>,
}

/// `POST /host/{module}/session`
pub(super) async fn session(
    State(stage): State<Arc<Stage>>,
    Path(key): Path<String>,
    Form(filled): Form<Filled>,
) -> Response {
    let Some(module) = stage.manifest.module(&key) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let changed = filled.into_change().and_then(|change| {
        let changed = stage.session.change(&change);
        changed.map_err(|error| error.to_string())
    });
    match changed {
        Ok(()) => Redirect::to(&format!("/host/{}", module.key)).into_response(),
        Err(sentence) => {
            let page = page::notice(&stage, "The session stays as it was", &sentence);
            (StatusCode::UNPROCESSABLE_ENTITY, policy::with(&stage, page)).into_response()
        }
    }
}

/// `POST /host/{module}/theme`: the one setting that a page follows without being loaded again.
pub(super) async fn theme(State(stage): State<Arc<Stage>>, Json(name): Json<String>) -> StatusCode {
    let theme = named(&Theme::ALL, Theme::name, "theme", &name).ok();
    let change = SessionChange {
        theme,
        ..SessionChange::default()
    };
    match theme.map(|_| stage.session.change(&change)) {
        Some(Ok(())) => StatusCode::NO_CONTENT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl Filled {
    fn into_change(self) -> Result<SessionChange, String> {
        let license = self.license.as_deref();
        let environment = self.environment.as_deref();
        let theme = self.theme.as_deref();
        Ok(SessionChange {
            user: self.user,
            administrator: Some(self.admin.is_some()),
            license: license
                .map(|name| named(&License::ALL, License::name, "license", name))
                .transpose()?,
            environment: environment
                .map(|name| named(&Environment::ALL, Environment::name, "environment", name))
                .transpose()?,
            theme: theme
                .map(|name| named(&Theme::ALL, Theme::name, "theme", name))
                .transpose()?,
            page: self.page,
            issue: self.issue,
        })
    }
}

fn named<T: Copy>(
    all: &[T],
    name_of: fn(T) -> &'static str,
    what: &str,
    name: &str,
) -> Result<T, String> {
    let found = all.iter().copied().find(|it| name_of(*it) == name);
    found.ok_or_else(|| {
        let names: Vec<_> = all.iter().copied().map(name_of).collect();
        format!("the {what} is one of {}", names.join(", "))
    })
}

/// The form, filled in as the session is.
pub(super) fn section(module: &UiModule, session: &Session) -> Markup {
    html! {
        form id="session" method="post" action={ "/host/" (module.key) "/session" } {
            label { "User"
                select name="user" {
                    @for user in world::active_users() {
                        option value=(user.account_id) selected[user == session.user]
                            data-admin=[session.administers(user.account_id).then_some("")] {
                            (user.name) " — " (user.role)
                        }
                    }
                }
            }
            label class="tick" {
                input type="checkbox" name="admin" checked[session.administers(session.user.account_id)];
                "administers the site"
            }
            (choice("License", "license", License::ALL.map(License::name), session.license.name()))
            (choice("Environment", "environment", Environment::ALL.map(Environment::name), session.environment.name()))
            (choice("Theme", "theme", Theme::ALL.map(Theme::name), session.theme.name()))
            @if module.product == Product::Confluence {
                label { "Open page"
                    select name="page" {
                        @for page in world::PAGES {
                            option value=(page.id) selected[page.id == session.page.id] { (page.title) }
                        }
                    }
                }
            } @else {
                label { "Open issue"
                    select name="issue" {
                        @for issue in world::ISSUES {
                            option value=(issue.key) selected[issue.key == session.issue.key] {
                                (issue.key) " " (issue.summary)
                            }
                        }
                    }
                }
            }
            button type="submit" { "Apply" }
        }
    }
}

fn choice<const N: usize>(
    label: &str,
    name: &str,
    options: [&'static str; N],
    chosen: &str,
) -> Markup {
    html! {
        label { (label)
            select name=(name) {
                @for option in options { option value=(option) selected[option == chosen] { (option) } }
            }
        }
    }
}
