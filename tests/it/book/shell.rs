//! Commands: bash can read them, and ours take the arguments that they are given.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use super::{ROOT, paths};

pub(super) fn check(text: &str) -> Result<(), String> {
    said(&fed("bash", &["-n"], text))?;
    if let Some(path) = paths::missing(text) {
        return Err(format!("there is no {path}"));
    }
    for words in commands(text) {
        ours(&words)?;
    }
    Ok(())
}

/// Whether Node can read it as a module.
pub(super) fn node(text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("block.mjs");
    fs::write(&file, text).unwrap();
    said(&fed("node", &["--check", file.to_str().unwrap()], ""))
}

fn fed(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}: let `bash tests/run.sh` install it"));
    // One that has read enough may have hung up.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.trim().to_owned())
}

/// The words of each simple command: of lines that go on, of pipes and lists, and without
/// comments and variables set for them.
fn commands(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split_once(" #").map_or(line, |(line, _)| line);
        if line.trim_start().starts_with('#') {
            continue;
        }
        for part in line.split(['|', ';', '&']) {
            let words = part
                .split_whitespace()
                .map(|word| word.trim_matches(['"', '\'', '(', ')']));
            let is_variable = |word: &&str| {
                word.split_once('=').is_some_and(|(name, _)| {
                    name.chars()
                        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
                })
            };
            let words: Vec<_> = words
                .skip_while(|word| is_variable(word) || *word == "exec" || *word == "nohup")
                .map(str::to_owned)
                .collect();
            if !words.is_empty() {
                found.push(words);
            }
        }
    }
    found
}

/// Checks what is ours in a command.
fn ours(words: &[String]) -> Result<(), String> {
    let is_program = |word: &String| word == "forge-remote" || word.ends_with("/forge-remote");
    let after = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        words.get(at + 1).map(String::as_str)
    };
    let exists = |path: String| {
        let there = Path::new(ROOT).join(&path).exists();
        if there {
            Ok(())
        } else {
            Err(format!("there is no {path}"))
        }
    };
    match words[0].as_str() {
        "cargo" => {
            if let Some(name) = after("--example") {
                exists(format!("examples/{name}.rs"))?;
            }
            if let Some(name) = after("--bench") {
                let (file, folder) = (format!("benches/{name}.rs"), format!("benches/{name}"));
                exists(file).or_else(|_| exists(folder))?;
            }
            let program =
                words.get(1).is_some_and(|it| it == "run") && after("--example").is_none();
            match words.iter().position(|word| word == "--") {
                Some(at) if program => takes(&words[at + 1..]),
                _ => Ok(()),
            }
        }
        "npm" => match words.get(1).map(String::as_str) {
            Some("start" | "test") => script(&words[1]),
            Some("run") => script(&words[2]),
            _ => Ok(()),
        },
        _ if is_program(&words[0]) => takes(&words[1..]),
        // In a container: the name may be the image's, and what follows the command. Elsewhere
        // it may be the name of an app, a deployment or a namespace.
        "docker" | "kubectl" | "podman" | "fly" | "ssh"
            if words
                .iter()
                .any(|it| matches!(it.as_str(), "run" | "exec" | "-C")) =>
        {
            match words.iter().rposition(is_program) {
                Some(at) => takes(&words[at + 1..]),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn script(name: &str) -> Result<(), String> {
    let package = fs::read_to_string(format!("{ROOT}/package.json")).unwrap();
    let package: serde_json::Value = serde_json::from_str(&package).unwrap();
    let known = package["scripts"].get(name).is_some();
    if known {
        Ok(())
    } else {
        Err(format!("package.json has no script `{name}`"))
    }
}

/// Whether the command takes these: it looks at all before it comes to `--help`.
fn takes(arguments: &[String]) -> Result<(), String> {
    let arguments: Vec<_> = arguments
        .iter()
        // Where output goes is the shell's business.
        .take_while(|word| !word.starts_with(['>', '<']) && !word.starts_with("2>"))
        .map(|word| match word.as_str() {
            "ID" => "0190f3f0-0000-7000-8000-000000000000",
            word => word,
        })
        .collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_forge-remote"));
    let output = command.args(arguments).arg("--help").output().unwrap();
    said(&output)
}
