//! The binary: what it prints, and how it fails.

use std::process::{Command, Output};

use crate::support::log::watch;

pub(crate) const APP: &str = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";

pub(crate) fn forge_remote(
    folder: &std::path::Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forge-remote"));
    command.current_dir(folder).args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FORGE_REMOTE") {
            command.env_remove(name);
        }
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    watch("WHAT A COMMAND PRINTS", &text(&output.stdout));
    watch("WHAT A COMMAND COMPLAINS OF", &text(&output.stderr));
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn config_prints_settings_with_their_origin_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let output = forge_remote(
        folder.path(),
        &["config"],
        &[
            ("FORGE_REMOTE__APP__IDS", APP),
            ("FORGE_REMOTE__STORE__ENCRYPTION_KEY", key),
        ],
    );
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        printed.contains("environment variable FORGE_REMOTE__APP__IDS"),
        "{printed}"
    );
    assert!(printed.contains("fit.leeway_seconds"), "{printed}");
    assert!(printed.contains("[redacted]"), "{printed}");
    assert!(!printed.contains(key), "{printed}");
}

#[cfg(unix)]
#[test]
fn a_password_file_that_the_driver_cannot_read_is_not_logged() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let passwords = folder.path().join("pgpass");
    std::fs::write(&passwords, "127.0.0.1:1:forge:hunter2\n").unwrap();
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&passwords, private).unwrap();
    let variables = [
        ("FORGE_REMOTE__APP__IDS", APP),
        ("FORGE_REMOTE__STORE__URL", "postgres://u@127.0.0.1:1/forge"),
        (
            "FORGE_REMOTE__STORE__ENCRYPTION_KEY",
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        ),
        ("FORGE_REMOTE__TELEMETRY__LEVEL", "trace"),
        ("PGPASSFILE", passwords.to_str().unwrap()),
    ];
    let output = forge_remote(folder.path(), &["serve"], &variables);
    let told = text(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("cannot be reached"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_backup_that_is_no_regular_file_is_named_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(pipe).status();
    assert!(made.unwrap().success());
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    for name in ["pipe", "folder"] {
        let variables = [
            ("FORGE_REMOTE__APP__IDS", APP),
            ("FORGE_REMOTE__STORE__URL", "sqlite://store.db"),
        ];
        let output = forge_remote(folder.path(), &["restore", name], &variables);
        let told = text(&output.stderr);
        assert!(!output.status.success());
        let named = format!("`{name}` cannot be written or read: it is no regular file");
        assert!(told.contains(&named), "{told}");
    }
}

#[test]
fn wrong_settings_stop_every_command_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["serve"], &["config"], &["health"]] {
        let output = forge_remote(
            folder.path(),
            arguments,
            &[("FORGE_REMOTE__FIT__LEEWAY", "5")],
        );
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("app.ids: required"), "{message}");
        assert!(
            message.contains("did you mean `fit.leeway_seconds`?"),
            "{message}"
        );
    }
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = forge_remote(
        folder.path(),
        &["serve"],
        &[
            ("FORGE_REMOTE__APP__IDS", APP),
            ("FORGE_REMOTE__SERVER__LISTEN", &address),
            ("FORGE_REMOTE__SERVER__ADMIN_LISTEN", "127.0.0.1:0"),
        ],
    );
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    let line = message
        .lines()
        .find(|line| line.starts_with("forge-remote:"))
        .unwrap();
    assert!(
        line.contains(&address) && line.contains("server.listen"),
        "{line}"
    );
}

#[test]
fn health_says_whether_a_remote_lives() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let output = forge_remote(
        folder.path(),
        &["health"],
        &[
            ("FORGE_REMOTE__APP__IDS", APP),
            ("FORGE_REMOTE__SERVER__ADMIN_LISTEN", &free),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("does not answer"));
}

#[test]
fn help_names_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let printed = text(&forge_remote(folder.path(), &["--help"], &[]).stdout);
    for command in ["serve", "dev", "inbox", "config", "health"] {
        assert!(printed.contains(command), "{printed}");
    }
}

/// The emulator alone prints what a remote of one's own needs, and that is enough for it.
#[cfg(feature = "emulator")]
#[test]
fn settings_that_dev_prints_for_another_remote_are_settings_that_it_can_start_with() {
    use std::{
        io::{BufRead, BufReader},
        process::Stdio,
    };

    let folder = tempfile::tempdir().unwrap();
    let mut dev = Command::new(env!("CARGO_BIN_EXE_forge-remote"))
        .current_dir(folder.path())
        .args(["dev", "--remote", "http://127.0.0.1:9", "--console"])
        .args(["127.0.0.1:0", "--manifest"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let variables: Vec<_> = BufReader::new(dev.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .skip_while(|line| !line.contains("FORGE_REMOTE__"))
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect();
    dev.kill().unwrap();
    dev.wait().unwrap();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let output = forge_remote(folder.path(), &["config"], &variables);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    for (name, value) in variables {
        let set = printed.lines().find(|line| line.ends_with(name)).unwrap();
        assert!(set.contains(value), "{set}");
    }
}
