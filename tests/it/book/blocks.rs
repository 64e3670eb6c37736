//! Each block, by its language.

use super::{
    ROOT, cargo,
    manifest::{self, Check},
    markdown::Block,
    none,
    pages::{self, Page},
    promql, settings, shell,
};

/// What the words after a language may be.
const LANGUAGES: &[(&str, &[&str])] = &[
    ("rust", &["no_run"]),
    ("toml", &["file"]),
    ("yaml", &["manifest"]),
    ("json", &[]),
    ("js", &[]),
    ("sh", &["run"]),
    ("promql", &[]),
    ("text", &[]),
];

fn known(block: &Block) -> Result<(), String> {
    let language = block.language.as_str();
    let Some((_, words)) = LANGUAGES.iter().find(|(name, _)| *name == language) else {
        let names: Vec<_> = LANGUAGES.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "no language that is checked: `{language}`. There are {}",
            names.join(", ")
        ));
    };
    match block
        .words
        .iter()
        .find(|word| !words.contains(&word.as_str()))
    {
        Some(word) => Err(format!("`{word}` says nothing of {language}")),
        None => Ok(()),
    }
}

fn check(block: &Block) -> Result<(), String> {
    known(block)?;
    match block.language.as_str() {
        "toml" if block.is("file") => cargo::parsed(&block.text).map(drop),
        "toml" if cargo::is_one(&block.text) => cargo::check(&block.text),
        "toml" => settings::check(&block.text),
        "yaml" => manifest::parsed(&block.text).map(drop),
        "json" => serde_json::from_str::<serde_json::Value>(&block.text)
            .map(drop)
            .map_err(|error| error.to_string()),
        "js" => shell::node(&block.text),
        "sh" => shell::check(&block.text),
        "promql" => promql::check(&block.text),
        // Of `rust` the compiler takes care.
        _ => Ok(()),
    }
}

#[test]
fn every_block_is_what_its_language_says() {
    let mut wrong = Vec::new();
    for page in pages::all() {
        for block in &page.parts.blocks {
            if let Err(why) = check(block) {
                wrong.push(format!("{}:{}: {why}", page.path, block.line));
            }
        }
    }
    none(&wrong);
}

#[tokio::test]
async fn every_manifest_is_one_that_could_be_deployed() {
    let emulator = Check::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages::all() {
        for block in page.parts.blocks.iter().filter(|it| it.is("manifest")) {
            count += 1;
            if let Err(why) = emulator.manifest(&block.text).await {
                wrong.push(format!("{}:{}: {why}", page.path, block.line));
            }
        }
    }
    none(&wrong);
    assert!(count > 3, "{count}");
}

/// A page whose examples are not compiled would look like one whose are.
#[test]
fn every_page_with_rust_in_it_is_compiled() {
    let library = std::fs::read_to_string(format!("{ROOT}/src/lib.rs")).unwrap();
    let compiled = |page: &Page| library.contains(&format!("\"../{}\"", page.path));
    let has_rust = |page: &Page| page.parts.blocks.iter().any(|it| it.language == "rust");
    let wrong: Vec<_> = pages::all()
        .iter()
        .filter(|page| has_rust(page) && !compiled(page))
        .map(|page| format!("{}: add it to `book` in src/lib.rs", page.path))
        .collect();
    none(&wrong);
}

#[test]
fn what_is_wrong_is_seen() {
    let block = |info: &str, text: &str| {
        let page = format!("```{info}\n{text}\n```\n");
        super::markdown::parts(&page).blocks.remove(0)
    };
    for (info, text) in [
        ("", "what is this"),
        ("pascal", "begin end."),
        ("rust,ignore", "fn"),
        ("toml", "[server]\nlisten = \"everywhere\""),
        ("toml", "[server]\nlissten = \"127.0.0.1:8080\""),
        (
            "toml",
            "[dependencies]\nforge-remote = { features = [\"none\"] }",
        ),
        ("toml,file", "a = "),
        ("yaml", "a: [b"),
        ("json", "{a: 1}"),
        ("js", "const = 1;"),
        ("sh", "if true; then"),
        ("sh", "forge-remote dev --sped 60"),
        ("sh", "A=1 cargo run -- inbox lisst"),
        ("sh", "docker run image forge-remote heal"),
        ("sh", "cargo run --example none"),
        ("sh", "bash tests/runs.sh"),
        ("promql", "rate(forge_no_such_thing_total[5m]) > 0"),
    ] {
        assert!(check(&block(info, text)).is_err(), "{info}: {text}");
    }
    for (info, text) in [
        ("toml", "[server]\nlisten = \"127.0.0.1:80\""),
        (
            "toml",
            "[app]\nids = [\"6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21\"]",
        ),
        ("toml,file", "app = \"mine\""),
        ("sh", "forge-remote dev --speed 60   # faster"),
        ("sh", "docker run \\\n  -p 8080:8080 forge-remote"),
        ("sh", "forge-remote inbox show ID"),
        ("sh", "bash tests/run.sh && cargo run --release -- dev"),
        ("promql", "forge_inbox_oldest_seconds > 300"),
    ] {
        assert_eq!(check(&block(info, text)), Ok(()), "{info}: {text}");
    }
}
