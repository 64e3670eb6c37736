//! What a report may not hold: tokens, of which some may still be worth something, and what
//! would move the cursor of the terminal that it is read in.

/// Beginnings of every token of a run: a JWT's, and that of those without a form.
const BEGINNINGS: [&str; 2] = ["eyJ", "OPQ"];
/// A shorter word is a part of one at most.
const SHORTEST: usize = 16;

/// The text with `<token>` in place of each, and a dot for whatever is no text.
pub(super) fn mask(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { '·' } else { c })
        .collect();
    without_tokens(&plain)
}

fn without_tokens(text: &str) -> String {
    let is_of_token = |symbol: char| symbol.is_ascii_alphanumeric() || "-_.~+/=".contains(symbol);
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .find(|symbol| !is_of_token(symbol))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let start = BEGINNINGS.iter().filter_map(|start| word.find(start)).min();
        match start.filter(|start| word.len() - start >= SHORTEST) {
            Some(start) => {
                masked.push_str(&word[..start]);
                masked.push_str("<token>");
            }
            None => masked.push_str(word),
        }
        let between = after.find(is_of_token).unwrap_or(after.len());
        masked.push_str(&after[..between]);
        rest = &after[between..];
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_and_everything_else_stays() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.AAAA";
        assert_eq!(
            mask(&format!("x={token}, {{\"t\":\"{token}\"}}")),
            "x=<token>, {\"t\":\"<token>\"}"
        );
        assert_eq!(mask(&format!("Bearer {token}")), "Bearer <token>");
        let plain = "GET /api/content 200 – application/json: {\"a\":[1,2]}";
        assert_eq!(mask(plain), plain);
        assert_eq!(mask("eyJ"), "eyJ");
        assert_eq!(mask(""), "");
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(mask("a\x1b[2Jb\r\n\u{9b}c"), "a·[2Jb···c");
    }
}
