//! The form: who invokes which module, and what.

use http::Method;
use maud::{Markup, html};
use serde::Deserialize;

use crate::emulator::{
    journal::Invocation,
    platform::Invoke,
    stage::Stage,
    world::{self, User},
};

const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];
const USER_CONTENT: &str = "/api/content?limit=10";
const APP_CONTENT: &str = "/api/content?limit=10&as=app";

/// What stands in the form.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filled {
    #[serde(default)]
    user: String,
    #[serde(default)]
    module: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    body: String,
    /// The path of a one-click invocation, which overrides method, path and body.
    #[serde(default)]
    preset: String,
}

impl Filled {
    /// What a newcomer finds: the administrator, the first module, their content.
    pub(super) fn first(stage: &Stage) -> Self {
        let module = stage.manifest.invocable().next();
        Self {
            user: world::MIRA.to_owned(),
            module: module.map_or_else(String::new, |(module, _)| module.key.clone()),
            method: Method::GET.to_string(),
            path: USER_CONTENT.to_owned(),
            ..Self::default()
        }
    }

    /// As it was when that invocation was made.
    pub(super) fn of(stage: &Stage, invocation: &Invocation) -> Self {
        let request = &invocation.request;
        Self {
            user: invocation.claims["principal"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            module: invocation.module_key.clone(),
            method: request.method.to_string(),
            path: super::path::path_of(&request.url),
            body: request.body.clone().unwrap_or_default(),
            ..Self::first(stage)
        }
    }
}

impl TryFrom<&Filled> for Invoke {
    type Error = &'static str;

    fn try_from(filled: &Filled) -> Result<Self, Self::Error> {
        let mut invoke = Self::get(&filled.user, &filled.module, filled.path.trim());
        if !filled.preset.is_empty() {
            filled.preset.clone_into(&mut invoke.path);
            return Ok(invoke);
        }
        invoke.method = filled
            .method
            .parse()
            .map_err(|_| "The method is none that HTTP has.")?;
        let body = filled.body.trim();
        if invoke.method != Method::GET && !body.is_empty() {
            let parsed = serde_json::from_str(body);
            invoke.body = Some(parsed.map_err(|_| "The body is not JSON.")?);
        }
        Ok(invoke)
    }
}

pub(super) fn section(stage: &Stage, filled: &Filled) -> Markup {
    html! {
        form class="invoke" method="post" action="/invoke" {
            // Enter in a field sends the form as it stands, not the first preset.
            button class="unseen" type="submit" tabindex="-1" aria-hidden="true" { "Invoke" }
            div class="fields" {
                div {
                    label for="user" { "User in session" }
                    select id="user" name="user" {
                        @for user in world::active_users() {
                            option value=(user.account_id) selected[filled.user == user.account_id] {
                                (user.name) " — " (user.role)
                            }
                        }
                    }
                }
                div {
                    label for="module" { "Module" }
                    select id="module" name="module" {
                        @for (module, endpoint) in stage.manifest.invocable() {
                            option value=(module.key) title={ (module.key) ", remote " (endpoint.remote) } selected[filled.module == module.key] {
                                (module.title) " — " (module.kind)
                            }
                        }
                    }
                }
            }
            (presets(stage, filled))
            (request(filled))
            button class="primary" type="submit" { "Invoke" }
        }
    }
}

fn presets(stage: &Stage, filled: &Filled) -> Markup {
    let others = world::active_users().filter(|user| user.account_id != filled.user);
    let last = world::USERS.iter().filter(|user| !user.active);
    let impersonates = stage.manifest.scopes.impersonable().next().is_some();
    html! {
        fieldset class="presets" {
            legend { "One click: the page list, asked …" }
            button name="preset" value=(USER_CONTENT) { span class="dot user" {} "as the user" }
            button name="preset" value=(APP_CONTENT) { span class="dot app" {} "as the app" }
            @if impersonates {
                @for user in others.chain(last) {
                    button name="preset" value=(account_content(user)) title=(user.role) {
                        span class="dot impersonated" {} "as " (user.name)
                        @if !user.active { small { " (left)" } }
                    }
                }
            }
        }
    }
}

fn request(filled: &Filled) -> Markup {
    html! {
        div class="line" {
            div {
                label for="method" { "Method" }
                select id="method" name="method" {
                    @for method in METHODS {
                        option selected[filled.method == method.as_str()] { (method) }
                    }
                }
            }
            div class="wide" {
                label for="path" { "Path" }
                input id="path" name="path" value=(filled.path) list="routes" required
                    spellcheck="false" autocomplete="off";
            }
        }
        (routes())
        details open[!filled.body.is_empty()] {
            summary { "Body (not for GET)" }
            label class="unseen" for="body" { "Body, a JSON object" }
            textarea id="body" name="body" rows="4" spellcheck="false" placeholder="{ }" { (filled.body) }
        }
    }
}

/// The routes of the service that ships with the crate.
fn routes() -> Markup {
    html! {
        datalist id="routes" {
            option value="/api/invocation" { "The verified invocation" }
            option value="/api/me" { "The user, asked of the product" }
            option value=(USER_CONTENT) { "Content as the user" }
            option value=(APP_CONTENT) { "Content as the app" }
            @for user in world::USERS {
                option value=(account_content(user)) { "Content as " (user.name) }
            }
            option value="/api/subscription" { "GET: are you subscribed? PUT: subscribe. DELETE: end it" }
            option value="/api/digest" { "Your digest, once a schedule has run" }
            @for issue in world::ISSUES {
                option value={ "/api/issues/" (issue.key) } { (issue.summary) }
            }
        }
    }
}

fn account_content(user: &User) -> String {
    format!("/api/accounts/{}/content", user.account_id)
}
