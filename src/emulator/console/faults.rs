//! The page of faults: each with its figure, how often it strikes, and a switch.

mod offer;

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Tab, prose};
use crate::emulator::{
    faults::{Fault, FaultError, Times},
    stage::Stage,
};
use offer::{GROUPS, OFFERS, Offer};

pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/faults", get(shown).post(switch_on))
        .route("/faults/off", post(switch_off))
        .route("/faults/rotate", post(rotate))
        .route("/faults/retire", post(retire))
}

#[derive(Debug, Deserialize)]
struct Switched {
    fault: String,
    #[serde(default)]
    figure: String,
    /// Empty is until it is switched off.
    #[serde(default)]
    times: String,
}

impl Switched {
    fn fault(&self) -> Result<Fault, String> {
        let offer = OFFERS.iter().find(|offer| offer.name == self.fault);
        let offer = offer.ok_or("there is no such fault")?;
        let figure = match (offer.figure, self.figure.trim()) {
            (None, _) => 0,
            (Some(figure), "") => figure.usual,
            (Some(figure), text) => text
                .parse()
                .map_err(|_| format!("{} is a whole number", figure.label.to_lowercase()))?,
        };
        (offer.make)(figure).ok_or_else(|| FaultError::Status.to_string())
    }

    fn times(&self) -> Result<Times, String> {
        match self.times.trim() {
            "" => Ok(Times::Always),
            text => text
                .parse()
                .map(Times::Next)
                .map_err(|_| FaultError::Times.to_string()),
        }
    }
}

async fn shown(State(stage): State<Arc<Stage>>) -> Response {
    page(&stage, &html! {}).into_response()
}

async fn switch_on(State(stage): State<Arc<Stage>>, Form(switched): Form<Switched>) -> Response {
    let done = switched.fault().and_then(|fault| {
        let times = switched.times()?;
        let on = stage.faults.switch_on(fault, times);
        on.map_err(|error| error.to_string())
    });
    ended(&stage, done)
}

#[derive(Debug, Deserialize)]
struct Off {
    fault: String,
}

async fn switch_off(State(stage): State<Arc<Stage>>, Form(off): Form<Off>) -> Response {
    let offer = OFFERS.iter().find(|offer| offer.name == off.fault);
    let (found, all) = (offer.is_some(), off.fault == "all");
    stage
        .faults
        .switch_off(|fault| all || offer.is_some_and(|it| it.makes(fault)));
    let done = (all || found).then_some(());
    ended(
        &stage,
        done.ok_or_else(|| "there is no such fault".to_owned()),
    )
}

async fn rotate(State(stage): State<Arc<Stage>>) -> Response {
    let own = Arc::clone(&stage);
    // To make an RSA key takes longer than others should wait.
    let rotated = tokio::task::spawn_blocking(move || own.mint.rotate()).await;
    let done = match rotated {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(FaultError::Key.to_string()),
    };
    ended(&stage, done)
}

async fn retire(State(stage): State<Arc<Stage>>) -> Response {
    let done = stage.mint.retire().then_some(());
    ended(&stage, done.ok_or_else(|| FaultError::NoOldKey.to_string()))
}

fn ended(stage: &Stage, done: Result<(), String>) -> Response {
    stage.journal.announce();
    match done {
        Ok(()) => Redirect::to("/faults").into_response(),
        Err(message) => {
            let notice = layout::notice("Not switched", &layout::sentence(&message));
            (StatusCode::UNPROCESSABLE_ENTITY, page(stage, &notice)).into_response()
        }
    }
}

fn page(stage: &Stage, notice: &Markup) -> axum::response::Html<String> {
    let section = html! {
        (notice)
        section class="summary" {
            h1 { "Faults on demand" }
            p {
                "Switch on what goes wrong on a bad day, and see what your handler makes of it. "
                "A fault strikes the next so many times, or until it is switched off where that field is empty. "
                "What it strikes is marked in the timeline and in the trace."
            }
        }
        @for (group, heading) in GROUPS {
            section class="card" {
                h2 { (heading) }
                ul class="offers" {
                    @for offer in OFFERS.iter().filter(|offer| offer.group == group) {
                        li { (switch(stage, offer)) }
                    }
                }
            }
        }
        (keys(stage))
    };
    layout::plain(stage, Tab::Faults, "Faults · ", &section)
}

fn switch(stage: &Stage, offer: &Offer) -> Markup {
    let all = stage.faults.all();
    let on = all.iter().find(|(fault, _)| offer.makes(fault));
    let id = |field: &str| format!("{}-{field}", offer.name);
    html! {
        form class=(if on.is_some() { "offer on" } else { "offer" }) method="post" action="/faults" {
            div class="offered" {
                strong { (offer.title) }
                p class="quiet" { (prose(offer.meaning)) }
            }
            @if let Some((fault, times)) = on {
                p class="state" {
                    span class="fault" { (fault) }
                    " " @match times {
                        Times::Next(1) => "once more",
                        Times::Next(count) => { (count) " times more" }
                        Times::Always => "until switched off",
                    }
                }
                button formaction="/faults/off" name="fault" value=(offer.name) { "Switch off" }
            } @else {
                div class="figure" {
                    @if let Some(figure) = offer.figure {
                        label for=(id("figure")) { (figure.label) }
                        input id=(id("figure")) name="figure" type="number" required
                            min=(figure.least) max=(figure.most) value=(figure.usual);
                    }
                }
                div class="figure" {
                    label for=(id("times")) { "Times" }
                    input id=(id("times")) name="times" type="number" min="1" max="1000" value="1" placeholder="until off";
                }
                button name="fault" value=(offer.name) { "Switch on" }
            }
        }
    }
}

fn keys(stage: &Stage) -> Markup {
    let set = stage.mint.key_set();
    let ids = set
        .keys
        .iter()
        .filter_map(|key| key.common.key_id.as_deref());
    let ids: Vec<_> = ids.collect();
    html! {
        section class="card" {
            h2 { "Signing keys" }
            dl class="headers" {
                @for (at, id) in ids.iter().enumerate() {
                    dt { @if at == 0 { "signs" } @else { "old, still in the key set" } }
                    dd { (id) }
                }
            }
            p class="quiet" {
                "After a rotation both keys are in the key set; the old one goes with a second press. "
                "A remote that keeps the set must fetch it again for a key that it does not know, but not "
                "for each: one on this library asks every 30 s at most, and refuses good FITs until "
                "then if it asked just before. "
                "A new key ends with the emulator."
            }
            div class="actions" {
                form method="post" action="/faults/rotate" { button type="submit" { "Rotate the key" } }
                @if ids.len() > 1 {
                    form method="post" action="/faults/retire" { button type="submit" { "Remove the old key" } }
                }
            }
        }
    }
}
