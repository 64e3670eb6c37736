//! JSON as people read it: indented, with its kinds told apart by colour.

use maud::{Markup, html};
use serde_json::Value;

use crate::emulator::platform::masked;

pub(super) fn pretty(value: &Value) -> Markup {
    html! { pre class="json" tabindex="0" { code { (part(value, 0)) } } }
}

fn part(value: &Value, depth: usize) -> Markup {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let entries: Vec<_> = map.iter().collect();
            html! {
                "{\n"
                @for (at, (key, value)) in entries.iter().enumerate() {
                    (indent(depth + 1)) span class="k" { (quoted(key)) } ": " (part(value, depth + 1))
                    (comma(at, entries.len()))
                }
                (indent(depth)) "}"
            }
        }
        Value::Array(list) if !list.is_empty() => html! {
            "[\n"
            @for (at, value) in list.iter().enumerate() {
                (indent(depth + 1)) (part(value, depth + 1)) (comma(at, list.len()))
            }
            (indent(depth)) "]"
        },
        Value::String(text) => html! { span class="s" { (quoted(text)) } },
        other => html! { span class="n" { (other) } },
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

const fn comma(at: usize, of: usize) -> &'static str {
    if at + 1 < of { ",\n" } else { "\n" }
}

/// An app may keep or send tokens as any other text.
fn quoted(text: &str) -> String {
    Value::from(masked(text, &[])).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_it_is_not_shown() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln";
        let shown = pretty(&serde_json::json!({token: [token]})).into_string();
        assert!(!shown.contains("c2ln"), "{shown}");
        assert_eq!(shown.matches("eyJhbGci…").count(), 2);
    }

    #[test]
    fn what_is_shown_is_the_json_and_nothing_of_it_is_html() {
        let value = serde_json::json!({"a": [1, "<b>&"], "b": {}, "c": null});
        let shown = pretty(&value).into_string();
        assert!(!shown.contains("<b>"));
        let mut text = String::new();
        let mut inside = false;
        for c in shown.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                _ if !inside => text.push(c),
                _ => {}
            }
        }
        let text = text
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
