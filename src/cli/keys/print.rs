//! What is sealed with which key, on paper.

use std::{collections::BTreeSet, fmt::Write};

use forge_remote::store::{
    KeyId,
    keys::{KeyRing, SealedKind, Survey},
};
use serde_json::json;

fn role(key: KeyId, ring: &KeyRing) -> &'static str {
    if key == ring.primary {
        "primary"
    } else if ring.knows(key) {
        "additional"
    } else {
        "unknown"
    }
}

/// The keys of the settings, then those that values name and the settings do not.
fn keys(survey: &Survey, ring: &KeyRing) -> Vec<KeyId> {
    let mut keys = vec![ring.primary];
    keys.extend(&ring.additional);
    let strange: BTreeSet<_> = survey.by_key.keys().map(|(_, key)| *key).collect();
    keys.extend(strange.into_iter().filter(|key| !ring.knows(*key)));
    keys
}

pub(super) fn table(survey: &Survey, ring: &KeyRing) -> String {
    let mut text = line(
        "KEY",
        "ROLE",
        ["APP TOKENS", "JOB TOKENS", "ACCOUNT TOKENS"].map(str::to_owned),
    );
    for key in keys(survey, ring) {
        let counts = SealedKind::ALL.map(|kind| survey.of_key(kind, key).to_string());
        text += &line(&key.to_string(), role(key, ring), counts);
    }
    if !survey.damaged.is_empty() {
        let damaged = |kind| survey.damaged.get(&kind).copied().unwrap_or(0).to_string();
        text += &line("damaged", "", SealedKind::ALL.map(damaged));
    }
    text.push('\n');
    for sentence in sentences(survey, ring) {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{sentence}");
    }
    text
}

fn line(key: &str, role: &str, counts: [String; 3]) -> String {
    let [app, job, account] = counts;
    let line = format!("{key:16}  {role:10}  {app:>10}  {job:>10}  {account:>14}");
    line.trim_end().to_owned() + "\n"
}

fn sentences(survey: &Survey, ring: &KeyRing) -> Vec<String> {
    let mut sentences = Vec::new();
    let (left, unknown) = (survey.left(ring), survey.of_unknown_keys(ring));
    if unknown > 0 {
        sentences.push(format!(
            "{unknown} values cannot be read: their keys are not in the settings."
        ));
    }
    if left > 0 {
        sentences.push(format!(
            "{left} values are sealed with additional keys: keep those. A running remote seals \
             them anew, and so does `forge-remote keys reseal`."
        ));
    } else if ring.additional.is_empty() {
        if unknown == 0 {
            sentences.push("All values are sealed with the primary key.".to_owned());
        }
    } else {
        sentences.push(
            "No value is sealed with an additional key. One that no replica has as its \
             `store.encryption_key` can be dropped."
                .to_owned(),
        );
    }
    sentences
}

pub(super) fn json(survey: &Survey, ring: &KeyRing) -> String {
    let keys: Vec<_> = keys(survey, ring)
        .into_iter()
        .map(|key| {
            json!({
                "id": key.to_string(),
                "role": role(key, ring),
                "appTokens": survey.of_key(SealedKind::AppToken, key),
                "jobTokens": survey.of_key(SealedKind::JobToken, key),
                "accountTokens": survey.of_key(SealedKind::AccountToken, key),
            })
        })
        .collect();
    let answer = json!({
        "keys": keys,
        "left": survey.left(ring),
        "unreadable": survey.of_unknown_keys(ring),
        "damaged": survey.damaged.values().sum::<u64>(),
    });
    answer.to_string() + "\n"
}
