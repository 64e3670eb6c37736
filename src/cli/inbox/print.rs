//! Jobs on paper: a table for people, JSON for programs.

use std::fmt::Write;

use forge_remote::store::jobs::JobRecord;
use serde::Serialize;
use serde_json::value::RawValue;

use super::values::moment;

/// So much of an error stands in a table.
const LONGEST_ERROR: usize = 80;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Paper<'a> {
    id: String,
    kind: &'static str,
    name: &'a str,
    installation: String,
    state: &'static str,
    attempts: u32,
    received_at: String,
    due_at: Option<String>,
    ended_at: Option<String>,
    trace: &'a str,
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

impl<'a> Paper<'a> {
    fn of(job: &'a JobRecord) -> serde_json::Result<Self> {
        Ok(Self {
            id: job.id.to_string(),
            kind: job.kind.as_str(),
            name: &job.name,
            installation: job.installation.to_string(),
            state: job.state.as_str(),
            attempts: job.attempts,
            received_at: moment(job.received_at),
            due_at: job.due_at.map(moment),
            ended_at: job.ended_at.map(moment),
            trace: job.trace.as_str(),
            error: job.error.as_deref(),
            payload: job
                .payload
                .as_deref()
                .map(serde_json::from_str)
                .transpose()?,
        })
    }
}

pub(super) fn list_json(jobs: &[JobRecord]) -> serde_json::Result<String> {
    let papers: Vec<_> = jobs.iter().map(Paper::of).collect::<Result<_, _>>()?;
    Ok(serde_json::to_string_pretty(&papers)? + "\n")
}

pub(super) fn one_json(job: &JobRecord) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&Paper::of(job)?)? + "\n")
}

/// A line for each job, in columns.
pub(super) fn table(jobs: &[JobRecord], several_states: bool) -> String {
    if jobs.is_empty() {
        return "no jobs\n".to_owned();
    }
    let mut rows = vec![
        [
            "ID",
            "STATE",
            "KIND",
            "NAME",
            "INSTALLATION",
            "ATTEMPTS",
            "WHEN",
            "ERROR",
        ]
        .map(str::to_owned),
    ];
    rows.extend(jobs.iter().map(row));
    let widths: [usize; 8] = std::array::from_fn(|at| {
        rows.iter()
            .map(|row| row[at].chars().count())
            .max()
            .unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Of one state alone nobody needs to be told.
            if several_states || at != 1 {
                // Writing to a text does not fail.
                let _ = write!(line, "{cell:width$}  ");
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(job: &JobRecord) -> [String; 8] {
    let when = job.ended_at.or(job.due_at).unwrap_or(job.received_at);
    let error = job.error.as_deref().unwrap_or_default();
    let first = error.lines().next().unwrap_or_default();
    [
        job.id.to_string(),
        job.state.as_str().to_owned(),
        job.kind.as_str().to_owned(),
        harmless(&job.name),
        job.installation.uuid().to_string(),
        job.attempts.to_string(),
        moment(when),
        harmless(first).chars().take(LONGEST_ERROR).collect(),
    ]
}

/// All that is known of one job.
pub(super) fn one(job: &JobRecord) -> String {
    let lines = [
        ("id", Some(job.id.to_string())),
        ("state", Some(job.state.as_str().to_owned())),
        ("kind", Some(job.kind.as_str().to_owned())),
        ("name", Some(harmless(&job.name))),
        ("installation", Some(job.installation.to_string())),
        ("attempts", Some(job.attempts.to_string())),
        ("received", Some(moment(job.received_at))),
        ("due", job.due_at.map(moment)),
        ("ended", job.ended_at.map(moment)),
        ("trace", Some(job.trace.to_string())),
        ("error", job.error.as_deref().map(harmless)),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        if let Some(value) = value {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{name:12}  {value}");
        }
    }
    if let Some(payload) = &job.payload {
        text.push('\n');
        text.push_str(&harmless(&pretty(payload)));
        text.push('\n');
    }
    text
}

fn pretty(payload: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(payload);
    value
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| payload.to_owned())
}

/// Without the characters that could take over a terminal: errors and payloads come from
/// outside.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|symbol| match symbol {
            '\n' | '\t' => symbol,
            symbol if symbol.is_control() => '\u{fffd}',
            symbol => symbol,
        })
        .collect()
}
