//! The forms beside every page: each unfolds alone, the one that belongs to the page first.

use maud::{Markup, html};

use super::{firing, form};
use crate::emulator::stage::Stage;

/// With the form that invokes the remote unfolded.
pub(super) fn invoke(stage: &Stage, filled: &form::Filled) -> Markup {
    column(stage, filled, &firing::Filled::default(), Open::Invoke)
}

/// With the form that fires an event unfolded.
pub(super) fn fire(stage: &Stage, filled: &firing::Filled) -> Markup {
    column(stage, &form::Filled::first(stage), filled, Open::Fire)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Invoke,
    Fire,
}

fn column(stage: &Stage, invoke: &form::Filled, fire: &firing::Filled, open: Open) -> Markup {
    html! {
        section class="ask" aria-label="Make something happen" {
            details name="ask" open[open == Open::Invoke] {
                summary { h2 { "Invoke the remote" } }
                @if stage.manifest.invocable().next().is_none() {
                    p class="quiet" { "No UI module of the manifest has a " code { "resolver.endpoint" } "." }
                } @else {
                    (form::section(stage, invoke))
                }
            }
            details name="ask" open[open == Open::Fire] {
                summary { h2 { "Fire an event" } }
                (firing::event(stage, fire))
            }
            @if !stage.manifest.triggers.schedules.is_empty() {
                details name="ask" {
                    summary { h2 { "Run a schedule now" } }
                    (firing::schedules(stage))
                }
            }
            details name="ask" {
                summary { h2 { "The app's life" } }
                div class="fields" { (firing::lifecycle(stage)) }
            }
        }
    }
}
