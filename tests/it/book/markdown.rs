//! What a page is made of, read by the parser that mdBook reads it with.

use std::collections::BTreeMap;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A fenced block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line of its fence.
    pub(crate) line: usize,
    /// The first word after the fence; empty where there is none.
    pub(crate) language: String,
    /// The words that follow it.
    pub(crate) words: Vec<String>,
    pub(crate) text: String,
}

impl Block {
    pub(crate) fn is(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }
}

/// What the tests look at.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) blocks: Vec<Block>,
    /// Where links and pictures lead, each with its line.
    pub(crate) links: Vec<(usize, String)>,
    /// What stands in `code` within a text, each with its line.
    pub(crate) code: Vec<(usize, String)>,
    /// The anchors of the headings, as mdBook names them.
    pub(crate) anchors: Vec<String>,
    /// Rows of tables, each with its line: cells as they are written.
    pub(crate) rows: Vec<(usize, Vec<String>)>,
}

pub(crate) fn parts(text: &str) -> Parts {
    let mut parts = Parts::default();
    let mut block: Option<Block> = None;
    let mut heading: Option<String> = None;
    let mut cell: Option<usize> = None;
    let mut seen = BTreeMap::new();
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let line = line_of(range.start);
        match event {
            Event::Start(Tag::CodeBlock(kind)) => block = Some(opened(&kind, line)),
            Event::End(TagEnd::CodeBlock) => parts.blocks.extend(block.take()),
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let times = seen.entry(anchor.clone()).or_insert(0_usize);
                parts.anchors.push(match *times {
                    0 => anchor,
                    times => format!("{anchor}-{times}"),
                });
                *times += 1;
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                parts.links.push((line, dest_url.into_string()));
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                let links = attributes(&html).into_iter();
                parts.links.extend(links.map(|link| (line, link)));
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => parts.rows.push((line, Vec::new())),
            Event::Start(Tag::TableCell) => cell = Some(range.start),
            Event::End(TagEnd::TableCell) => {
                if let (Some(_), Some((_, row))) = (cell.take(), parts.rows.last_mut()) {
                    let cell = text[range].trim_matches(|c: char| c == '|' || c.is_whitespace());
                    row.push(cell.to_owned());
                }
            }
            Event::Text(words) => {
                if let Some(block) = &mut block {
                    block.text.push_str(&words);
                }
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
                parts.code.push((line, words.into_string()));
            }
            _ => {}
        }
    }
    parts
}

fn opened(kind: &CodeBlockKind<'_>, line: usize) -> Block {
    let info = match kind {
        CodeBlockKind::Fenced(info) => info.as_ref(),
        CodeBlockKind::Indented => "",
    };
    let mut words = info
        .split([',', ' '])
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned);
    Block {
        line,
        language: words.next().unwrap_or_default(),
        words: words.collect(),
        text: String::new(),
    }
}

/// As mdBook makes it, and as forges do for what our headings are made of.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| {
        if c.is_alphanumeric() || matches!(c, '_' | '-') {
            Some(c.to_ascii_lowercase())
        } else {
            c.is_whitespace().then_some('-')
        }
    });
    kept.collect()
}

/// What `src`, `srcset` and `href` of that HTML lead to.
fn attributes(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in [" src=\"", " srcset=\"", " href=\""] {
        for (at, _) in html.match_indices(name) {
            let value = &html[at + name.len()..];
            found.extend(value.split_once('"').map(|(value, _)| value.to_owned()));
        }
    }
    found
}

#[test]
fn a_page_is_taken_apart() {
    let page = "# Two `words`, one\n\n# Two words one\n\n<img src=\"a.png\" alt=\"\">\n\n\
                [x](y.md#z) and `src/main.rs`\n\n```sh,run\nls\n```\n\n| a | `b` |\n|---|---|\n| c | d\\|e |\n";
    let parts = parts(page);
    assert_eq!(parts.anchors, ["two-words-one", "two-words-one-1"]);
    assert_eq!(parts.links, [(5, "a.png".into()), (7, "y.md#z".into())]);
    assert_eq!(parts.code[1], (7, "src/main.rs".to_owned()));
    assert_eq!(parts.blocks.len(), 1);
    let block = &parts.blocks[0];
    assert_eq!((block.line, block.language.as_str()), (9, "sh"));
    assert!(block.is("run") && !block.is("sh"));
    assert_eq!(block.text, "ls\n");
    assert_eq!(parts.rows[0].1, ["a", "`b`"]);
    assert_eq!(parts.rows[1], (15, vec!["c".into(), "d\\|e".into()]));
}
