//! The linter's rules about triggers, schedules, `preUninstall` and migrations.

use std::collections::BTreeSet;

use super::{
    document::{Document, Module},
    event_scopes,
    triggers::Interval,
};

/// Forge scheduled trigger: five in an app, one of them every five minutes.
const MAX_SCHEDULES: usize = 5;
/// Forge triggers: five different entity properties in an app's events.
const MAX_PROPERTY_PATHS: usize = 5;
/// How alike two names must be for one to be the other's misspelling.
const MISSPELT: f64 = 0.9;

pub(super) fn problems(document: &Document, found: &mut Vec<String>) {
    for kind in ["trigger", "scheduledTrigger", "preUninstall"] {
        for trigger in document.entries(kind) {
            endpoint(document, trigger, found);
        }
    }
    for trigger in document.entries("trigger") {
        events(document, trigger, found);
    }
    property_paths(document, found);
    schedules(document, found);
    migrations(document, found);
}

fn endpoint(document: &Document, trigger: &Module, found: &mut Vec<String>) {
    let Some(name) = trigger.endpoint.as_deref() else {
        return;
    };
    let Some(endpoint) = document.endpoint(name) else {
        found.push(format!(
            "Trigger module: '{}' names endpoint '{name}', which is not in modules.endpoint.",
            trigger.key
        ));
        return;
    };
    if endpoint.auth.switches().user {
        found.push(format!(
            "Trigger module: '{}' using remote endpoint: '{}' only supports appSystemToken. Update appUserToken to false.",
            trigger.key, endpoint.key
        ));
    }
    if endpoint.route_path().is_none() {
        found.push(format!(
            "Trigger module: '{}' using remote endpoint: '{}' requires 'route' parameter.",
            trigger.key, endpoint.key
        ));
    }
}

fn events(document: &Document, trigger: &Module, found: &mut Vec<String>) {
    if trigger.events.is_empty() {
        found.push(format!(
            "Trigger module: '{}' needs at least one entry in 'events'.",
            trigger.key
        ));
    }
    let scopes = document.permissions.scopes.names();
    for event in &trigger.events {
        let name = event.event_type();
        for scope in event_scopes::missing(name, &scopes) {
            found.push(format!("Trigger event: '{name}' requires '{scope}' scope"));
        }
        // The platform adds events without notice: an unknown name is not wrong in itself.
        if let Some(meant) = misspelt(name) {
            found.push(format!(
                "Trigger event: '{name}' is no event of the platform. Did you mean '{meant}'?"
            ));
        }
        let filtered = trigger.filter.ignore_self || event.ignores_self();
        if filtered && !name.starts_with("avi:jira:") {
            found.push("Trigger filtering with ignoreSelf works only with Jira events".to_owned());
        }
    }
}

fn property_paths(document: &Document, found: &mut Vec<String>) {
    let triggers = document.entries("trigger").iter();
    let paths: BTreeSet<_> = triggers.flat_map(Module::property_paths).collect();
    if paths.len() > MAX_PROPERTY_PATHS {
        found.push(format!(
            "An app's events include at most {MAX_PROPERTY_PATHS} entity property paths; these include {}.",
            paths.len()
        ));
    }
}

/// The event that was meant, where `name` is none and comes close to one.
fn misspelt(name: &str) -> Option<String> {
    if event_scopes::is_known(name) {
        return None;
    }
    event_scopes::names()
        .map(|known| (strsim::normalized_damerau_levenshtein(name, &known), known))
        .filter(|(likeness, _)| *likeness >= MISSPELT)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

fn schedules(document: &Document, found: &mut Vec<String>) {
    let schedules = document.entries("scheduledTrigger");
    if schedules.len() > MAX_SCHEDULES {
        found.push(format!(
            "An app has at most {MAX_SCHEDULES} scheduled triggers; this one has {}.",
            schedules.len()
        ));
    }
    let interval = |entry: &Module| entry.interval.as_deref().and_then(Interval::of);
    let shortest = schedules
        .iter()
        .filter(|entry| interval(entry) == Some(Interval::FiveMinutes));
    if shortest.count() > 1 {
        found.push("At most one scheduled trigger can have the interval 'fiveMinute'.".to_owned());
    }
    for schedule in schedules.iter().filter(|entry| interval(entry).is_none()) {
        found.push(format!(
            "Scheduled trigger module: '{}' needs an 'interval' of fiveMinute, hour, day or week.",
            schedule.key
        ));
    }
}

fn migrations(document: &Document, found: &mut Vec<String>) {
    for migration in document.entries("migration:dataResidency") {
        let known = |key: &str| document.remotes.iter().any(|remote| remote.key == key);
        if !migration.remote.as_deref().is_some_and(known) {
            found.push(format!(
                "migration:dataResidency module: '{}' must name a remote of 'remotes'.",
                migration.key
            ));
        }
        let hours = migration.max_migration_duration_hours.unwrap_or(1.5);
        let in_steps = (hours * 2.0).fract() == 0.0;
        if !(0.5..=24.0).contains(&hours) || !in_steps {
            found.push(format!(
                "migration:dataResidency module: '{}' needs a 'maxMigrationDurationHours' from 0.5 to 24 in steps of 0.5.",
                migration.key
            ));
        }
    }
}
