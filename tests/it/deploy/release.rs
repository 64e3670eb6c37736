//! The workflows, and what a release is made of.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use super::{ROOT, at, files, list, text, toml, word, yaml};

fn version() -> String {
    word(&toml("Cargo.toml"), "/package/version").to_owned()
}

fn bash(script: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("bash");
    command.arg(format!("{ROOT}/{script}")).args(arguments);
    command.output().unwrap()
}

fn steps(workflow: &Value) -> impl Iterator<Item = &Value> {
    let jobs = at(workflow, "/jobs").as_object().unwrap().values();
    jobs.filter_map(|job| job["steps"].as_array()).flatten()
}

#[test]
fn the_workflow_runs_what_a_laptop_runs() {
    let ci = yaml(".github/workflows/ci.yml");
    let last = list(&ci, "/jobs/check/steps").last().unwrap();
    assert_eq!(last["run"], "bash .ci/run");
    let script = text(".ci/run");
    assert_eq!(script.lines().last(), Some("exec bash tests/run.sh"));
    let cargo = toml("Cargo.toml");
    let oldest = format!("rust:{}-bookworm", word(&cargo, "/package/rust-version"));
    assert_eq!(
        at(&ci, "/jobs/check/container"),
        &Value::from(oldest.clone())
    );
    let release = yaml(".github/workflows/release.yml");
    for job in ["public-interface", "crate"] {
        let container = at(&release, &format!("/jobs/{job}/container"));
        assert_eq!(container, &Value::from(oldest.clone()), "{job}");
    }
}

/// No job publishes before the checks have passed, and none may more than it says.
#[test]
fn nothing_is_published_unchecked() {
    let release = yaml(".github/workflows/release.yml");
    assert_eq!(
        at(&release, "/jobs/check/uses"),
        "./.github/workflows/ci.yml"
    );
    let jobs = at(&release, "/jobs").as_object().unwrap();
    let needs = |job: &str| -> Vec<String> {
        match &jobs[job]["needs"] {
            Value::String(one) => vec![one.clone()],
            Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().into()).collect(),
            _ => Vec::new(),
        }
    };
    for (name, job) in jobs {
        let permissions = at(job, "/permissions").as_object().unwrap();
        let writes = permissions.values().any(|right| right == "write");
        let mut before = needs(name);
        let mut seen = 0;
        while seen < before.len() {
            before.extend(needs(&before[seen]));
            seen += 1;
        }
        for gate in ["verify", "check", "public-interface"] {
            assert!(
                !writes || before.iter().any(|job| job == gate),
                "{name}: {gate}"
            );
        }
    }
    for name in files(".github/workflows", "yml") {
        let workflow = yaml(&format!(".github/workflows/{name}"));
        assert_eq!(
            at(&workflow, "/permissions"),
            &serde_json::json!({}),
            "{name}"
        );
    }
}

#[test]
fn actions_have_a_version_and_leave_no_token() {
    let mut found = 0;
    for name in files(".github/workflows", "yml") {
        let workflow = yaml(&format!(".github/workflows/{name}"));
        for step in steps(&workflow).filter(|step| step["uses"].is_string()) {
            let (action, version) = word(step, "/uses").split_once('@').unwrap();
            let number = version.strip_prefix('v').map(str::parse::<u32>);
            assert!(matches!(number, Some(Ok(_))), "{name}: {action}@{version}");
            if action == "actions/checkout" {
                assert_eq!(at(step, "/with/persist-credentials"), false, "{name}");
            }
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}

/// Scripts that workflows call are there.
#[test]
fn scripts_of_the_workflows_are_in_the_repository() {
    let mut found = 0;
    for name in files(".github/workflows", "yml") {
        let workflow = text(&format!(".github/workflows/{name}"));
        for (at, _) in workflow.match_indices("bash ") {
            let script = workflow[at + 5..]
                .split([' ', '\n', ')', '`'])
                .next()
                .unwrap();
            assert!(Path::new(ROOT).join(script).is_file(), "{name}: {script}");
            found += 1;
        }
    }
    assert!(found >= 4, "{found}");
}

/// Keep a Changelog: `Unreleased` first, then versions with their dates, the newest first.
#[test]
fn the_changelog_and_the_manifest_agree_on_the_version() {
    let changelog = text("CHANGELOG.md");
    let mut headings = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "));
    assert_eq!(headings.next(), Some("[Unreleased]"));
    let mut newest = None;
    let mut before = None;
    for heading in headings {
        let (version, date) = heading.split_once("] - ").expect(heading);
        let version = version.strip_prefix('[').unwrap().to_owned();
        let numbers: Vec<u64> = version
            .split(['.', '-'])
            .take(3)
            .map(|part| part.parse().expect(heading))
            .collect();
        assert_eq!(date.len(), "2026-11-28".len(), "{heading}");
        assert!(before.is_none_or(|before| before > numbers), "{heading}");
        before = Some(numbers);
        newest.get_or_insert(version);
    }
    let (_, unreleased) = changelog.split_once("## [Unreleased]").unwrap();
    let unreleased = unreleased.split("\n## ").next().unwrap();
    // What is built is the newest release, or what comes after it and is written down.
    assert!(newest == Some(version()) || unreleased.contains("\n- "));
    for kind in changelog
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
    {
        let kinds = [
            "Added",
            "Changed",
            "Deprecated",
            "Removed",
            "Fixed",
            "Security",
        ];
        assert!(kinds.contains(&kind), "{kind}");
    }
}

#[test]
fn files_for_hosts_name_this_version() {
    let version = version();
    let kustomization = yaml("deploy/kubernetes/kustomization.yaml");
    assert_eq!(
        at(&kustomization, "/images/0/newTag"),
        &Value::from(version.clone())
    );
    let image = format!("forge-remote:{version}");
    for path in ["cloud-run/service.yaml", "ecs/task-definition.json"] {
        assert!(
            text(&format!("deploy/hosts/{path}")).contains(&image),
            "{path}"
        );
    }
}

#[test]
fn a_tag_that_is_not_the_version_is_refused() {
    let refused = bash("deploy/release/verify.sh", &["v9.9.9"]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains(&format!("it must be v{}", version())),
        "{said}"
    );
    // With the right tag it depends on the changelog alone.
    let right = bash("deploy/release/verify.sh", &[&format!("v{}", version())]);
    let dated = text("CHANGELOG.md").contains(&format!("## [{}] - ", version()));
    assert_eq!(right.status.success(), dated, "{right:?}");
}

#[test]
fn notes_of_a_release_are_its_section_of_the_changelog() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("CHANGELOG.md");
    let changelog = "# Changelog\n\n## [Unreleased]\n\n- later\n\n## [1.10.0] - 2026-12-01\n\n\
         ### Added\n\n- this\n\n## [1.1.0] - 2026-11-01\n\n- before\n\n## [1.0.0] - 2026-10-01\n\n\
         [1.0.0]: https://example.com\n";
    fs::write(&file, changelog).unwrap();
    let notes = |version| {
        let output = bash(
            "deploy/release/notes.sh",
            &[version, file.to_str().unwrap()],
        );
        let notes = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| notes.trim().to_owned())
    };
    assert_eq!(notes("1.10.0").as_deref(), Some("### Added\n\n- this"));
    assert_eq!(notes("1.1.0").as_deref(), Some("- before"));
    // Nothing in it, not there, and not released.
    assert_eq!(notes("1.0.0"), None);
    assert_eq!(notes("1.1"), None);
    assert_eq!(notes("Unreleased"), None);
}
