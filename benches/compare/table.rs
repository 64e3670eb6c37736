//! What was measured, for people and for the documentation.

use std::time::Duration;

use crate::{
    ratios::Ratio,
    rounds::{Measured, Row},
};

const HEADINGS: [&str; 6] = [
    "remote",
    "requests/s",
    "p50",
    "p99",
    "CPU s / 1,000 requests",
    "memory",
];

/// Tables for a terminal.
pub(crate) fn plain(measured: &Measured, ratios: &[Ratio]) {
    for rows in by_scenario(measured) {
        println!("\n{}", rows[0].scenario);
        print_columns(&HEADINGS.map(str::to_owned));
        for row in rows {
            print_columns(&cells(row));
        }
    }
    println!();
    if let Some(line) = verification(measured) {
        println!("{line}");
    }
    for ratio in ratios {
        println!(
            "{:<54} {:>6.2}  wanted {:<7} {}",
            ratio.what,
            ratio.value,
            ratio.wanted.to_string(),
            verdict(ratio)
        );
    }
}

/// The same in Markdown.
pub(crate) fn markdown(measured: &Measured, ratios: &[Ratio]) {
    for rows in by_scenario(measured) {
        println!("\n**{}**\n", rows[0].scenario);
        println!("| {} |\n|---|--:|--:|--:|--:|--:|", HEADINGS.join(" | "));
        for row in rows {
            println!("| {} |", cells(row).join(" | "));
        }
    }
    if let Some(line) = verification(measured) {
        println!("\n{line}.");
    }
    println!("\n| CPU time per request | measured | wanted | |\n|---|--:|--:|---|");
    for ratio in ratios {
        println!(
            "| {} | {:.2} | {} | {} |",
            ratio.what,
            ratio.value,
            ratio.wanted,
            verdict(ratio)
        );
    }
}

fn by_scenario(measured: &Measured) -> impl Iterator<Item = &[Row]> {
    measured
        .rows
        .chunk_by(|one, other| one.scenario == other.scenario)
}

fn verification(measured: &Measured) -> Option<String> {
    let took = measured.verification()?;
    Some(format!("one RSA-2048 verification: {took:.1?} of CPU time"))
}

fn verdict(ratio: &Ratio) -> &'static str {
    if ratio.kept() { "kept" } else { "NOT KEPT" }
}

fn cells(row: &Row) -> [String; 6] {
    [
        row.remote.to_string(),
        format!("{:.0}", row.rate),
        milliseconds(row.p50),
        milliseconds(row.p99),
        // A thousand requests, in seconds: as many as one request has milliseconds.
        format!("{:.4}", row.cpu.as_secs_f64() * 1000.0),
        format!("{} MB", row.resident / 1_000_000),
    ]
}

fn milliseconds(latency: Duration) -> String {
    format!("{:.2} ms", latency.as_secs_f64() * 1000.0)
}

fn print_columns(cells: &[String; 6]) {
    let [remote, rest @ ..] = cells;
    print!("  {remote:<32}");
    for (cell, width) in rest.iter().zip([12, 11, 11, 24, 9]) {
        print!("{cell:>width$}");
    }
    println!();
}
